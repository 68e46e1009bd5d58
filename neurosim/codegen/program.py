"""A compiled plan with the arrays of one population.

    x       (n_tiles, n_rows, 64)  states, per-neuron constants, signals: rows of `Plan.rows`
    hold    (n_tiles, 64)          first step after refractoriness
    pu      (n_constants,)         constants equal for all neurons
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neurosim.codegen.aligned import zeros
from neurosim.codegen.integrators import Propagator, reachable
from neurosim.codegen.passes import passes
from neurosim.codegen.plan import LANES, Plan
from neurosim.codegen.source import ADVANCE, write_source
from neurosim.codegen.store import load
from neurosim.errors import ParameterError
from neurosim.model.expression import evaluate, show

#: neurons whose constants are computed at a time: whole tiles
BLOCK = 1024 * LANES
#: length of the scratch array for Poisson numbers: WORK of kernels/poisson.py
DRAW = 312


class Program:
    """State and constants of one population, ready to advance.

    Args:
        plan: the analysed model.
        n: number of neurons.
        values: constants by name in generated code: number or array of shape (n,).
        dt: time step in ms.
        version: version of the package, for the header of the source.
    """

    def __init__(self, plan: Plan, n: int, values: Mapping[str, Any], dt: float, version: str):
        self.plan, self.n, self.dt = plan, n, dt
        self.source = write_source(plan, version)
        self.real = np.float32 if plan.single else np.float64
        self.integer = np.int32 if plan.single else np.int64
        self.n_tiles = -(-n // LANES)
        self.x = zeros((self.n_tiles, plan.n_rows, LANES), self.real)
        self.hold = zeros(self.n_tiles * LANES if plan.refractory is not None else LANES, self.integer)
        self.rows = plan.rows
        self.set_constants(values)

    @property
    def advance(self):
        """The compiled entry; compiled or read from the store at the first call."""
        return load(self.source, self.plan.single, "advance", ADVANCE)

    def set_constants(self, values: Mapping[str, Any]) -> None:
        """Compute every constant of the plan from parameters and dt.

        Raises:
            ParameterError: if a constant is NaN or infinite.
        """
        numbers = {name: v for name, v in values.items() if not isinstance(v, np.ndarray)} | {"dt": self.dt}
        arrays = {name: v for name, v in values.items() if isinstance(v, np.ndarray)}
        if not self.plan.propagators_vary:
            numbers |= _propagators(self.plan, numbers)
        uniform = [float(_finite(evaluate(node, numbers), node, 0)) for node in self.plan.uniform_constants.values()]
        self.pu = np.array(uniform, self.real) if uniform else np.zeros(1, self.real)
        # block by block, so that intermediate results stay small beside the state
        for first in range(0, self.n if self.plan.lane_constants else 0, BLOCK):
            part = slice(first, min(first + BLOCK, self.n))
            env = numbers | {name: v[part] for name, v in arrays.items()}
            if self.plan.propagators_vary:
                env |= _propagators(self.plan, env)
            for name, node in self.plan.lane_constants.items():
                value = _finite(evaluate(node, env), node, first)
                self.put(name, np.broadcast_to(value, (part.stop - first,)), first)

    def scratch(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the arrays `saved`, `whole` and `draw` of a call of `advance`; two threads must not share them."""
        rows = self.plan.n_rows + len(passes(self.plan).kept)
        return zeros(rows * LANES, self.real), zeros(2 * LANES, self.integer), zeros(DRAW, float)

    def put(self, name: str, values: Any, first: int = 0) -> None:
        """Set a row: one number for all neurons, or one value each, beginning with neuron `first` (a whole tile)."""
        values = np.asarray(values)
        row = self.x[first // LANES:, self.rows[name], :]
        if values.ndim == 0:
            row[...] = values
            return
        full, rest = divmod(len(values), LANES)
        row[:full] = values[:full * LANES].reshape(full, LANES)
        if rest:
            row[full, :rest] = values[full * LANES:]
            # lanes without a neuron are never computed, but must not look like NaN
            row[full, rest:] = values[-1]

    def get(self, name: str) -> np.ndarray:
        """Return a copy of a row, shape (n,)."""
        return self.x[:, self.rows[name], :].reshape(-1)[:self.n].copy()


def _finite(value, node, first: int) -> np.ndarray:
    value = np.asarray(value, dtype=float)
    if not np.all(np.isfinite(value)):
        where = f" for neuron {first + int(np.flatnonzero(~np.isfinite(value))[0])}" if value.ndim else ""
        raise ParameterError(f"The constant {show(node)} is not finite{where}: look for a division by zero or an overflow "
                             "among the parameters it is made of.")
    return value


def _propagators(plan: Plan, env: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return P = expm(A dt) and Q = integral of expm(A s) ds, entry by entry, each a number or one value a neuron."""
    if not plan.propagators:
        return {}
    matrix = plan.linear[0]
    k = len(matrix)
    entries = {(i, j): np.asarray(evaluate(matrix[i][j], env), dtype=float) for i in range(k) for j in range(k)}
    shape = np.broadcast_shapes(*(v.shape for v in entries.values()))
    a = np.zeros((*shape, k, k))
    for (i, j), value in entries.items():
        a[..., i, j] = value
    if not np.all(np.isfinite(a)):
        raise ParameterError("A coefficient of the linear equations is not finite: look for a time constant of zero.")
    held = [i for i, name in enumerate(list(plan.states)[:k]) if name in plan.held]
    out: dict[str, np.ndarray] = {}
    for frozen in sorted({p.frozen for p in plan.propagators}):
        system = a.copy()
        if frozen:
            system[..., held, :] = 0.0
        p, q = _expm(system, env["dt"], [len(r) == 1 for r in reachable(matrix)])
        for entry in plan.propagators:
            if entry.frozen == frozen:
                out[Propagator(entry.kind, entry.row, entry.column, frozen).name] = \
                    (p if entry.kind == "P" else q)[..., entry.row, entry.column]
    return out


def _expm(a: np.ndarray, dt: float, alone: list[bool]) -> tuple[np.ndarray, np.ndarray]:
    """Return (P, Q) for a stack of matrices; diagonal systems need no matrix exponential."""
    k = a.shape[-1]
    if all(alone):
        diagonal = np.einsum("...ii->...i", a)
        z = diagonal * dt
        with np.errstate(all="ignore"):
            phi = np.where(np.abs(z) < 1e-300, 1.0, np.expm1(z) / np.where(np.abs(z) < 1e-300, 1.0, z))
        eye = np.eye(k)
        return eye * np.exp(z)[..., None, :], eye * (dt * phi)[..., None, :]
    from scipy.linalg import expm

    flat = a.reshape(-1, k, k)
    # neurons with equal constants share one matrix exponential
    unique, inverse = np.unique(flat.reshape(len(flat), -1), axis=0, return_inverse=True)
    big = np.zeros((len(unique), 2 * k, 2 * k))
    big[:, :k, :k] = unique.reshape(-1, k, k) * dt
    big[:, :k, k:] = np.eye(k) * dt
    result = expm(big)[inverse.reshape(-1)]
    shape = a.shape[:-2]
    return result[:, :k, :k].reshape(*shape, k, k), result[:, :k, k:].reshape(*shape, k, k)
