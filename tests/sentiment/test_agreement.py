"""What scores are worth, against labels that people gave."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from huracan_platform.data.sentiment.agreement import agreement
from huracan_platform.data.sentiment.scoring import VaderScorer
from huracan_platform.errors import DataContractError
from tests.recorded import recording

LABELS = ["positive", "negative", "Positive", "negative"]


def test_right_order_is_one_and_wrong_order_zero() -> None:
    right = agreement("made", [0.9, -0.2, 0.1, -0.8], LABELS, seed=1)
    assert (right.texts, right.positive, right.ranked, right.balanced_accuracy, right.neutral) == (4, 2, 1.0, 1.0, 0.0)
    assert agreement("made", [-0.9, 0.2, -0.1, 0.8], LABELS, seed=1).ranked == 0.0


def test_a_scorer_that_says_nothing_is_chance_and_never_right() -> None:
    blind = agreement("made", [0.0] * 4, LABELS, seed=1)
    assert (blind.ranked, blind.balanced_accuracy, blind.neutral) == (0.5, 0.0, 1.0)


def test_the_interval_of_noise_holds_chance_and_narrows_with_more_texts() -> None:
    rng = np.random.default_rng(3)
    widths = []
    for count in (50, 2000):
        noise = agreement("noise", rng.normal(size=count), ["positive", "negative"] * (count // 2), seed=1)
        assert noise.interval[0] < 0.5 < noise.interval[1]
        widths.append(noise.interval[1] - noise.interval[0])
    assert widths[1] < widths[0] / 4


@pytest.mark.parametrize("labels", [["positive", "bullish"], ["positive", "positive"], []])
def test_other_labels_than_both_are_refused(labels: list[str]) -> None:
    with pytest.raises(DataContractError, match="labels: expected both of positive, negative, got"):
        agreement("made", [0.1] * len(labels), labels, seed=1)


def test_vader_ranks_recorded_comments_better_than_chance() -> None:
    path = recording("sentiment_labelled_comments") / "surge_crypto_sentiment.parquet"
    comments = pd.read_parquet(path)
    found = agreement("vader", VaderScorer().scores(list(comments["text"])), list(comments["label"]), seed=1)
    assert found.texts == len(comments)
    assert found.interval[0] > 0.5


def test_the_command_tells_it(tmp_path) -> None:
    file = tmp_path / "labelled.csv"
    pd.DataFrame({"text": ["A great win", "A terrible crash", "I love it", "Fraud"], "label": LABELS}).to_csv(file)
    call = [sys.executable, "-m", "huracan_platform.cli.main", "sentiment", "quality"]
    done = subprocess.run([*call, str(file), "--json"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["texts"], told["ranked"], told["balanced_accuracy"]) == (4, 1.0, 1.0)
    assert told["scorer"].startswith("vader-")
    file.write_text("words,label\nx,positive\n")
    done = subprocess.run([*call, str(file)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 65
    assert "expected columns text and label, got words, label" in done.stderr
