"""The store of generated code: one file for each structure, named by its content.

The name holds a hash of the source, which has in it the equations, the method, the precision and every flag, and of
the kernels it uses, Numba, Python and this machine's architecture.  Values of parameters are never in the source: a
sweep compiles once.  Files are written atomically and never changed afterwards; two processes at once are safe.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import shutil
import sys
import tempfile
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

from neurosim.config import settings
from neurosim.errors import NeurosimWarning

_loaded: dict[str, ModuleType] = {}


@dataclass(frozen=True)
class Entry:
    """One stored structure: its key, file, model and size in bytes with compiled code."""

    key: str
    path: Path
    title: str
    size: int
    used: float


def key_of(source: str) -> str:
    """Return the hash that names a source text in the store."""
    import numba

    from neurosim.kernels.jit import sources_digest

    parts = (source, sources_digest(), numba.__version__, platform.python_version(), platform.machine())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:20]


@cache
def _folder(wanted: Path) -> Path:
    try:
        wanted.mkdir(parents=True, exist_ok=True)
        probe = wanted / f".probe_{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
        return wanted
    except OSError as error:
        folder = Path(tempfile.mkdtemp(prefix="neurosim_"))
        warnings.warn(f"The cache folder {wanted} cannot be written ({error.strerror}); compiled code goes to {folder} "
                      "and will not be found next time. Set NEUROSIM_CACHE_DIR to a writable folder.",
                      NeurosimWarning, stacklevel=4)
        return folder


def folder() -> Path:
    """Return the folder of the store, made if necessary; a temporary one if it cannot be written."""
    return _folder(settings.cache_dir)


def load(source: str) -> ModuleType:
    """Return the module of a source text, written to the store if it is new and imported once a process."""
    key = key_of(source)
    if key in _loaded:
        return _loaded[key]
    path = folder() / f"n{key}.py"
    if not path.exists() or path.read_text(encoding="utf-8") != source:
        _write(path, source)
        trim(keep=key)
    spec = importlib.util.spec_from_file_location(f"neurosim_generated.n{key}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    _loaded[key] = module
    return module


def _write(path: Path, source: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new_", suffix=".py")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(source)
    os.replace(name, path)


def entries() -> list[Entry]:
    """Return what the store holds, the latest first."""
    found = []
    for path in folder().glob("n*.py"):
        compiled = list((path.parent / "__pycache__").glob(f"{path.stem}*"))
        try:
            stats = [p.stat() for p in (path, *compiled)]
            with open(path, encoding="utf-8") as file:
                title = file.readline().strip('" \n').split(":")[0]
        except OSError:
            continue  # another process has just removed it
        found.append(Entry(path.stem[1:], path, title, sum(s.st_size for s in stats),
                           max(max(s.st_mtime, s.st_atime) for s in stats)))
    return sorted(found, key=lambda e: -e.used)


def remove(entry: Entry) -> None:
    """Remove one entry with its compiled code."""
    for path in (*(entry.path.parent / "__pycache__").glob(f"{entry.path.stem}*"), entry.path):
        path.unlink(missing_ok=True)


def trim(keep: str = "") -> int:
    """Remove the entries used longest ago until the store is within `settings.cache_mb`; return how many."""
    total, gone = 0, 0
    for entry in entries():
        total += entry.size
        if total > settings.cache_mb * 1e6 and entry.key != keep:
            remove(entry)
            gone += 1
    return gone


def clear() -> int:
    """Remove everything from the store; return how many entries there were."""
    found = entries()
    for entry in found:
        remove(entry)
    shutil.rmtree(folder() / "__pycache__", ignore_errors=True)
    return len(found)
