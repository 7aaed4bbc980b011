"""Compile requirements.lock from pyproject.toml: everything pinned with hashes.

PyTorch comes in a CPU build and in the registry's, which brings gigabytes of CUDA. Both carry the same version; the lock names
it with the hashes of both, so that either may be installed. Where pip's configured find-links has a CPU wheel, uv takes
that (`make setup` passes it on); elsewhere the registry's comes with the CUDA packages it asks for.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

LOCK = Path("requirements.lock")
TORCH = "2.13.0"


def compiled(source: str, *options: str) -> str:
    """What uv compiles from a requirements file or `-` (a line on stdin)."""
    plain = ("-q", "--generate-hashes", "--no-header", "--no-annotate", "--python-version", "3.11")
    command = ["uv", "pip", "compile", *plain, *options]
    given = None if source.endswith(".toml") else source
    command.append(source if given is None else "-")
    return subprocess.run(command, input=given, capture_output=True, text=True, check=True).stdout


def hashes(lock: str) -> list[str]:
    """The hashes of the package torch in a lock."""
    block = re.search(r"^torch==.*?(?=^\S|\Z)", lock, re.M | re.S)
    if block is None:
        raise SystemExit("lock: expected torch among the requirements, got none")
    return re.findall(r"--hash=(sha256:[0-9a-f]{64})", block.group())


def main() -> None:
    """Write the lock; the one argument is where CPU wheels lie, if anywhere."""
    links = ["--find-links", sys.argv[1]] if len(sys.argv) > 1 and sys.argv[1] else []
    lock = compiled("pyproject.toml", "--extra", "dev", *links)
    found = sorted({*hashes(lock), *hashes(compiled(f"torch=={TORCH}", "--no-deps"))})
    body = " \\\n    ".join([f"torch=={TORCH}", *(f"--hash={h}" for h in found)])
    lock = re.sub(r"^torch==.*?(?=^\S|\Z)", lambda _: body + "\n", lock, flags=re.M | re.S)
    if re.search(r"^(nvidia-|triton==)", lock, re.M):
        raise SystemExit("lock: expected a CPU wheel of torch in find-links, got the build that brings CUDA into the lock")
    LOCK.write_text(lock)


if __name__ == "__main__":
    main()
