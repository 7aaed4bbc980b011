"""Client order ids that no other installation, account, strategy or database can give out again."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from huracan_platform.brain.execution.risk import InstallationRepository
from huracan_platform.errors import PermanentError


def client_order_id(installation: str, account: str, strategy: str, intent_seq: int) -> str:
    """32 characters of A-Z and 2-7, the same for the same arguments; fits Binance's `^[\\.A-Z\\:/a-z0-9_-]{1,36}$`."""
    digest = hashlib.sha256(f"{installation}|{account}|{strategy}|{intent_seq}".encode()).digest()
    return base64.b32encode(digest)[:32].decode()


def installation_uuid(repository: InstallationRepository, home: Path, new_uuid: Callable[[], UUID]) -> UUID:
    """The installation's uuid, held in the database and written beside it under home.

    The database decides. A wiped one holds none and gets a fresh uuid, never the file's: its sequence starts over, and
    with the old uuid it would hand out ids that the venue has already seen. The file tells a person which installation
    a home belonged to.

    Raises
    ------
    PermanentError
        When the file cannot be written.
    """
    uuid = repository.uuid() or repository.establish(new_uuid())
    path = home / "installation_uuid"
    try:
        if not path.exists() or path.read_text().strip() != str(uuid):
            home.mkdir(parents=True, exist_ok=True)
            temporary = path.with_suffix(f".{os.getpid()}")
            temporary.write_text(f"{uuid}\n")
            temporary.replace(path)
    except OSError as error:
        raise PermanentError(f"installation uuid: expected to write {path}, got {error}") from None
    return uuid
