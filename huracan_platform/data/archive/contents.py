"""The bytes of a file: checksum, one CSV in a zip, nothing cut off."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO
from pathlib import Path, PurePosixPath

from huracan_platform.data.archive.names import is_archive_name
from huracan_platform.errors import DataContractError
from huracan_platform.settings import ArchiveSettings


class Checksum(StrEnum):
    """What the `.CHECKSUM` beside a file says of it."""

    RIGHT = "right"
    MISSING = "missing"


@dataclass(frozen=True)
class Contents:
    """A file's CSV, the SHA-256 of the file as it lies there, and whether a checksum vouched for it."""

    csv: bytes
    sha256: str
    checksum: Checksum


def sha256_of(path: Path) -> str:
    """SHA-256 hex of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_sum(path: Path, sha256: str) -> Checksum:
    """Hold a file against the `.CHECKSUM` beside it.

    Raises
    ------
    DataContractError
        The checksum is another file's, or of other bytes, or none at all.
    """
    beside = path.with_name(f"{path.name}.CHECKSUM")
    if not beside.is_file():
        return Checksum.MISSING
    words = beside.read_text(encoding="utf-8", errors="replace").split()
    if len(words) != 2 or len(words[0]) != len(sha256):
        raise DataContractError(f"{beside.name}: expected a SHA-256 and a name, got {' '.join(words)[:80]!r}")
    if words[1].removeprefix("*") != path.name:
        raise DataContractError(f"{beside.name}: expected the checksum of {path.name}, got that of {words[1]}")
    if words[0].lower() != sha256:
        raise DataContractError(f"{path.name}: expected SHA-256 {words[0].lower()}, got {sha256}")
    return Checksum.RIGHT


def open_contents(path: Path, sha256: str, settings: ArchiveSettings) -> Contents:
    """Read a file whole.

    Raises
    ------
    DataContractError
        A checksum that does not fit, a zip that is cut off or damaged, one that does not hold a single CSV, or a CSV that is too
        large to be read at once.
    """
    checksum = check_sum(path, sha256)
    most = int(settings.most_csv_mb * 2**20)
    if path.suffix.lower() == ".zip":
        return Contents(_csv(path.name, path.read_bytes(), most), sha256, checksum)
    _check_size(path.name, path.stat().st_size, most)
    return Contents(path.read_bytes(), sha256, checksum)


def _check_size(name: str, size: int, most: int) -> None:
    if size > most:
        raise DataContractError(
            f"{name}: expected a CSV of at most {most / 2**20:g} MB (HURACAN_ARCHIVE__MOST_CSV_MB), got {size / 2**20:.0f}: "
            "the archive has the same in daily files"
        )


def _csv(name: str, stored: bytes, most: int) -> bytes:
    try:
        with zipfile.ZipFile(BytesIO(stored)) as archive:
            inside = [member for member in archive.infolist() if not member.is_dir()]
            if len(inside) != 1 or not inside[0].filename.lower().endswith(".csv"):
                got = ", ".join(member.filename for member in inside) or "nothing"
                raise DataContractError(f"{name}: expected one CSV in the zip, got {got}")
            member = PurePosixPath(inside[0].filename).name
            if is_archive_name(member) and PurePosixPath(member).stem != PurePosixPath(name).stem:
                raise DataContractError(f"{name}: expected the CSV of its own name in the zip, got {member}")
            _check_size(name, inside[0].file_size, most)
            return archive.read(inside[0])
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise DataContractError(f"{name}: expected a whole zip, got {error}") from None
