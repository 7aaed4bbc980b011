"""Content hashes: SHA-256 over canonical bytes. Times of writing, run ids and hosts never enter one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt


def hash_json(value: Any) -> str:
    """SHA-256 hex of a JSON value with sorted keys and no spaces; Decimal and the like must be strings already."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=True).encode()).hexdigest()


def hash_arrays(arrays: Mapping[str, npt.NDArray[Any]], *, header: Any = None) -> str:
    """SHA-256 hex of named arrays: names sorted, dtype, shape, little-endian C-order bytes; one NaN, and -0.0 made 0.0."""
    digest = hashlib.sha256(json.dumps(header, sort_keys=True, separators=(",", ":")).encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        if array.dtype.kind == "f":
            array = np.where(np.isnan(array), np.nan, array + 0.0).astype(array.dtype.newbyteorder("<"))
        elif array.dtype.kind in "iu":
            array = array.astype(array.dtype.newbyteorder("<"))
        else:
            raise TypeError(f"expected float or int array for {name}, got dtype {array.dtype}")
        digest.update(f"{name}|{array.dtype.str}|{array.shape}|".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def hash_files(files: Mapping[str, bytes]) -> str:
    """SHA-256 hex of named files: names sorted, each with its length."""
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{name}|{len(files[name])}|".encode())
        digest.update(files[name])
    return digest.hexdigest()
