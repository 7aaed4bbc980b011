"""Model artefacts: a fitted model's files in a store addressed by content."""

from __future__ import annotations

from huracan_platform.learning.content import ContentStore
from huracan_platform.learning.models.train import CALIBRATOR_FILE, SCALER_FILE, SPEC_FILE, FittedModel
from huracan_platform.learning.models.zoo import ZOO

KNOWN_FILES = frozenset({SPEC_FILE, SCALER_FILE, CALIBRATOR_FILE, *(f for a in ZOO.values() for f in a.weight_files)})


class ArtefactStore:
    """Models under `root`, any fsspec URL or a local path."""

    def __init__(self, root: str) -> None:
        self._store = ContentStore(root, "model", KNOWN_FILES)

    @property
    def root(self) -> str:
        """Where the models lie."""
        return self._store.root

    def save(self, fitted: FittedModel) -> str:
        """Write the model's files and return its hash. Saved twice it is written once; a damaged copy is repaired."""
        return self._store.save(fitted.files)

    def load(self, artefact_hash: str, *, threads: int = 1) -> FittedModel:
        """Read, check, then parse.

        Raises
        ------
        PermanentError
            There is no such artefact.
        DataContractError
            Its files are not exactly those that were hashed: corrupted, swapped, or with one too many.
        """
        return FittedModel.from_files(self._store.load(artefact_hash), threads=threads)
