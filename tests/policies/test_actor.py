"""A policy's files: what they hold, what is refused, and what comes out of them."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from huracan_platform.contracts.policy import OBSERVATIONS
from huracan_platform.errors import DataContractError, PermanentError
from huracan_platform.learning.content import ContentStore
from huracan_platform.learning.policies.actor import SPEC_FILE, WEIGHTS_FILE, ActorPolicy, Normalisation
from tests.policies.world import observed


def actor(seed: int = 0) -> ActorPolicy:
    rng = np.random.default_rng(seed)
    widths = (15, 8, 8, 3)
    layers = tuple(
        (np.float64(np.float32(rng.normal(size=(out, into)))), np.float64(np.float32(rng.normal(size=out))))
        for into, out in pairwise(widths)
    )
    return ActorPolicy(layers, Normalisation(rng.normal(size=15), rng.uniform(0.5, 2.0, 15)), 5.0)


@pytest.fixture
def store(tmp_path: Path) -> ContentStore:
    return ContentStore(str(tmp_path), "policy", (SPEC_FILE, WEIGHTS_FILE))


def test_files_give_the_same_policy_back(store: ContentStore) -> None:
    first = actor()
    again = ActorPolicy.from_files(store.load(store.save(first.files)))
    assert again.artefact_hash == first.artefact_hash
    for seed in range(20):
        figures = dict(zip(OBSERVATIONS, np.random.default_rng(seed).normal(size=15), strict=True))
        assert again.risk_parameters(observed(**figures)) == first.risk_parameters(observed(**figures))


def test_the_forward_pass_is_tanh_layers_and_a_cut_mean() -> None:
    weights = np.zeros((3, 15))
    weights[0, 0], weights[1, 1], weights[2, 2] = 1.0, 1.0, 1.0
    policy = ActorPolicy(((weights, np.array([0.0, 0.5, 0.0])),), Normalisation(np.zeros(15), np.ones(15)), 5.0)
    seen = np.array([0.25, -1.0, 3.0, *np.zeros(12)])
    assert policy.unit_action(seen).tolist() == [0.25, -0.5, 1.0]
    deep = ActorPolicy(((np.eye(15), np.zeros(15)), *policy.layers), policy.normalisation, 5.0)
    assert deep.unit_action(seen).tolist() == pytest.approx([np.tanh(0.25), np.tanh(-1.0) + 0.5, np.tanh(3.0)])


def test_what_is_far_from_everything_seen_counts_as_five_scales_away() -> None:
    policy = actor()
    far, farther = (policy.unit_action(np.full(15, value)) for value in (1e3, 1e9))
    np.testing.assert_array_equal(far, farther)


def test_one_changed_byte_is_refused_before_anything_is_parsed(store: ContentStore, tmp_path: Path) -> None:
    artefact_hash = store.save(actor().files)
    weights = tmp_path / artefact_hash[:2] / artefact_hash / WEIGHTS_FILE
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(DataContractError, match=r"policy artefact in .*: expected SHA-256"):
        store.load(artefact_hash)


def test_a_file_too_many_is_refused_and_a_missing_artefact_is_named(store: ContentStore, tmp_path: Path) -> None:
    artefact_hash = store.save(actor().files)
    (tmp_path / artefact_hash[:2] / artefact_hash / "model.pkl").write_bytes(b"x")
    with pytest.raises(DataContractError, match="got also"):
        store.load(artefact_hash)
    with pytest.raises(PermanentError, match="expected a folder"):
        store.load("0" * 64)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("format", 2), ("observations", ["x"]), ("actions", []), ("activation", "relu"), ("layers", 4), ("layers", 2),
        ("max_leverage", "x"),
    ],
)
def test_a_spec_that_is_not_ours_is_refused(name: str, value: object) -> None:
    files = dict(actor().files)
    files[SPEC_FILE] = json.dumps({**json.loads(files[SPEC_FILE]), name: value}).encode()
    with pytest.raises(DataContractError, match="policy artefact: expected"):
        ActorPolicy.from_files(files)


def test_weights_that_are_no_numbers_or_no_weights_are_refused() -> None:
    broken = actor()
    broken.layers[0][0][0, 0] = np.nan
    with pytest.raises(DataContractError, match="expected finite weights"):
        ActorPolicy.from_files(broken.files)
    with pytest.raises(DataContractError, match="policy artefact: expected"):
        ActorPolicy.from_files({**actor().files, WEIGHTS_FILE: b"no weights"})
