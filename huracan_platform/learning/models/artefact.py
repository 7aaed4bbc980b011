"""Artefacts on disk or in an object store, addressed by their content; nothing is parsed before its hash is checked."""

from __future__ import annotations

import uuid
from typing import Any

import fsspec

from huracan_platform.contracts.hashing import hash_files
from huracan_platform.errors import DataContractError, PermanentError
from huracan_platform.learning.models.train import CALIBRATOR_FILE, SCALER_FILE, SPEC_FILE, FittedModel
from huracan_platform.learning.models.zoo import ZOO

KNOWN_FILES = frozenset({SPEC_FILE, SCALER_FILE, CALIBRATOR_FILE, *(f for a in ZOO.values() for f in a.weight_files)})
MAX_FILE_BYTES = 512 * 1024 * 1024


class ArtefactStore:
    """Models under `root`, any fsspec URL or a local path: `<root>/<first two hex>/<hash>/<file>`."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._fs: Any
        self._fs, self._path = fsspec.core.url_to_fs(root)

    def save(self, fitted: FittedModel) -> str:
        """Write the model's files and return its hash. Saved twice it is written once; a damaged copy is repaired."""
        folder = self._folder(fitted.artefact_hash)
        if self._intact(fitted.artefact_hash):
            return fitted.artefact_hash
        self._fs.makedirs(folder, exist_ok=True)
        for stranger in set(self._names(folder)) - set(fitted.files):
            self._fs.rm_file(f"{folder}/{stranger}")
        for name, content in fitted.files.items():
            part = f"{self._path}/.{uuid.uuid4().hex}.part"  # a reader sees a whole file or none
            self._fs.pipe_file(part, content)
            self._fs.mv(part, f"{folder}/{name}")
        return fitted.artefact_hash

    def load(self, artefact_hash: str, *, threads: int = 1) -> FittedModel:
        """Read, check, then parse.

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
            raise DataContractError(f"model artefact in {where}: expected SHA-256 {artefact_hash}, got {found}")
        return FittedModel.from_files(files, threads=threads)

    def _read(self, artefact_hash: str) -> dict[str, bytes]:
        folder = self._folder(artefact_hash)
        if not self._fs.isdir(folder):
            raise PermanentError(f"model artefact: expected a folder {folder}, got none")
        names = self._names(folder)
        if unknown := set(names) - KNOWN_FILES:
            raise DataContractError(f"model artefact {folder}: expected only {sorted(KNOWN_FILES)}, got also {sorted(unknown)}")
        files = {}
        for name in names:
            size = int(self._fs.size(f"{folder}/{name}") or 0)
            if size > MAX_FILE_BYTES:
                raise DataContractError(f"model artefact {folder}/{name}: expected at most {MAX_FILE_BYTES} bytes, got {size}")
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
            raise PermanentError(f"model artefact: expected 64 hex digits, got {artefact_hash!r}")
        return f"{self._path}/{artefact_hash[:2]}/{artefact_hash}"
