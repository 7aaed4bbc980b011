"""How well a scorer agrees with labels that people gave: what its scores are worth before anybody trades on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from huracan_platform.errors import DataContractError

LABELS = {"positive": 1, "negative": 0}
DRAWS = 2_000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Agreement:
    """What scores of labelled texts are worth.

    `ranked` is the share of pairs of a positive and a negative text that the scores put in that order, ties counted half (area
    under the ROC curve; 0.5 is chance), with its bootstrap interval; `balanced_accuracy` the mean of the shares of positive texts
    scored above 0 and of negative ones scored below; `neutral` the share of texts scored 0.
    """

    scorer: str
    texts: int
    positive: int
    ranked: float
    interval: tuple[float, float]
    balanced_accuracy: float
    neutral: float


def agreement(scorer: str, scores: Sequence[float], labels: Sequence[str], seed: int) -> Agreement:
    """How the scores agree with the labels positive and negative, in any case.

    Raises
    ------
    DataContractError
        Another label, or only one of the two.
    """
    from sklearn.metrics import roc_auc_score

    words = [str(label).strip().lower() for label in labels]
    strange = sorted(set(words) - LABELS.keys())
    if strange or len(set(words)) < len(LABELS):
        got = ", ".join(strange or sorted(set(words))) or "none"
        raise DataContractError(f"labels: expected both of {', '.join(LABELS)}, got {got}")
    truth, found = np.array([LABELS[word] for word in words], bool), np.asarray(scores, float)
    up, down = found[truth], found[~truth]

    def ranked(up: npt.NDArray[np.float64], down: npt.NDArray[np.float64]) -> float:
        return float(roc_auc_score(truth_sorted, np.concatenate([up, down])))

    truth_sorted = np.repeat([True, False], [len(up), len(down)])
    rng = np.random.default_rng(seed)
    draws = [ranked(rng.choice(up, len(up)), rng.choice(down, len(down))) for _ in range(DRAWS)]
    edge = (1 - CONFIDENCE) / 2
    low, high = map(float, np.quantile(draws, [edge, 1 - edge]))
    balanced = float(((up > 0).mean() + (down < 0).mean()) / 2)
    return Agreement(scorer, len(found), len(up), ranked(up, down), (low, high), balanced, float((found == 0).mean()))
