"""A backup is a folder: a dump of each database, the artefacts, and a manifest with the hash of everything."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from huracan_platform.brain.backup.fingerprint import fingerprints
from huracan_platform.brain.backup.programs import dump, restore
from huracan_platform.brain.connection import translated_errors
from huracan_platform.brain.embedded.server import BRAIN, DAGSTER, Endpoint
from huracan_platform.clock import to_datetime
from huracan_platform.contracts.backup import BackupManifest, TableFingerprint, read_manifest
from huracan_platform.errors import DataContractError, PermanentError

MANIFEST, ARTEFACTS = "manifest.json", "artefacts.tar"
CHUNK = 1 << 20
Told = Callable[[str], None]


def make_backup(
    endpoint: Endpoint, artefacts: Path, folder: Path, wire_ms: int, told: Told = lambda text: None
) -> BackupManifest:
    """Write both databases, each as of one moment, and the artefacts. The platform may run meanwhile.

    The library is dumped before the artefacts are read: what it names is among them. `told` gets a word before each part.

    Raises
    ------
    PermanentError
        The folder is there already, cannot be written, another backup is writing it, or a dump failed; nothing is left then.
    """
    with _unfinished(folder, told) as partial:
        databases, server = {}, ""
        for name, dsn in _databases(endpoint).items():
            server, databases[name] = _dump(name, dsn, partial / f"{name}.dump", told)
        told("artefacts")
        stored = _pack(artefacts, partial / ARTEFACTS)
        files = {path.name: sha256_of(path) for path in sorted(partial.iterdir())}
        manifest = BackupManifest(to_datetime(wire_ms).isoformat(), server, databases, files, stored)
        with (partial / MANIFEST).open("w") as file:
            json.dump(manifest.as_dict(), file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        partial.rename(folder)
    return manifest


def restore_backup(folder: Path, endpoint: Endpoint, artefacts: Path, told: Told = lambda text: None) -> BackupManifest:
    """Fill two empty databases and an empty artefacts' folder, and hold every table and file against the manifest.

    Raises
    ------
    DataContractError
        A file of the backup, or a table after the restore, is not what the manifest says.
    PermanentError
        No backup, or the target is not empty.
    """
    manifest = manifest_of(folder)
    told("hashes of the backup's files")
    for name, digest in manifest.files.items():
        got = sha256_of(folder / name) if (folder / name).is_file() else "no such file"
        if got != digest:
            raise DataContractError(f"{folder / name}: expected SHA-256 {digest}, got {got}")
    if artefacts.exists() and any(artefacts.iterdir()):
        raise PermanentError(f"restore: expected no artefacts yet, got some in {artefacts}")
    for name, dsn in _databases(endpoint).items():
        _expect_empty(name, dsn)
    for name, dsn in _databases(endpoint).items():
        told(f"{name}: rows")
        restore(dsn, folder / f"{name}.dump")
        _expect_equal(name, dsn, manifest.databases[name], told)
    told("artefacts")
    _unpack(folder / ARTEFACTS, artefacts, manifest.artefacts)
    return manifest


def manifest_of(folder: Path) -> BackupManifest:
    """What a backup says of itself.

    Raises
    ------
    PermanentError
        There is no readable manifest.
    """
    try:
        return read_manifest(json.loads((folder / MANIFEST).read_text()))
    except OSError as error:
        raise PermanentError(f"backup: expected a folder with {MANIFEST}, got {folder} ({error.strerror})") from None
    except ValueError as error:
        raise PermanentError(f"{folder / MANIFEST}: {error}") from None


def sha256_of(path: Path) -> str:
    """Of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _unfinished(folder: Path, told: Told) -> Iterator[Path]:
    """A folder to fill and to rename; what is not renamed is removed.

    It is locked meanwhile, so that one whose backup was killed is told from one that is being written, and removed.
    """
    if folder.exists():
        raise PermanentError(f"backup: expected a folder that is not there yet, got {folder}")
    partial = folder.with_name(f".{folder.name}.partial")
    try:
        left = partial.exists()
        partial.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(partial, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise PermanentError(f"backup: expected a folder that can be made, got {folder} ({error.strerror})") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise PermanentError(f"backup: expected a folder that nobody writes, got {partial}, which another backup does") from None
    try:
        if left:
            told(f"anew: an unfinished backup in {partial} is removed")
            for path in partial.iterdir():
                path.unlink()
        yield partial
    finally:
        os.close(lock)
        shutil.rmtree(partial, ignore_errors=True)  # not there any more where all went well


def _databases(endpoint: Endpoint) -> dict[str, str]:
    return {BRAIN: endpoint.brain_dsn, DAGSTER: endpoint.dagster_dsn}


def _dump(name: str, dsn: str, file: Path, told: Told) -> tuple[str, dict[str, TableFingerprint]]:
    """One snapshot for the dump and for the hashes, so that what is written meanwhile is in neither."""
    with translated_errors(dsn), psycopg.connect(dsn) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        row = connection.execute("SELECT pg_export_snapshot()").fetchone()
        assert row is not None
        told(f"{name}: rows")
        dump(dsn, str(row[0]), file)
        found = fingerprints(connection, lambda table: told(f"{name}: hash of {table}"))
        return str(connection.info.parameter_status("server_version")), found


def _expect_empty(name: str, dsn: str) -> None:
    with translated_errors(dsn), psycopg.connect(dsn) as connection:
        held = fingerprints(connection)
    if held:
        raise PermanentError(f"restore: expected an empty database {name}, got {len(held)} tables; a new HURACAN_HOME has one")


def _expect_equal(name: str, dsn: str, expected: Mapping[str, TableFingerprint], told: Told) -> None:
    with translated_errors(dsn), psycopg.connect(dsn) as connection:
        found = fingerprints(connection, lambda table: told(f"{name}: hash of {table}"))
    wrong = [table for table in sorted(expected.keys() | found.keys()) if expected.get(table) != found.get(table)]
    if wrong:
        first = wrong[0]
        raise DataContractError(
            f"restore of {name}: expected {first} as {expected.get(first)}, got {found.get(first)}; {len(wrong)} tables differ"
        )


def _pack(artefacts: Path, file: Path) -> dict[str, str]:
    """Artefacts are content-addressed and never change, so that reading them while the platform runs is safe."""
    stored = {}
    with tarfile.open(file, "w") as archive:
        for path in sorted(artefacts.rglob("*")) if artefacts.exists() else ():
            # A name that begins with a dot is a file that somebody is writing.
            if path.is_file() and not any(part.startswith(".") for part in path.relative_to(artefacts).parts):
                name = str(path.relative_to(artefacts))
                stored[name] = sha256_of(path)
                archive.add(path, name, recursive=False)
    return stored


def _unpack(file: Path, artefacts: Path, expected: Mapping[str, str]) -> None:
    artefacts.mkdir(parents=True, exist_ok=True)
    with tarfile.open(file) as archive:
        archive.extractall(artefacts, filter="data")
    for name, digest in expected.items():
        got: Any = sha256_of(artefacts / name) if (artefacts / name).is_file() else "no such file"
        if got != digest:
            raise DataContractError(f"restore: expected {artefacts / name} with SHA-256 {digest}, got {got}")
