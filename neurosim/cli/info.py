"""`neurosim info`: what a bug report should say."""

from __future__ import annotations

import os
import platform
import sys
from importlib import metadata

import click

from neurosim import __version__
from neurosim.cli import Command
from neurosim.cli.output import table

NEEDED = ("numpy", "numba", "llvmlite", "scipy", "h5py", "matplotlib", "click", "rich")
OPTIONAL = ("pandas", "xarray", "neo", "elephant", "pint", "brian2")
#: vector extensions that decide how many neurons an instruction takes
FEATURES = ("sse4.2", "avx", "avx2", "fma", "avx512f", "avx512dq", "neon", "sve")


@click.command("info", cls=Command, examples="neurosim info")
def command() -> None:
    """Show versions, processor, threads, cache and settings: paste it into a bug report."""
    table((), [*_versions(), *_machine(), *_store()])


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _versions() -> list[tuple[str, str]]:
    rows = [("neurosim", __version__), ("Python", f"{platform.python_version()} ({sys.executable})")]
    rows += [(name, _version(name)) for name in NEEDED]
    return rows + [(f"{name} (optional)", _version(name)) for name in OPTIONAL]


def _machine() -> list[tuple[str, str]]:
    from llvmlite import binding

    features = binding.get_host_cpu_features()
    vector = [name for name in FEATURES if features.get(name)]
    try:
        usable = len(os.sched_getaffinity(0))
    except AttributeError:
        usable = os.cpu_count() or 1
    return [("system", platform.platform()), ("processor", f"{_processor()} ({platform.machine()})"),
            ("LLVM calls it", f"{binding.get_host_cpu_name()}, with {', '.join(vector) or 'none of the known extensions'}"),
            ("processors usable", str(usable))]


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"


def _store() -> list[tuple[str, str]]:
    from neurosim import published
    from neurosim.codegen import store
    from neurosim.config import settings

    entries = store.entries()
    size = sum(e.size for e in entries)
    disabled = os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0")
    return [("cache", str(store.folder())),
            ("cache size", f"{len(entries)} structures, {size / 1e6:.1f} MB of at most {settings.cache_mb:g} MB"),
            ("published models", str(published.folder() or "not found")),
            ("compiling", "switched off (NUMBA_DISABLE_JIT)" if disabled else "on")]
