"""Decoders, each computed once: shared factorisations within a process, and a store of results on disk.

Decoders depend on the neurons (type, gains, biases, encoders, radius), the evaluation points, the targets, the solver, the
seed of a solver that draws numbers, and the code.  All of it is in the key, so that a stored answer is never a wrong one.
Functions decoded from the same ensemble with the same solver share one factorisation.

Answers that take long lie on disk too, see `files`; a damaged one is computed again and replaced.
NEUROSIM_DECODER_CACHE=0 turns everything off.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import OrderedDict
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neurosim.nef import files
from neurosim.nef.activities import Activities
from neurosim.nef.factors import Factor
from neurosim.nef.solvers import Solver, checked

#: floating-point operations from which an answer is worth a file: computing it takes longer than reading one (some ms)
WORTH = 2e8
#: bytes of answers and of factorisations kept in memory
ANSWERS, FACTORS = 64 * 2**20, 160 * 2**20


class _Kept(OrderedDict):
    """What was used last is kept, as long as it does not take too many bytes; the latest stays, whatever its size."""

    total = 0

    def used(self, key: str) -> Any:
        """Return what is kept under the key, as the latest, or None."""
        if key not in self:
            return None
        self.move_to_end(key)
        return self[key][0]

    def put(self, key: str, value: Any, size: int, limit: int) -> None:
        """Keep a value of so many bytes, and drop what was used longest ago."""
        self.total += size - (self.pop(key)[1] if key in self else 0)
        self[key] = value, size
        while self.total > limit and len(self) > 1:
            self.total -= self.popitem(last=False)[1][1]

    def clear(self) -> None:
        """Drop everything."""
        super().clear()
        self.total = 0


#: key -> (decoders, info); key -> factorisation
_answers, _factors = _Kept(), _Kept()
#: how many times this process has solved for decoders, and how many factorisations it took
solved = factorised = 0


def decode(activities: Activities, targets: ArrayLike, solver: Solver, *, seed: int = 0,
           cache: bool = True) -> tuple[np.ndarray, dict[str, Any]]:
    """Return decoders, from the cache if they were solved before.

    Args:
        activities: of the ensemble at its evaluation points, shape (m, n).
        targets: Y, values of the decoded function at these points, shape (m, k) or (m,).
        solver: such as `L2()`.
        seed: for solvers that draw numbers.
        cache: False: compute in any case, keep nothing.

    Returns:
        (decoders of shape (n, k), which must not be written to; info with "rmse" of shape (k,), "method" and
        "cached": "memory", "disk" or "").

    Raises:
        ParameterError: for shapes that do not fit and numbers that are not finite.
    """
    a, y = checked(activities, targets)
    cache = cache and os.environ.get("NEUROSIM_DECODER_CACHE", "1") != "0"
    base = _base_key(a, solver) if cache else None
    if base is None:
        return _solve(a, y, solver, seed, None)
    key = _digest(base, str(seed) if solver.random else "", y)
    if (known := _answers.used(key)) is not None:
        return known[0], {**known[1], "cached": "memory"}
    m, n = a.shape
    # only what takes long: an ensemble array of 50 neurons each would leave hundreds of files
    worth = m * n * min(m, n) >= WORTH
    stored = _read(key, (n, y.shape[1])) if worth else None
    if stored is not None:
        _keep(key, stored)
        return stored[0], {**stored[1], "cached": "disk"}
    decoders, info = _solve(a, y, solver, seed, base)
    _keep(key, (decoders, info))
    if worth:
        _write(key, decoders, info)
    return decoders, info


def forget(disk: bool = False) -> None:
    """Free the memory of all factorisations and answers; with disk=True remove the files as well."""
    _answers.clear()
    _factors.clear()
    if disk:
        files.clear()


def release() -> None:
    """Free the memory of the factorisations: when the last decoders of an ensemble have been solved."""
    _factors.clear()


def _solve(a: Activities, y: np.ndarray, solver: Solver, seed: int, base: str | None) -> tuple[np.ndarray, dict]:
    global solved, factorised
    solved += 1
    factor: Factor | None = _factors.used(base) if base is not None else None
    if factor is None and not solver.random:
        factor = solver.factorise(a)
        if factor is not None:
            factorised += 1
            if base is not None:
                _factors.put(base, factor, factor.nbytes, FACTORS)
    if factor is not None:
        decoders, info = factor.solve(y)
    else:
        decoders, info = solver(a, y, seed)
    # columns of the BLAS: rows are what a spike reads
    decoders = np.ascontiguousarray(decoders)
    decoders.flags.writeable = False
    return decoders, {**_plain(info), "rmse": np.asarray(info["rmse"], dtype=float), "cached": ""}


def _plain(value: Any) -> Any:
    """Return the value in terms of what JSON knows, so that an answer from disk looks like a fresh one."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


def _base_key(a: Activities, solver: Solver) -> str | None:
    """Return the key of what is common to all functions; None if something cannot be named."""
    if type(a) is not Activities or solver.key() is None or a.neurons.key() is None:
        return None
    return _digest(_code(), solver.key(), a.neurons.key(), repr(a.radius), a.gain, a.bias, a.encoders, a.points)


def _digest(*parts: str | np.ndarray) -> str:
    digest = hashlib.blake2b(digest_size=20)
    for part in parts:
        if isinstance(part, str):
            data = part.encode()
        else:
            digest.update(repr(part.shape).encode())
            # -0.0 and 0.0 give the same decoders and different keys, which does no harm
            data = np.ascontiguousarray(part).data
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()


@cache
def _code() -> str:
    """Return a hash of the code that decoders depend on."""
    digest = hashlib.blake2b(digest_size=16)
    for name in ("activities", "factors", "lif_rates", "neurons", "solvers"):
        digest.update((Path(__file__).parent / f"{name}.py").read_bytes())
    digest.update(f"{np.__version__} {metadata.version('scipy')}".encode())
    return digest.hexdigest()


def _keep(key: str, answer: tuple[np.ndarray, dict]) -> None:
    _answers.put(key, answer, answer[0].nbytes, ANSWERS)


def _read(name: str, shape: tuple[int, int]) -> tuple[np.ndarray, dict] | None:
    arrays = files.read(name)
    if arrays is None:
        return None
    try:
        decoders, rmse, info = arrays["decoders"], arrays["rmse"], json.loads(str(arrays["info"]))
    except (KeyError, ValueError):
        info = None
    if not isinstance(info, dict) or decoders.shape != shape or decoders.dtype != np.float64 or rmse.shape != shape[1:]:
        files.remove(name)
        return None
    decoders.flags.writeable = False
    return decoders, {**info, "rmse": rmse}


def _write(name: str, decoders: np.ndarray, info: dict) -> None:
    text = json.dumps({k: v for k, v in info.items() if k not in ("rmse", "cached")})
    files.write(name, {"decoders": decoders, "rmse": info["rmse"], "info": np.array(text)})
