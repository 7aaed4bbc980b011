from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from huracan_platform.contracts.hashing import hash_files
from huracan_platform.errors import DataContractError, PermanentError
from huracan_platform.learning.models.artefact import ArtefactStore
from huracan_platform.learning.models.train import FittedModel, train_model
from huracan_platform.settings import Settings
from tests.learning.frames import synthetic_frame


class Payload:
    """Unpickling it leaves a mark."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return (open, (str(self.mark), "w"))


@pytest.fixture(scope="module")
def models() -> dict[str, FittedModel]:
    frame = synthetic_frame(days=20, strength=0.8)
    return {name: train_model(frame, name, Settings()).fitted for name in ("linear", "xgboost")}


@pytest.fixture
def store(tmp_path: Path) -> ArtefactStore:
    return ArtefactStore(str(tmp_path / "artefacts"))


def folder(store: ArtefactStore, artefact_hash: str) -> Path:
    return Path(store.root) / artefact_hash[:2] / artefact_hash


@pytest.mark.parametrize("name", ["linear", "xgboost"])
def test_a_model_comes_back_under_its_own_hash(store: ArtefactStore, models: dict[str, FittedModel], name: str) -> None:
    saved = store.save(models[name])
    assert saved == models[name].artefact_hash == store.save(models[name])
    assert store.load(saved).artefact_hash == saved
    assert not [p for p in Path(store.root).iterdir() if p.name.endswith(".part")]


def test_one_flipped_bit_is_refused_before_parsing(store: ArtefactStore, models: dict[str, FittedModel]) -> None:
    saved = store.save(models["xgboost"])
    weights = folder(store, saved) / "xgboost.ubj"
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)
    with pytest.raises(DataContractError, match=f"expected SHA-256 {saved}"):
        store.load(saved)


def test_the_files_of_another_model_are_refused(store: ArtefactStore, models: dict[str, FittedModel]) -> None:
    linear, trees = store.save(models["linear"]), store.save(models["xgboost"])
    for file in folder(store, trees).iterdir():
        (folder(store, linear) / file.name).write_bytes(file.read_bytes())
    with pytest.raises(DataContractError, match="SHA-256"):
        store.load(linear)


@pytest.mark.parametrize("name", ["xgboost.ubj", "scaler.json", "features.json", "model.pkl"])
def test_a_pickle_never_runs(store: ArtefactStore, models: dict[str, FittedModel], tmp_path: Path, name: str) -> None:
    mark = tmp_path / "ran"
    payload = pickle.dumps(Payload(mark))
    saved = store.save(models["xgboost"])
    (folder(store, saved) / name).write_bytes(payload)
    with pytest.raises(DataContractError):
        store.load(saved)
    assert not mark.exists()


@pytest.mark.parametrize("name", ["xgboost.ubj", "scaler.json", "features.json", "calibrator.json", "model.pkl"])
def test_a_pickle_never_runs_even_under_a_matching_hash(
    store: ArtefactStore, models: dict[str, FittedModel], tmp_path: Path, name: str
) -> None:
    mark = tmp_path / "ran"
    files = {**models["xgboost"].files, name: pickle.dumps(Payload(mark))}
    forged = hash_files(files)
    folder(store, forged).mkdir(parents=True)
    for file, content in files.items():
        (folder(store, forged) / file).write_bytes(content)
    with pytest.raises(DataContractError):
        store.load(forged)
    assert not mark.exists()


def test_a_damaged_copy_is_repaired_by_saving_again(store: ArtefactStore, models: dict[str, FittedModel]) -> None:
    saved = store.save(models["linear"])
    (folder(store, saved) / "linear.json").write_bytes(b"")
    (folder(store, saved) / "model.pkl").write_bytes(b"x")
    store.save(models["linear"])
    assert store.load(saved).architecture == "linear"


def test_a_missing_artefact_and_a_name_that_is_no_hash_are_clear_errors(store: ArtefactStore) -> None:
    with pytest.raises(PermanentError, match="expected a folder"):
        store.load("0" * 64)
    with pytest.raises(PermanentError, match="64 hex digits"):
        store.load("../../etc")
