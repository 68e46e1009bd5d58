"""Refuse a time step that is known to make an explicit method grow without bound.

A method turns dx/dt = a x into x' = R(a dt) x; where the true solution decays, |R| must not exceed 1.  The rates a are the
eigenvalues of a linear system, or, for a nonlinear one, constant coefficients of a variable in its own equation.
Reference: Hairer & Wanner 1996, chapter IV.2, doi:10.1007/978-3-642-05221-7.
"""

from __future__ import annotations

import numpy as np

from neurosim.errors import SimulationError
from neurosim.model.calculus import affine, linear_system
from neurosim.model.expression import Num, evaluate, substitute, symbols
from neurosim.simulator.lower import Group

#: coefficients of R(z), lowest power first
GROWTH = {
    "euler": (1, 1),
    "euler_maruyama": (1, 1),
    "milstein": (1, 1),
    "heun": (1, 1, 1 / 2),
    "rk4": (1, 1, 1 / 2, 1 / 6, 1 / 24),
}
#: neurons looked at in a population whose parameters differ
SAMPLE = 4096


def check_stability(group: Group, dt: float) -> None:
    """Raise `SimulationError` if dt is too large for the method of a population, naming the largest that is not."""
    method = group.program.plan.method
    if method not in GROWTH:
        return
    rates = _rates(group)
    rates = rates[rates.real < 0]
    if not rates.size:
        return
    grows = np.abs(_growth(method, rates * dt)) > 1 + 1e-9
    if not grows.any():
        return
    worst = rates[grows][np.argmax(np.abs(rates[grows]))]
    model = group.model
    raise SimulationError(
        f"dt={dt:g} ms is too large for method {method!r} and {model.name}: a variable that decays with a time constant of "
        f"{-1 / worst.real:.4g} ms would grow instead. Use dt <= {_largest(method, rates):.4g} ms, or exact or "
        "exponential_euler, which have no such limit.")


def _growth(method: str, z: np.ndarray) -> np.ndarray:
    return np.polynomial.polynomial.polyval(z, GROWTH[method])


def _largest(method: str, rates: np.ndarray) -> float:
    """Return the largest step, to 0.1 %, at which nothing grows, by bisection."""
    low, high = 0.0, 10.0 / np.abs(rates).min()
    while high - low > 1e-3 * high:
        middle = (low + high) / 2
        stable = np.all(np.abs(_growth(method, rates * middle)) <= 1 + 1e-9)
        low, high = (middle, high) if stable else (low, middle)
    return low


def _rates(group: Group) -> np.ndarray:
    """Return the rates (1/ms) that are known before the run."""
    model, n = group.model, group.population.size
    known = {}
    for name, value in model.parameters.items():
        if not getattr(value, "is_distribution", False):
            known[name] = value[:SAMPLE] if isinstance(value, np.ndarray) else value
    # inputs shift the equilibrium, not the rates
    silent = {name: Num(0.0) for name in model.inputs}
    drifts = {s.name: substitute(model.expanded(s.drift), silent) for s in model.states}
    found = linear_system(drifts)
    if found is not None and all(symbols(a) <= set(known) for row in found[0] for a in row):
        k = len(drifts)
        matrix = np.zeros((min(n, SAMPLE), k, k))
        for i, row in enumerate(found[0]):
            for j, a in enumerate(row):
                matrix[:, i, j] = evaluate(a, known)
        return np.linalg.eigvals(matrix).ravel()
    rates = [np.zeros(0)]
    for name, drift in drifts.items():
        split = affine(drift, name)
        if split is not None and symbols(split[0]) <= set(known):
            rates.append(np.atleast_1d(np.asarray(evaluate(split[0], known), dtype=float)))
    return np.concatenate(rates).astype(complex)
