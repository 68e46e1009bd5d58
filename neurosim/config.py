"""Settings of the process, read from the environment once and changeable as attributes of `settings`.

    NEUROSIM_CACHE_DIR   folder of the generated and compiled code
    NEUROSIM_CACHE_MB    size above which the oldest of it is removed (default 512)
    NEUROSIM_PROGRESS    1 or 0: show progress bars always or never (default: on a terminal)
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path


def _default_cache() -> Path:
    if given := os.environ.get("NEUROSIM_CACHE_DIR"):
        return Path(given).expanduser()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "neurosim"


def _number(name: str, default: float) -> float:
    try:
        return float(os.environ.get(name, default))
    except ValueError:
        return default


@dataclass
class Settings:
    """Settings of this process.

    Attributes:
        cache_dir: folder of the generated and compiled code.
        cache_mb: size above which the oldest entries are removed.
        progress: show progress bars; None: when standard error is a terminal.
    """

    cache_dir: Path = field(default_factory=_default_cache)
    cache_mb: float = field(default_factory=lambda: _number("NEUROSIM_CACHE_MB", 512))
    progress: bool | None = field(default_factory=lambda: {"1": True, "0": False}.get(
        os.environ.get("NEUROSIM_PROGRESS", "")))


settings = Settings()
