"""Fixed points and phase planes of a model, computed from its own equations.

A fixed point is a zero of dx/dt = f(x).  Its Jacobian J = df/dx, differentiated symbolically, tells what it is:

    all eigenvalues with negative real parts: stable;   complex ones: focus;   real ones of both signs: saddle

Noise, threshold and reset play no part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim.errors import ModelError, ParameterError, listing, nearest
from neurosim.model.calculus import derivative
from neurosim.model.expression import Node, evaluate, parse, substitute, symbols
from neurosim.model.ir import NeuronModel
from neurosim.model.values import checked_value

#: grid of starts for Newton's method besides the cells in which both derivatives change sign
STARTS = 15
#: fixed points closer than this part of the ranges are one
SAME = 1e-6


@dataclass(frozen=True)
class FixedPoint:
    """A fixed point of a phase plane.

    Attributes:
        x, y: where it lies, in the units of the states.
        kind: "stable node", "unstable node", "stable focus", "unstable focus", "saddle", "center" or "degenerate"
            (an eigenvalue is 0, as at a saddle-node bifurcation).
        stable: whether both eigenvalues have negative real parts.
        eigenvalues: of the Jacobian, shape (2,), 1/ms.
    """

    x: float
    y: float
    kind: str
    stable: bool
    eigenvalues: np.ndarray = field(repr=False)


@dataclass(frozen=True)
class PhasePlane:
    """What `plot.phase_plane` draws.

    Attributes:
        x, y: grids, shape (n_x,) and (n_y,), rising.
        dx, dy: derivatives on the grid, shape (n_y, n_x), unit of the state per ms.
        x_name, y_name: the states; x_unit, y_unit: their units, or None.
        fixed_points: those within the ranges, by ascending x.
    """

    x: np.ndarray = field(repr=False)
    y: np.ndarray = field(repr=False)
    dx: np.ndarray = field(repr=False)
    dy: np.ndarray = field(repr=False)
    x_name: str
    y_name: str
    x_unit: str | None
    y_unit: str | None
    fixed_points: tuple[FixedPoint, ...]


@dataclass(frozen=True)
class Equilibrium:
    """A fixed point of a whole model.

    Attributes:
        values: value by state.
        eigenvalues: of the Jacobian, shape (n_states,), 1/ms, by falling real part.
        jacobian: shape (n_states, n_states), row: equation, column: state.
        stable: whether all eigenvalues have negative real parts.
        kind: as for `FixedPoint`.
    """

    values: dict[str, float]
    eigenvalues: np.ndarray
    jacobian: np.ndarray = field(repr=False)
    stable: bool = False
    kind: str = ""


def phase_plane(model: NeuronModel, x: str = "v", y: str = "w", *, ranges: Any,
                inputs: Mapping[str, float] | None = None, parameters: Mapping[str, Any] | None = None,
                others: Mapping[str, float | str] | None = None, points: int = 201) -> PhasePlane:
    """Return the phase plane dx/dt = f(x, y), dy/dt = g(x, y) with its fixed points.

    Fixed points are found by Newton's method from every cell of the grid in which both derivatives change sign and
    from a coarse grid besides; two within one cell are found as a rule, not always.

    Args:
        model: the model.
        x, y: the two states, across and upwards.
        ranges: ((low, high), (low, high)) for x and y, or the pairs by name of the state; units of the states.
        inputs: constant value by input; 0 for those not named.
        parameters: other values of parameters.
        others: for a model with more states, each of the others as a number or as an expression of x, y and
            parameters, such as ``{"m": "alpha_m/(alpha_m + beta_m)"}``.
        points: grid points along each axis, at least 2.

    Returns:
        A `PhasePlane`, as `plot.phase_plane` takes it.

    Raises:
        ParameterError: for names that are unknown, values that are not single numbers, ranges that do not rise, or
            states that are neither on an axis nor in `others`.
        ModelError: for equations that depend on time.
    """
    _check(model)
    for name in (x, y):
        if name not in model.state_names:
            raise ParameterError(f"{model.name} has no state {name!r}.{nearest(str(name), model.state_names)} "
                                 f"Known: {listing(model.state_names)}.")
    if x == y:
        raise ParameterError(f"phase_plane: x and y are both {x!r}; choose two different states.")
    if isinstance(points, bool) or not isinstance(points, (int, np.integer)) or points < 2:
        raise ParameterError(f"phase_plane: points must be a whole number from 2 on, not {points!r}.")
    system = _System(model, (x, y), inputs, parameters, others)
    low, high = _ranges(ranges, x, y)
    grids = [np.linspace(a, b, points) for a, b in zip(low, high)]
    mesh = np.array(np.meshgrid(*grids))
    slopes = system.slopes(mesh)
    units = model.units
    found = _planar(system, mesh, slopes, low, high)
    return PhasePlane(*grids, *slopes, x, y, units.get(x), units.get(y), tuple(found))


def fixed_point(model: NeuronModel, inputs: Mapping[str, float] | None = None,
                parameters: Mapping[str, Any] | None = None, start: Mapping[str, float] | None = None) -> Equilibrium:
    """Return the fixed point of a model that a root finder reaches from `start`.

    Args:
        model: the model; any number of states.
        inputs: constant value by input; 0 for those not named.
        parameters: other values of parameters.
        start: value by state from which to search; for those not named the model's initial values, which may be
            expressions of the others (gates at their steady state).

    Returns:
        An `Equilibrium`: values, eigenvalues, Jacobian, kind.

    Raises:
        ParameterError: for unknown names, values that are not single numbers, or if no fixed point is found.
        ModelError: for equations that depend on time.
    """
    _check(model)
    system = _System(model, model.state_names, inputs, parameters, None)
    given = system.start(_numbers(start, model.state_names, "state", "start", model))
    guess = np.array([given[name] for name in model.state_names])
    at = _root(system, guess)
    if at is None:
        # from the state without input the fixed point follows the input as far as it exists
        full, at = dict(system.known), guess
        for part in np.linspace(0.0, 1.0, 33):
            system.known |= {name: part * full[name] for name in model.inputs}
            at = _root(system, at)
            if at is None:
                break
    if at is None:
        raise ParameterError(f"No fixed point of {model.name} was found from {_show(given)}. Give start= closer to one.")
    jacobian = system.jacobian(at)
    values = np.linalg.eigvals(jacobian)
    values = values[np.argsort(-values.real, kind="stable")]
    kind, stable = classify(values)
    return Equilibrium(dict(zip(model.state_names, map(float, at))), values, jacobian, stable, kind)


def _root(system: _System, guess: np.ndarray) -> np.ndarray | None:
    """Return a zero of the derivatives near `guess`, or None."""
    from scipy.optimize import root

    for method in ("hybr", "lm"):
        with np.errstate(all="ignore"):
            at = root(system.slopes, guess, jac=system.jacobian, method=method, tol=1e-14).x
        if _is_zero(system, at):
            return at
    at = _relaxed(system, guess)
    return at if _is_zero(system, at) else None


def _is_zero(system: _System, at: np.ndarray) -> bool:
    with np.errstate(all="ignore"):
        residual, jacobian = np.abs(system.slopes(at)), np.abs(system.jacobian(at))
        # a derivative is a sum that cancels: zero means small beside what a change of the states would do to it
        return bool(np.all(residual <= 1e-11 * np.maximum(jacobian @ np.maximum(np.abs(at), 1e-3), 1e-6)))


def _relaxed(system: _System, guess: np.ndarray) -> np.ndarray:
    """Return where the flow from `guess` comes to rest, by implicit Euler steps that grow into Newton's.

    Reference: Kelley & Keyes 1998, doi:10.1137/S0036142996304796 (pseudo-transient continuation).
    """
    at, step = guess, 0.1
    with np.errstate(all="ignore"):
        for _ in range(150):
            f, jacobian = system.slopes(at), system.jacobian(at)
            if not (np.isfinite(f).all() and np.isfinite(jacobian).all()):
                break
            move = np.linalg.lstsq(np.eye(len(at)) / step - jacobian, f, rcond=None)[0]
            at, step = at + move, step * 1.5
            if step > 1e6 and np.all(np.abs(move) <= 1e-13 * np.maximum(np.abs(at), 1e-3)):
                break
    return at


def classify(eigenvalues: np.ndarray) -> tuple[str, bool]:
    """Return (kind, stable) of a fixed point with these eigenvalues; see `FixedPoint`."""
    values = np.asarray(eigenvalues, dtype=complex)
    small = 1e-9 * max(float(np.abs(values).max(initial=0.0)), 1e-300)
    real = values.real
    if np.any(np.abs(values) <= small):
        return "degenerate", False
    if np.any(np.abs(real) <= small):
        return "center", False
    if real.min() < 0 < real.max():
        return "saddle", False
    stable = bool(real.max() < 0)
    shape = "focus" if np.any(np.abs(values.imag) > small) else "node"
    return f"{'stable' if stable else 'unstable'} {shape}", stable


def _check(model: Any) -> None:
    if not isinstance(model, NeuronModel):
        raise ParameterError(f"A NeuronModel is needed, not {type(model).__name__}.")


class _System:
    """The equations of some states of a model, with everything else as numbers."""

    def __init__(self, model: NeuronModel, names: tuple[str, ...], inputs: Any, parameters: Any, others: Any):
        if parameters:
            model = model.with_parameters(**parameters)
        self.model, self.names = model, names
        self.known = dict.fromkeys(model.inputs, 0.0)
        self.known |= _numbers(inputs, model.inputs, "input", "inputs", model)
        for name, value in model.parameters.items():
            if np.ndim(value) or not isinstance(value, (int, float, np.number)):
                raise ParameterError(f"The parameter {name!r} of {model.name} is {type(value).__name__}; one number is "
                                     f"needed here. Give it in parameters=.")
            self.known[name] = float(value)
        fixed = self._others(others)
        drift = {s.name: substitute(model.expanded(s.drift), fixed) for s in model.states}
        self.drift = [drift[name] for name in names]
        for name, node in zip(names, self.drift):
            if {"t", "dt"} & symbols(node):
                raise ModelError(f"The equation of {name} of {model.name} depends on time: it has no fixed points.")
            if free := symbols(node) & set(model.state_names) - set(names):
                raise ParameterError(f"{model.name} has more states than {listing(names)}: give {listing(sorted(free))} in "
                                     "others=, as a number or as an expression of the two.")
        self.partial = [[derivative(node, name) for name in names] for node in self.drift]

    def _others(self, others: Any) -> dict[str, Node]:
        fixed: dict[str, Node] = {}
        free = [s for s in self.model.state_names if s not in self.names]
        for name, value in dict(others or {}).items():
            if name not in free:
                raise ParameterError(f"others= names {name!r}, which is no further state of {self.model.name}."
                                     f"{nearest(str(name), free)} Known: {listing(free)}.")
            text = value if isinstance(value, str) else repr(checked_value(value, name, self.model.units.get(name), "value"))
            fixed[name] = self.model.expanded(parse(text, f"value of {name} in others="))
            known = {*self.known, *self.names}
            for symbol in symbols(fixed[name]) - known:
                raise ParameterError(f"others= gives {name} in terms of {symbol!r}, which is neither a parameter nor on an "
                                     f"axis.{nearest(symbol, known)}")
        return fixed

    def start(self, given: Mapping[str, float]) -> dict[str, float]:
        """Return a number for every state: those given, and the model's initial values for the others."""
        values = dict(given)
        waiting = {s: self.model.initial.get(s, 0.0) for s in self.names if s not in values}
        while waiting:
            for name, value in list(waiting.items()):
                if isinstance(value, Node):
                    node = self.model.expanded(value)
                    if symbols(node) & set(waiting):
                        continue
                    value = float(evaluate(node, {**self.known, **values, "t": 0.0}))
                elif np.ndim(value) or not isinstance(value, (int, float, np.number)):
                    # several neurons start differently; the search may start anywhere
                    value = float(np.mean(value)) if np.ndim(value) else 0.0
                values[name] = float(value)
                del waiting[name]
        return {name: values[name] for name in self.names}

    def slopes(self, at: Any) -> np.ndarray:
        """Return the derivatives at states of shape (n, ...), in the same shape."""
        at = np.asarray(at, dtype=float)
        values = {**self.known, **dict(zip(self.names, at))}
        return np.array([np.broadcast_to(evaluate(node, values), at.shape[1:]) for node in self.drift], dtype=float)

    def jacobian(self, at: Any) -> np.ndarray:
        """Return the Jacobian at states of shape (n, ...), shape (n, n, ...)."""
        at = np.asarray(at, dtype=float)
        values = {**self.known, **dict(zip(self.names, at))}
        return np.array([[np.broadcast_to(evaluate(node, values), at.shape[1:]) for node in row] for row in self.partial],
                        dtype=float)


def _planar(system: _System, mesh: np.ndarray, slopes: np.ndarray, low: np.ndarray,
            high: np.ndarray) -> list[FixedPoint]:
    """Return the fixed points between `low` and `high`."""
    size = (high - low)[:, None]
    starts = np.concatenate([_crossings(mesh, slopes), _coarse(low, high)], axis=1)
    at = starts.copy()
    alive = np.ones(at.shape[1], dtype=bool)
    move = np.full(at.shape[1], np.inf)
    # Newton's method in units of the ranges; a step is at most a tenth of the plane, so that none runs off at once
    for _ in range(100):
        f, jacobian = system.slopes(at[:, alive]), system.jacobian(at[:, alive])
        good = np.isfinite(f).all(axis=0) & np.isfinite(jacobian).all(axis=(0, 1))
        index = np.flatnonzero(alive)
        alive[index[~good]] = False
        f, jacobian = f[:, good], jacobian[:, :, good]
        if not f.size:
            break
        matrices = np.moveaxis(jacobian * size[None], -1, 0)
        step = -(np.linalg.pinv(matrices, rcond=1e-12) @ f.T[..., None])[..., 0].T
        length = np.abs(step).max(axis=0)
        step *= np.minimum(1.0, 0.1 / np.maximum(length, 1e-300))
        at[:, alive] += step * size
        move[alive] = length
        inside = np.all((at >= (low - (high - low))[:, None]) & (at <= (high + (high - low))[:, None]), axis=0)
        alive &= inside & (move > 1e-15)
    slack = 1e-9 * (high - low)
    kept = (move < 1e-7) & np.all((at >= (low - slack)[:, None]) & (at <= (high + slack)[:, None]), axis=0)
    at, move = at[:, kept], move[kept]
    # a step of zero may also mean that there is no way down: the derivatives themselves must vanish
    scale = np.array([np.abs(s[np.isfinite(s)]).max(initial=1e-300) for s in slopes])
    zero = np.all(np.abs(system.slopes(at)) <= 1e-9 * scale[:, None], axis=0)
    at, move = at[:, zero], move[zero]
    found: list[np.ndarray] = []
    for k in np.argsort(move, kind="stable"):
        if all(np.abs((at[:, k] - other) / size[:, 0]).max() > SAME for other in found):
            found.append(at[:, k])
    points = []
    for x, y in sorted(map(tuple, found)):
        values = np.linalg.eigvals(system.jacobian([x, y]))
        points.append(FixedPoint(float(x), float(y), *classify(values), values))
    return points


def _crossings(mesh: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """Return the centres of the cells in which both derivatives change sign, shape (2, n)."""
    corners = np.stack([slopes[:, :-1, :-1], slopes[:, 1:, :-1], slopes[:, :-1, 1:], slopes[:, 1:, 1:]])
    with np.errstate(invalid="ignore"):
        both = np.all((corners.min(axis=0) <= 0) & (corners.max(axis=0) >= 0), axis=0)
    centres = 0.5 * (mesh[:, :-1, :-1] + mesh[:, 1:, 1:])
    return centres[:, both]


def _coarse(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    places = (np.arange(STARTS) + 0.5) / STARTS
    return np.array(np.meshgrid(*(a + (b - a) * places for a, b in zip(low, high)))).reshape(2, -1)


def _ranges(ranges: Any, x: str, y: str) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(ranges, Mapping):
        if set(ranges) != {x, y}:
            raise ParameterError(f"phase_plane: ranges= names {listing(map(str, ranges))}; {x} and {y} are needed.")
        ranges = (ranges[x], ranges[y])
    try:
        pairs = np.array(ranges, dtype=float)
    except (TypeError, ValueError):
        pairs = np.empty(0)
    if pairs.shape != (2, 2):
        raise ParameterError(f"phase_plane: ranges= must be ((low, high), (low, high)) for {x} and {y}, not {ranges!r}.")
    if not np.isfinite(pairs).all() or np.any(pairs[:, 0] >= pairs[:, 1]):
        raise ParameterError(f"phase_plane: each range must rise and be finite; ranges={ranges!r}.")
    return pairs[:, 0], pairs[:, 1]


def _numbers(values: Any, known: tuple[str, ...], what: str, argument: str, model: NeuronModel) -> dict[str, float]:
    if values is not None and not isinstance(values, Mapping):
        raise ParameterError(f"{argument}= must be a mapping from {what} to number, not {type(values).__name__}.")
    found = {}
    for name, value in (values or {}).items():
        if name not in known:
            raise ParameterError(f"{model.name} has no {what} {name!r}.{nearest(str(name), known)} Known: {listing(known)}.")
        number = checked_value(value, name, model.units.get(name), what)
        if not isinstance(number, float):
            raise ParameterError(f"{argument}=: {name} must be one number, not {value!r:.60}.")
        found[name] = number
    return found


def _show(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} = {value:.4g}" for name, value in values.items())
