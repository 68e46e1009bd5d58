"""How many patterns a Hopfield network can hold.

Random patterns in a number alpha N; each is where a recall starts.  With Hebb's rule states stay near the patterns (overlap
0.967 at the limit) up to alpha_c = 0.138 and go far away beyond: a sharp transition for N to infinity (D. J. Amit,
H. Gutfreund & H. Sompolinsky 1985, doi:10.1103/PhysRevLett.55.1530).  For finite N it is gradual, and later.  The states near
a pattern vanish at alpha_c as a minimum merges with a saddle: a landscape N ((alpha - alpha_c) m + m^3) under noise has the
width m ~ N^(-1/3), alpha - alpha_c ~ N^(-2/3), the law by which `limit_capacity` goes to infinite N.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim.attractors import checks
from neurosim.attractors.hopfield_network import Hopfield
from neurosim.attractors.hopfield_rules import hebbian
from neurosim.errors import ParameterError


@dataclass(frozen=True, eq=False)
class Capacity:
    """What a sweep over loads found.

    Attributes:
        size: neurons N.
        loads: alpha = M/N as it was, M being whole, (n_loads,), ascending.
        overlaps: mean overlap with the pattern, by network: (n_loads, networks).
        retained: part of the patterns with an overlap above the limit, by network: (n_loads, networks).
    """

    size: int
    loads: np.ndarray
    overlaps: np.ndarray = field(repr=False)
    retained: np.ndarray = field(repr=False)

    @property
    def critical(self) -> float:
        """The load at which half of the patterns are retained; NaN if it is outside of the loads.

        Between loads by straight lines, of means made monotone (the closest falling sequence).
        """
        y = _falling(self.retained.mean(axis=1))
        if not y[0] >= 0.5 > y[-1]:
            return float("nan")
        k = int(np.flatnonzero(y >= 0.5)[-1])
        return float(self.loads[k] + (y[k] - 0.5) / (y[k] - y[k + 1]) * (self.loads[k + 1] - self.loads[k]))


def capacity(n: int, loads: Any, *, networks: int = 1, probes: int | None = None, rule: Callable[[Any], np.ndarray] = hebbian,
             overlap: float = 0.9, noise: float = 0.0, sweeps: int = 50, seed: Any = 0) -> Capacity:
    """Store random patterns and start at each of them.

    Args:
        n: neurons.
        loads: alpha = patterns/n, ascending, (n_loads,).
        networks: drawn for each load.
        probes: patterns that recalls start at, in each network; None for all.
        rule: of learning, as for `Hopfield.storing`.
        overlap: above which a pattern counts as retained.
        noise: part of the neurons that is turned over at the start.
        sweeps: at most so many in a recall.
        seed: a whole number or a NumPy Generator.

    Raises:
        ParameterError: for unusable arguments.
    """
    n, networks = checks.whole(n, "n", 2), checks.whole(networks, "networks", 1)
    alpha = np.atleast_1d(checks.numbers(loads, "loads"))
    if alpha.ndim != 1 or not alpha.size or (alpha * n < 0.5).any() or (np.diff(alpha) <= 0).any():
        raise ParameterError(f"loads must ascend and make at least one pattern of {n} neurons each, not {loads!r}.")
    probes = None if probes is None else checks.whole(probes, "probes", 1)
    if not 0 <= checks.positive(noise, "noise", zero=True) <= 1:
        raise ParameterError(f"noise is a part of the neurons, from 0 to 1, not {noise!r}.")
    rng = checks.generator(seed)
    counts = np.rint(alpha * n).astype(int)
    means, kept = np.empty((alpha.size, networks)), np.empty((alpha.size, networks))
    for i, m in enumerate(counts):
        for k in range(networks):
            x = rng.integers(0, 2, (m, n)) * 2.0 - 1.0
            start = x if probes is None else x[:probes]
            turned = rng.random(start.shape) < noise if noise else False
            found = Hopfield.storing(x, rule).recall(np.where(turned, -start, start), sweeps=sweeps, seed=rng)
            q = np.einsum("ij,ij->i", found.states, start) / n
            means[i, k], kept[i, k] = q.mean(), np.mean(q > overlap)
    return Capacity(n, counts / n, means, kept)


def limit_capacity(found: Iterable[Capacity]) -> tuple[float, float]:
    """Return alpha_c and c of  alpha(N) = alpha_c + c N^(-2/3)  by least squares of the critical loads of several sizes.

    found: results of `capacity` for two or more sizes.

    Raises:
        ParameterError: for fewer sizes, or if a critical load is not within the loads tried.
    """
    points = [(one.size, one.critical) for one in found]
    sizes, alpha = np.array([p[0] for p in points], float), np.array([p[1] for p in points])
    if np.unique(sizes).size < 2:
        raise ParameterError(f"limit_capacity needs networks of at least two sizes, not of {[p[0] for p in points]}.")
    if np.isnan(alpha).any():
        raise ParameterError(f"limit_capacity: for {int(sizes[np.isnan(alpha)][0])} neurons the part that is retained does not "
                             "pass one half within the loads. Try a wider range of loads.")
    c, limit = np.polyfit(sizes ** (-2 / 3), alpha, 1)
    return float(limit), float(c)


def expected_overlap(loads: Any) -> np.ndarray:
    """Return the overlap m of the retrieved states for N to infinity, shape of `loads`; NaN above alpha_c = 0.1379.

        m = erf(y),   y (sqrt(2 alpha) + 2/sqrt(pi) exp(-y^2)) = erf(y),   the largest y

    Hebb's rule without noise, replica-symmetric theory.

    loads: alpha, above 0.

    Raises:
        ParameterError: for a load of 0 or less.

    Source: D. J. Amit, H. Gutfreund & H. Sompolinsky 1987, doi:10.1016/0003-4916(87)90092-3.
    """
    from scipy.optimize import brentq, minimize_scalar
    from scipy.special import erf

    def load(y: float) -> float:
        return 0.5 * (erf(y) / y - 2 / np.sqrt(np.pi) * np.exp(-y * y)) ** 2

    alpha = checks.numbers(loads, "loads")
    if (alpha <= 0).any():
        raise ParameterError(f"loads must be above 0, not {alpha.min()}.")
    # alpha(y) rises to its maximum, the limit of the load, and falls on the branch of the largest y
    top = minimize_scalar(lambda y: -load(y), bounds=(0.5, 3.0), method="bounded", options={"xatol": 1e-12}).x
    found = [erf(brentq(lambda y, a=a: load(y) - a, top, 1e3)) if a <= load(top) else np.nan for a in alpha.ravel()]
    return np.array(found).reshape(alpha.shape)


def _falling(y: np.ndarray) -> np.ndarray:
    """Return the sequence closest to y that never rises: neighbours out of order are pooled."""
    blocks: list[list[float]] = []
    for value in y:
        blocks.append([float(value), 1])
        while len(blocks) > 1 and blocks[-2][0] < blocks[-1][0]:
            (a, n), (b, m) = blocks[-2], blocks.pop()
            blocks[-1] = [(a * n + b * m) / (n + m), n + m]
    return np.repeat([b[0] for b in blocks], [int(b[1]) for b in blocks])
