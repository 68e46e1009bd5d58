"""Weights that change with continuous signals: rank-one rules.

    dW_ji/dt = y_j A_i + B_i W_ji

y belongs to units that stand for the sources j, A and B to units that stand for the targets i: states or derived quantities of
populations of your own, whose equations make the rule.  Error-driven (delta) rules, Hebbian, Oja's, BCM, competitive ones and
learning in predictive-coding networks are all of this form:

    delta, PES    y: filtered activity      A = -rate*error                      B = 0
    Oja           y: filtered activity      A = rate*q                           B = -rate*q*q
    BCM           y: filtered activity      A = rate*q*(q - theta)               B = 0
    competitive   y: input                  A = rate*q                           B = -rate*q

The change is made at the end of a step with the values that the units have then (Euler, first order in dt).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.codegen.native import Job
from neurosim.errors import NetworkError, nearest
from neurosim.simulator.population import View, targets

if TYPE_CHECKING:
    from neurosim.simulator.deliveries import Site
    from neurosim.simulator.projection import Link
    from neurosim.simulator.wiring import Wired


@dataclass(frozen=True, eq=False)
class RankOne:
    """A rule dW_ji/dt = y_j A_i + B_i W_ji for the weights of a projection.

    Args:
        pre: population, or a range of one (``units[10:20]``), with one unit for each source of the projection, in order.
        y: state or derived quantity of `pre`.
        post: the same for the targets.
        a: state or derived quantity of `post`: A, in units of W per ms and per unit of y.
        b: the same for B, per ms; None: 0.

    Raises:
        NetworkError: for what is not a range of one population, or has no such variable.
    """

    pre: Any
    y: str
    post: Any
    a: str
    b: str | None = None

    def __post_init__(self):
        for side, names in (("pre", [self.y]), ("post", [self.a] + ([self.b] if self.b is not None else []))):
            view = _range(getattr(self, side), f"RankOne: {side}")
            object.__setattr__(self, side, view)
            model = view.population.model
            known = [*model.state_names, *(d.name for d in model.derived)]
            for name in names:
                if name not in known:
                    raise NetworkError(f"RankOne: {model.name} has no variable {name!r}.{nearest(str(name), known)}")

    def check(self, link: Link, what: str) -> None:
        """Raise `NetworkError` if the units do not stand for the ends of a projection."""
        for side, views, own in (("source", link.sources, self.pre), ("target", link.targets, self.post)):
            if len(views) != 1:
                raise NetworkError(f"{what}: a projection that learns connects one population with one: make a projection for "
                                   "each.")
            end = _range(views[0], f"{what}: {side}")
            if len(end) != len(own):
                raise NetworkError(f"{what}: its {side} has {len(end)} neurons, but its learning rule has {len(own)} units for "
                                   "them.")

    @property
    def variables(self) -> list[tuple[Any, str]]:
        """Pairs (population, variable) that the rule reads."""
        names = [self.a] if self.b is None else [self.a, self.b]
        return [(self.pre.population, self.y), *((self.post.population, n) for n in names)]

    def job(self, wired: Wired, block: int, site: Site, dt: float) -> Job:
        """Return the compiled job that changes the weights onto a block."""
        from neurosim.codegen.library import compiled

        width = site.group.geometry[0]
        source, target = (_first(v) for v in (wired.source, wired.target))
        x_pre, rows, row = site.variable(self.pre.population, self.y)
        x_post, rows_post, row_a = site.variable(self.post.population, self.a)
        row_b = site.variable(self.post.population, self.b)[2] if self.b is not None else -1
        low = max(0, target - block * width)
        high = min(width, target + len(wired.target) - block * width)
        book = np.array([block * (wired.n_pre + 1), source, len(wired.source), _first(self.pre), rows, row, low, max(low, high),
                         _first(self.post) - target + block * width, rows_post, row_a, row_b], np.int64)
        scratch = np.zeros(2 * width + 1, wired.weight.dtype)
        scratch[-1] = dt
        return compiled("adapt", site.single).bind(book, wired.first, wired.place, wired.weight, x_pre, x_post, scratch)


def _first(view: View) -> int:
    return int(view.chosen[0]) if view.chosen is not None else 0


def _range(units: Any, what: str) -> View:
    found = targets(units)
    if len(found) != 1:
        raise NetworkError(f"{what}: give one population, or a range of one.")
    view = found[0]
    if view.chosen is not None and view.chosen[-1] - view.chosen[0] + 1 != len(view.chosen):
        raise NetworkError(f"{what}: the neurons must stand side by side, such as cells[10:20].")
    return view
