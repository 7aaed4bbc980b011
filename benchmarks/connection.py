"""A client of a venue that costs next to nothing: one keep-alive connection, and what ccxt would send over it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

HEADERS = "User-Agent: python-requests/2.34.2\r\nAccept-Encoding: gzip, deflate\r\nAccept: */*\r\n"
MOST_BYTES = 1 << 26


@dataclass(frozen=True)
class Request:
    """What ccxt sends: its headers, parameters of POST as a form in the body. `key` signs it, "" for nobody."""

    method: str
    target: str
    key: str = ""
    form: str = ""

    @property
    def rest(self) -> str:
        """All that comes after the host."""
        signed = f"X-MBX-APIKEY: {self.key}\r\n" if self.key else ""
        form = f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(self.form)}\r\n" if self.form else ""
        return f"{signed}{form}{HEADERS}\r\n{self.form}"


def get(target: str) -> Request:
    """One that nobody signs."""
    return Request("GET", target)


class Connection:
    """One keep-alive connection that knows just enough HTTP for a venue on loopback."""

    def __init__(self, url: str) -> None:
        self._host = urlsplit(url).netloc
        host, port = self._host.split(":")
        self._socket = socket.create_connection((host, int(port)))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray(MOST_BYTES)

    def close(self) -> None:
        """End it."""
        self._socket.close()

    def send(self, request: Request) -> None:
        """Ask; the answer must be read before the next question."""
        self._socket.sendall(f"{request.method} {request.target} HTTP/1.1\r\nHost: {self._host}\r\n{request.rest}".encode())

    def receive(self) -> memoryview:
        """The body of the answer, valid until the next one; anything but a 200 is an error."""
        view, have, head_end = memoryview(self._buffer), 0, -1
        while head_end < 0:
            have += self._received(view[have:])
            head_end = self._buffer.find(b"\r\n\r\n", 0, have)
        head = bytes(view[:head_end]).lower()
        size = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
        end = head_end + 4 + size
        while have < end:
            have += self._received(view[have:end])
        body = view[head_end + 4:end]
        if not head.startswith(b"http/1.1 200 "):
            raise RuntimeError(f"expected status 200, got {bytes(view[:end]).decode()}")
        return body

    def ask(self, request: Request) -> memoryview:
        """Send and receive."""
        self.send(request)
        return self.receive()

    def _received(self, into: memoryview) -> int:
        count = self._socket.recv_into(into)
        if count == 0:
            raise RuntimeError("expected an answer, got the end of the connection")
        return count


@contextmanager
def connections(url: str, number: int) -> Iterator[list[Connection]]:
    """So many connections to the venue, closed with the block."""
    with ExitStack() as stack:
        yield [stack.enter_context(closing(Connection(url))) for _ in range(number)]
