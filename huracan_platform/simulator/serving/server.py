"""The venue's server process: bind, say that it is ready, serve until told to stop."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import signal
import socket
import sys

from aiohttp import web

from huracan_platform.errors import PermanentError

OBJECTS_BETWEEN_COLLECTIONS = 20_000
TRIM_S = 2.0


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises
    ------
    PermanentError
        The address is taken or may not be bound.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(256)
    except OSError as error:
        listener.close()
        raise PermanentError(f"venue: expected to listen on {host}:{port}, got {error.strerror}") from None
    return listener


async def serve(app: web.Application, listener: socket.socket, name: str = "venue") -> None:
    """Serve until SIGINT or SIGTERM; one line on stdout tells when clients may come."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    _spare_the_collector()
    host, port = listener.getsockname()[:2]
    sys.stdout.write(f"{name} ready http://{host}:{port}\n")
    sys.stdout.flush()
    trimming = asyncio.create_task(_give_memory_back())
    await stop.wait()
    trimming.cancel()
    await runner.cleanup()


async def _give_memory_back() -> None:
    """Return what is free between what is not to the system now and then, where the C library can: it takes 0.2 ms. Answers and
    stream messages of all sizes leave holes, by which a venue that runs for months would grow."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    while trim is not None:
        await asyncio.sleep(TRIM_S)
        trim(0)


def _spare_the_collector() -> None:
    """Look for garbage seldom, and never in what is there by now: 4 % of an order's acknowledgement, and its pauses."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
