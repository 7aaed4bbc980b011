"""FinBERT's scores (Araci 2019, arXiv:1908.10063): a BERT classifier of financial texts, through transformers (extra `finbert`).

A score is P(positive) − P(negative). The model is a folder on disk, as `save_pretrained` writes it, with safetensors weights:
nothing is downloaded and no pickle is read. The published weights are one; `scripts/finbert_safetensors.py` converts them once.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from huracan_platform.errors import ConfigurationError, DataContractError

WEIGHTS = "model.safetensors"
POSITIVE, NEGATIVE = "positive", "negative"
# BERT reads 512 tokens; what follows in a long text is left out.
LONGEST_TOKENS = 512
BATCH = 16


class FinbertScorer:
    """A sequence classifier with the labels positive and negative.

    Parameters
    ----------
    folder
        Holds config.json, the tokenizer's files and model.safetensors.
    sha256
        Of the weights, checked before they are read; None: they are only named by it.

    Raises
    ------
    ConfigurationError
        transformers is not installed; the folder or its weights are missing.
    DataContractError
        Other weights than expected, or a classifier of other labels.
    """

    def __init__(self, folder: Path, sha256: str | None = None) -> None:
        if importlib.util.find_spec("transformers") is None:
            raise ConfigurationError("HURACAN_SENTIMENT__SCORER: finbert expected the extra huracan-platform[finbert], got none")
        weights = folder / WEIGHTS
        if not weights.is_file():
            raise ConfigurationError(f"HURACAN_SENTIMENT__FINBERT_DIR: expected a folder with {WEIGHTS}, got {folder}")
        digest = hashlib.sha256(weights.read_bytes()).hexdigest()
        if sha256 is not None and digest != sha256:
            raise DataContractError(f"{weights}: expected SHA-256 {sha256}, got {digest}")
        self._digest = digest
        self._tokenizer, self._model = _load(folder)
        labels = {str(label).lower(): int(at) for at, label in self._model.config.id2label.items()}
        if not {POSITIVE, NEGATIVE} <= labels.keys():
            raise DataContractError(f"{folder}: expected a classifier with labels positive and negative, got {sorted(labels)}")
        self._positive, self._negative = labels[POSITIVE], labels[NEGATIVE]

    @property
    def name(self) -> str:
        """Named by its weights."""
        return f"finbert-{self._digest[:12]}"

    def scores(self, texts: Sequence[str]) -> list[float]:
        """P(positive) − P(negative) of each text."""
        import torch

        found: list[float] = []
        # Texts of like length share a batch, so that little of it is padding.
        order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
        with torch.inference_mode():
            for at in range(0, len(order), BATCH):
                part = [texts[place] for place in order[at:at + BATCH]]
                tokens = self._tokenizer(part, return_tensors="pt", padding=True, truncation=True, max_length=self._longest)
                shares = torch.softmax(self._model(**tokens).logits.double(), dim=-1)
                found += (shares[:, self._positive] - shares[:, self._negative]).tolist()
        scored = dict(zip(order, found, strict=True))
        return [scored[place] for place in range(len(texts))]

    @property
    def _longest(self) -> int:
        return min(LONGEST_TOKENS, int(self._model.config.max_position_embeddings))


def _load(folder: Path) -> tuple[Any, Any]:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    # `trust_remote_code` would run code of the folder.
    local: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    tokenizer = AutoTokenizer.from_pretrained(str(folder), **local)
    model = AutoModelForSequenceClassification.from_pretrained(str(folder), use_safetensors=True, **local)
    return tokenizer, model.eval()
