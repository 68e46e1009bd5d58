"""Small archives of arrays in the cache folder of neurosim: results that take longer to compute than to read.

Written atomically, so that no other process ever sees a part of one; a damaged one counts as absent.  Together they take at
most half of `settings.cache_mb`; those used longest ago go first.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import zipfile
import zlib
from pathlib import Path

import numpy as np

from neurosim.config import settings

_written: dict[Path, int] = {}


def folder() -> Path:
    """Return the folder of the archives; it need not exist yet."""
    from neurosim.codegen import store

    return store.folder() / "nef"


def read(name: str) -> dict[str, np.ndarray] | None:
    """Return the arrays of an archive by name; None if it is absent or damaged, in which case it is removed."""
    path = folder() / f"{name}.npz"
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
        os.utime(path)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError):
        remove(name)
        return None
    return arrays


def remove(name: str) -> None:
    """Remove an archive if it is there."""
    with contextlib.suppress(OSError):
        (folder() / f"{name}.npz").unlink(missing_ok=True)


def write(name: str, arrays: dict[str, np.ndarray]) -> None:
    """Write an archive; a full disk or a folder that cannot be written is no reason to stop."""
    path, part = folder() / f"{name}.npz", None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(dir=path.parent, prefix=".new_")
        with os.fdopen(handle, "wb") as file:
            np.savez(file, **arrays)
        os.replace(part, path)
    except OSError:
        if part is not None:
            with contextlib.suppress(OSError):
                Path(part).unlink(missing_ok=True)
        return
    # looking at the folder each time would cost more than writing
    first = path.parent not in _written
    _written[path.parent] = _written.get(path.parent, 0) + sum(a.nbytes for a in arrays.values())
    if first or _written[path.parent] > _limit() / 20:
        _written[path.parent] = 0
        trim()


def trim() -> int:
    """Remove the archives used longest ago until all take at most half of `settings.cache_mb`; return how many."""
    found = []
    for path in folder().glob("*.npz"):
        with contextlib.suppress(OSError):
            stat = path.stat()
            found.append((stat.st_mtime, stat.st_size, path))
    total, gone = sum(size for _, size, _ in found), 0
    for _, size, path in sorted(found):
        if total <= _limit():
            break
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
            total -= size
            gone += 1
    return gone


def total() -> tuple[int, int]:
    """Return how many archives there are, and their bytes."""
    found = []
    for path in folder().glob("*.npz"):
        with contextlib.suppress(OSError):
            found.append(path.stat().st_size)
    return len(found), sum(found)


def clear() -> int:
    """Remove all archives; return how many."""
    found = list(folder().glob("*.npz"))
    for path in found:
        remove(path.stem)
    return len(found)


def _limit() -> float:
    return settings.cache_mb * 1e6 / 2
