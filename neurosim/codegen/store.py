"""The store of generated code: one file for each structure, named by its content.

The name holds a hash of the source without its comments and docstrings (models that differ only in words share their code),
which has in it the equations, the method and every flag, of the precision and the function, and of the kernels it uses,
Numba, Python and the instruction set of this machine. n<hash>.py is the source, n<hash>.o its machine code (see native.py).
Values of parameters are never in the source: a sweep compiles once. Files are written atomically and never changed
afterwards; two processes at once are safe.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import re
import shutil
import sys
import tempfile
import warnings
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import metadata
from pathlib import Path
from types import ModuleType

from neurosim.codegen import native
from neurosim.config import settings
from neurosim.errors import NeurosimWarning, StorageError

_WORDS = re.compile(r'""".*?"""|[ ]*#[^\n]*', re.DOTALL)
_loaded: dict[str, native.Native | native.Interpreted] = {}
#: how many structures this process has compiled
compiled = 0


@dataclass(frozen=True)
class Entry:
    """One stored structure: its key, file, model and size in bytes with compiled code."""

    key: str
    path: Path
    title: str
    size: int
    used: float


@cache
def _surroundings() -> str:
    """Everything compiled code depends on besides its source; found without importing Numba."""
    digest = hashlib.sha256()
    package = Path(__file__).parent.parent
    makers = [package / "codegen" / name for name in ("native.py", "constants.py")]
    for path in (*sorted((package / "kernels").glob("*.py")), *makers):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    parts = (digest.hexdigest(), metadata.version("numba"), metadata.version("llvmlite"), platform.python_version(),
             native.host())
    return "\0".join(parts)


@lru_cache(maxsize=256)
def _bare(source: str) -> str:
    """Return a source without its words; each population of each run asks, and a search takes milliseconds."""
    return _WORDS.sub("", source)


def key_of(source: str, *what: object) -> str:
    """Return the hash that names the compiled form of a source text, whatever its comments and docstrings say.

    Generated text has strings in docstrings only, so that a pattern finds them.

    Args:
        source: text of the module.
        what: everything else that decides what is compiled.
    """
    return hashlib.sha256("\0".join((_bare(source), *map(str, what), _surroundings())).encode()).hexdigest()[:20]


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


def interpreted() -> bool:
    """Return whether generated functions run as plain Python (NUMBA_DISABLE_JIT)."""
    return os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0")


def load(source: str, single: bool, name: str, signature: str) -> native.Native | native.Interpreted:
    """Return a function of a source text; compiled now if the store does not hold it.

    With NUMBA_DISABLE_JIT=1 it is the Python function itself.

    Args:
        source: text of the module; it has one function that is called from outside.
        single: float32 instead of float64.
        name: name of that function.
        signature: its arguments, see `native.make_object`.
    """
    if interpreted():
        return native.Interpreted(getattr(_imported(source, key_of(source)), name))
    key = key_of(source, single, name, signature)
    if key not in _loaded:
        code = _read(folder() / f"n{key}.o")
        if code is None:
            global compiled
            compiled += 1
            path = _source_file(key, source)
            try:
                code = native.make_object(getattr(_imported(source, key), name).py_func, single, signature)
            except native.Unsupported:
                # Numba's own dispatcher, with Numba's own cache, does the same with a slower start
                _loaded[key] = native.Interpreted(getattr(_imported(source, key), name))
                return _loaded[key]
            _write(path.with_suffix(".o"), native.seal(code))
            trim(keep=key)
        _loaded[key] = native.Native(code, single, signature)
    return _loaded[key]


def _read(path: Path) -> bytes | None:
    try:
        data = path.read_bytes()
    except OSError:
        return None
    return native.unseal(data)


def _source_file(key: str, source: str) -> Path:
    path = folder() / f"n{key}.py"
    try:
        present = path.read_text(encoding="utf-8") == source
    except OSError:
        present = False
    if not present:
        _write(path, source.encode())
    return path


def _imported(source: str, key: str) -> ModuleType:
    """Import the module of a source text from its file, so that tracebacks and debuggers show it."""
    name = f"neurosim_generated.n{key}"
    if name not in sys.modules:
        for attempt in range(3):
            spec = importlib.util.spec_from_file_location(name, _source_file(key, source))
            module = importlib.util.module_from_spec(spec)
            sys.modules[name] = module
            try:
                spec.loader.exec_module(module)
                break
            except (OSError, RuntimeError):
                # another process has just cleared the store: Numba looks for the file while the module is imported
                del sys.modules[name]
                if attempt == 2:
                    raise
    return sys.modules[name]


def _write(path: Path, data: bytes) -> None:
    """Write a file so that no other process ever sees a part of it."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new_")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(name, path)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise StorageError(f"Compiled code cannot be written to {path} ({error.strerror}). Make room, or set "
                           "NEUROSIM_CACHE_DIR to another folder.") from error


def entries() -> list[Entry]:
    """Return what the store holds, the latest first."""
    found = []
    for path in folder().glob("n*.py"):
        try:
            stats = [p.stat() for p in _files(path)]
            with open(path, encoding="utf-8") as file:
                title = file.readline().strip('" \n').split(":")[0]
        except OSError:
            continue  # another process has just removed it
        found.append(Entry(path.stem[1:], path, title, sum(s.st_size for s in stats),
                           max(max(s.st_mtime, s.st_atime) for s in stats)))
    return sorted(found, key=lambda e: -e.used)


def _files(source: Path) -> list[Path]:
    beside = [source.with_suffix(".o"), *(source.parent / "__pycache__").glob(f"{source.stem}*")]
    return [p for p in (source, *beside) if p.exists()]


def remove(entry: Entry) -> None:
    """Remove one entry with its compiled code."""
    for path in _files(entry.path):
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
