"""FinBERT's way from a folder to scores, with a tiny classifier made on the spot."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from huracan_platform.data.sentiment.finbert import WEIGHTS, FinbertScorer
from huracan_platform.data.sentiment.scoring import VaderScorer, scorer_of
from huracan_platform.errors import ConfigurationError, DataContractError
from huracan_platform.settings.sentiment import SentimentSettings

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "bitcoin", "wins", "falls", "great", "terrible", "a", ".")
TEXTS = ["bitcoin wins. great", "bitcoin falls. a terrible", "a", "bitcoin " * 100]

pytestmark = pytest.mark.slow  # transformers takes seconds to import


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One layer of random weights with FinBERT's labels, in their order."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    path = tmp_path_factory.mktemp("finbert")
    vocabulary = path / "vocab.txt"
    vocabulary.write_text("\n".join(WORDS))
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=32, num_labels=3, id2label={0: "positive", 1: "negative", 2: "neutral"}, initializer_range=0.5,
    )
    BertForSequenceClassification(config).save_pretrained(path)
    BertTokenizerFast(vocab={word: at for at, word in enumerate(WORDS)}).save_pretrained(path)
    return path


def test_a_score_is_the_chance_of_positive_less_that_of_negative(folder: Path) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    expected = []
    for text in TEXTS:
        with torch.no_grad():
            chances = torch.softmax(model(**tokenizer(text, return_tensors="pt", truncation=True, max_length=32)).logits, -1)[0]
        expected.append(float(chances[0] - chances[1]))
    scores = FinbertScorer(folder).scores(TEXTS)
    assert scores == pytest.approx(expected, abs=1e-5)
    assert len({round(score, 3) for score in scores}) == len(TEXTS)


def test_a_score_does_not_depend_on_the_texts_beside_it(folder: Path) -> None:
    scorer = FinbertScorer(folder)
    together = scorer.scores(TEXTS * 20)
    assert together[:4] == pytest.approx([scorer.scores([text])[0] for text in TEXTS], abs=1e-6)
    assert together[:4] * 20 == pytest.approx(together, abs=1e-6)


def test_the_name_tells_the_weights(folder: Path) -> None:
    digest = hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
    assert FinbertScorer(folder, digest).name == f"finbert-{digest[:12]}"


def test_other_weights_than_expected_are_refused_before_they_are_read(folder: Path, tmp_path: Path) -> None:
    (tmp_path / WEIGHTS).write_bytes(b"no weights at all")
    with pytest.raises(DataContractError, match=f"expected SHA-256 {'0' * 64}, got"):
        FinbertScorer(tmp_path, "0" * 64)


def test_a_folder_without_safetensors_is_refused_and_its_pickle_is_not_read(folder: Path, tmp_path: Path) -> None:
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "pytorch_model.bin").write_bytes(b"cposix\nsystem\n(S'touch owned'\ntR.")
    with pytest.raises(ConfigurationError, match=r"expected a folder with model\.safetensors"):
        FinbertScorer(tmp_path)
    assert not Path("owned").exists()


def test_a_classifier_of_other_labels_is_refused(folder: Path, tmp_path: Path) -> None:
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    config = tmp_path / "config.json"
    config.write_text(config.read_text().replace('"positive"', '"bullish"'))
    with pytest.raises(DataContractError, match=r"expected a classifier with labels positive and negative, got \['bullish'"):
        FinbertScorer(tmp_path)


def test_downloaded_weights_are_converted_to_the_same_scores(folder: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    downloaded, converted = tmp_path / "downloaded", tmp_path / "converted"
    downloaded.mkdir()
    for path in folder.iterdir():
        if path.name != WEIGHTS:
            (downloaded / path.name).write_bytes(path.read_bytes())
    torch.save(load_file(folder / WEIGHTS), downloaded / "pytorch_model.bin")
    script = Path(__file__).parents[2] / "scripts" / "finbert_safetensors.py"
    done = subprocess.run([sys.executable, script, downloaded, converted], capture_output=True, text=True, check=True)
    scorer = FinbertScorer(converted, done.stdout.strip())
    assert scorer.scores(TEXTS) == pytest.approx(FinbertScorer(folder).scores(TEXTS), abs=1e-7)


def test_the_settings_choose_the_scorer(folder: Path) -> None:
    assert isinstance(scorer_of(SentimentSettings()), VaderScorer)
    assert isinstance(scorer_of(SentimentSettings(scorer="finbert", finbert_dir=folder)), FinbertScorer)
    with pytest.raises(ValueError, match="HURACAN_SENTIMENT__FINBERT_DIR: expected a folder"):
        SentimentSettings(scorer="finbert")
