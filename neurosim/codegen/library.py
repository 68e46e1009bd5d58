"""Functions of kernels/ that are the same for all models, as machine code from the store: who calls them needs no Numba."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from neurosim import kernels
from neurosim.codegen.native import Interpreted, Native
from neurosim.codegen.store import load

#: by file: arguments of its functions after step0 and n_steps, in the letters of native.py
_SIGNATURES = {
    "delivery": {"collect": "QQIQQQQ", "clear": "QR", "deliver": "QQHRHIQR", "deliver_rows": "QHRIQR", "graded": "QQHRRRR",
                 "graded_low_rank": "QRRRRR", "graded_runs": "QIQRRR", "graded_sums": "QIQRRRR"},
    "adaptation": {"adapt": "QQHRRRR"},
    "random": {"uniform_numbers": "uuqDD", "normal_numbers": "uuqDD"},
    "connect": {"fill_sources": "IIQIqquuUUIU", "scatter_targets": "IQIqqqquuIUUIU", "count_pairs": "QIqquuU",
                "share_out": "QIqqquu"},
    "sparse": {"sort_rows": "IIqqQHRRHH", "sources_of": "QqI", "backward": "QHqqQI"},
}
_FILES = {name: file for file, names in _SIGNATURES.items() for name in names}


@cache
def compiled(name: str, single: bool = False) -> Native | Interpreted:
    """Return a function, for float32 or float64."""
    file = _FILES[name]
    text = (Path(kernels.__file__).parent / f"{file}.py").read_text(encoding="utf-8")
    return load(text, single, name, _SIGNATURES[file][name])
