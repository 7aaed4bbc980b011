"""Artefacts on disk or in an object store, addressed by their content; nothing is parsed before its hash is checked."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from typing import Any

import fsspec

from huracan_platform.contracts.hashing import hash_files
from huracan_platform.errors import DataContractError, PermanentError

MAX_FILE_BYTES = 512 * 1024 * 1024


class ContentStore:
    """Handfuls of files under `root`, any fsspec URL or a local path: `<root>/<first two hex>/<hash>/<file>`.

    Parameters
    ----------
    kind
        What is stored, for messages.
    known_files
        Names that may be there; an artefact with any other is refused.
    """

    def __init__(self, root: str, kind: str, known_files: Collection[str]) -> None:
        self.root = root
        self._kind = kind
        self._known = frozenset(known_files)
        self._fs: Any
        self._fs, self._path = fsspec.core.url_to_fs(root)

    def save(self, files: Mapping[str, bytes]) -> str:
        """Write the files and return their hash. Saved twice they are written once; a damaged copy is repaired."""
        artefact_hash = hash_files(files)
        folder = self._folder(artefact_hash)
        if self._intact(artefact_hash):
            return artefact_hash
        self._fs.makedirs(folder, exist_ok=True)
        for stranger in set(self._names(folder)) - set(files):
            self._fs.rm_file(f"{folder}/{stranger}")
        for name, content in files.items():
            part = f"{self._path}/.{uuid.uuid4().hex}.part"  # a reader sees a whole file or none
            self._fs.pipe_file(part, content)
            self._fs.mv(part, f"{folder}/{name}")
        return artefact_hash

    def load(self, artefact_hash: str) -> dict[str, bytes]:
        """The files, checked.

        Raises
        ------
        PermanentError
            There is no such artefact.
        DataContractError
            Its files are not exactly those that were hashed: corrupted, swapped, or with one too many.
        """
        files = self._read(artefact_hash)
        if (found := hash_files(files)) != artefact_hash:
            where = self._folder(artefact_hash)
            raise DataContractError(f"{self._kind} artefact in {where}: expected SHA-256 {artefact_hash}, got {found}")
        return files

    def path(self, artefact_hash: str, name: str) -> str:
        """Where one of its files lies, there or not."""
        return f"{self._folder(artefact_hash)}/{name}"

    def _read(self, artefact_hash: str) -> dict[str, bytes]:
        folder = self._folder(artefact_hash)
        if not self._fs.isdir(folder):
            raise PermanentError(f"{self._kind} artefact: expected a folder {folder}, got none")
        names = self._names(folder)
        if unknown := set(names) - self._known:
            raise DataContractError(
                f"{self._kind} artefact {folder}: expected only {sorted(self._known)}, got also {sorted(unknown)}"
            )
        files = {}
        for name in names:
            size = int(self._fs.size(f"{folder}/{name}") or 0)
            if size > MAX_FILE_BYTES:
                raise DataContractError(
                    f"{self._kind} artefact {folder}/{name}: expected at most {MAX_FILE_BYTES} bytes, got {size}"
                )
            files[name] = bytes(self._fs.cat_file(f"{folder}/{name}"))
        return files

    def _intact(self, artefact_hash: str) -> bool:
        try:
            return hash_files(self._read(artefact_hash)) == artefact_hash
        except (PermanentError, DataContractError):
            return False

    def _names(self, folder: str) -> list[str]:
        return sorted(str(path).rsplit("/", 1)[-1] for path in self._fs.ls(folder, detail=False))

    def _folder(self, artefact_hash: str) -> str:
        if len(artefact_hash) != 64 or set(artefact_hash) - set("0123456789abcdef"):
            raise PermanentError(f"{self._kind} artefact: expected 64 hex digits, got {artefact_hash!r}")
        return f"{self._path}/{artefact_hash[:2]}/{artefact_hash}"
