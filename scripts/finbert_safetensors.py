"""Convert a downloaded FinBERT (config.json, vocabulary, pytorch_model.bin) into a folder that the platform reads.

The published weights are a pickle. They are read here with torch's restricted unpickler, which makes tensors and nothing else,
and written as safetensors; the platform itself never reads a pickle. Prints the SHA-256 for HURACAN_SENTIMENT__FINBERT_SHA256.

    python scripts/finbert_safetensors.py DOWNLOADED FOLDER
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
from pathlib import Path

WEIGHTS, CONVERTED = "pytorch_model.bin", "model.safetensors"


def main() -> None:
    """Write the folder; the source stays as it is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("downloaded", type=Path)
    parser.add_argument("folder", type=Path)
    asked = parser.parse_args()
    if not (asked.downloaded / WEIGHTS).is_file():
        parser.error(f"expected {WEIGHTS} in {asked.downloaded}, got none")
    print(convert(asked.downloaded, asked.folder))


def convert(downloaded: Path, folder: Path) -> str:
    """Copy everything but the weights, convert those; their SHA-256."""
    import torch
    from safetensors.torch import save_file

    shutil.copytree(downloaded, folder, ignore=shutil.ignore_patterns("*.bin", "*.h5", "*.msgpack", ".git*"), dirs_exist_ok=True)
    tensors = torch.load(downloaded / WEIGHTS, map_location="cpu", weights_only=True)
    # Tied weights share memory, which safetensors does not store.
    save_file({name: tensor.clone().contiguous() for name, tensor in tensors.items()}, folder / CONVERTED, {"format": "pt"})
    return hashlib.sha256((folder / CONVERTED).read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
