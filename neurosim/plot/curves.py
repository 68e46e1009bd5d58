"""Firing rate as a function of an input current."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from neurosim.errors import ParameterError
from neurosim.plot import style
from neurosim.plot.inputs import array_1d

#: Rate above zero is a jump where it is more than this many times the mean step of the rates that follow ...
JUMP = 6.0
#: ... and at least this part of the highest rate, so that counting noise at a gradual onset is no jump.
JUMP_PART = 0.08

_MARKERS = "os^Dv<>p"


def fi_curve(
    current: Any,
    rates: Any,
    ax: Axes | None = None,
    reference: Any = None,
    xlabel: str = "Input current",
    *,
    unit: str | None = None,
    ylabel: str = "Firing rate (Hz)",
    label: str | None = None,
    color: Any = None,
) -> Axes:
    """Draw firing rate against input.

    A line from the last silent current to the first firing one would claim rates that do not exist where
    firing sets in at a positive rate (type II excitability, A. L. Hodgkin (1948), J. Physiol. 107, 165,
    doi:10.1113/jphysiol.1948.sp004260). The line is therefore broken between a rate of zero and a rate r
    beside it if r is more than 6 times the mean step between the (up to 4) next rates and more than 8 % of
    the highest rate. It is broken where a rate is NaN as well.

    Arguments
        current: (n,) input, in any order; in `unit`
        rates: (n,) rates in Hz, or (n, trials), drawn as mean and a band of one standard deviation
        ax: the axes to draw in; None for a new figure
        reference: (x, y, label) of published or other values, drawn as open markers; or a list of such
            triples
        xlabel: name of the input, without its unit
        unit: unit of the input, such as "uA/cm2" or "nA"; None if it has none
        ylabel: label of the rates
        label: name of the curve in the legend
        color: colour of the curve; None for the next of the axes

    Returns the axes. Raises ParameterError if lengths differ or a reference is not (x, y, label).
    """
    unit = _unit_of(current) if unit is None else unit
    x = array_1d(getattr(current, "magnitude", current), "current")
    y = np.asarray(rates, dtype=np.float64)
    if y.ndim not in (1, 2) or y.shape[0] != x.size:
        raise ParameterError(
            f"rates has shape {y.shape} for {x.size} currents; ({x.size},) or ({x.size}, trials) is needed."
        )
    references = _references(reference)
    ax = style.open_axes(ax)
    order = np.argsort(x, kind="stable")
    x, y = x[order], y[order]
    several = bool(ax.lines)
    color = style.line_color(ax, color)
    upper = y
    if y.ndim == 2:
        mean, deviation = _mean_and_deviation(y)
        upper = mean + deviation
        ax.fill_between(x, mean - deviation, mean + deviation, color=color, alpha=0.2, lw=0)
        y = mean
    line_x, line_y = _break_jumps(x, y)
    dots = None if x.size <= 40 else _isolated(line_y)
    ax.plot(line_x, line_y, color=color, lw=style.LINE, marker="o", markevery=dots, ms=2.8, label=label)
    for k, (ref_x, ref_y, name) in enumerate(references):
        ax.plot(
            ref_x, ref_y, ls="", marker=_MARKERS[k % len(_MARKERS)], ms=4.2, mfc="none", mec=style.INK,
            mew=style.FINE, label=name,
        )  # fmt: skip
    ax.set_xlabel(style.with_unit(xlabel, unit))
    ax.set_ylabel(ylabel)
    from_zero(ax, several, upper, *(ref_y for _, ref_y, _ in references))
    if label or any(name for *_, name in references):
        style.legend_above(ax)
    return ax


def _unit_of(value: Any) -> str | None:
    unit = getattr(value, "units", None)
    return None if unit is None else f"{unit:~}" if hasattr(value, "magnitude") else str(unit)


def _mean_and_deviation(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation over trials, NaN trials left out, NaN where no trial is left."""
    known = np.isfinite(y)
    n = known.sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(known, y, 0.0).sum(1) / n
        squares = np.where(known, (y - mean[:, np.newaxis]) ** 2, 0.0).sum(1)
        deviation = np.where(n > 1, np.sqrt(squares / np.maximum(n - 1, 1)), 0.0)
    return mean, deviation


def _references(reference: Any) -> list[tuple[np.ndarray, np.ndarray, str | None]]:
    if reference is None:
        return []
    items = [reference] if isinstance(reference, tuple) else reference
    found = []
    for item in items:
        if not isinstance(item, Iterable) or len(parts := tuple(item)) not in (2, 3):
            raise ParameterError(
                f"reference={item!r} is not (x, y, label). Pass one such triple, or a list of them."
            )
        x, y = array_1d(parts[0], "reference x"), array_1d(parts[1], "reference y")
        if x.shape != y.shape:
            raise ParameterError(f"reference has {x.size} x and {y.size} y; one y for each x is needed.")
        found.append((x, y, parts[2] if len(parts) == 3 else None))
    return found


def _break_jumps(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the curve with a NaN point in every jump away from, or back to, a rate of zero."""
    finite = y[np.isfinite(y)]
    highest = float(finite.max()) if finite.size else 0.0
    breaks = []
    for k in range(y.size - 1):
        if (y[k] == 0 and _jumps(y[k + 1 : k + 6], highest)) or (
            y[k + 1] == 0 and _jumps(y[k::-1][:5], highest)
        ):
            breaks.append(k + 1)
    return np.insert(x, breaks, np.nan), np.insert(y, breaks, np.nan)


def _isolated(y: np.ndarray) -> list[int]:
    """Return the places of points without a finite neighbour, which no line shows."""
    known = np.concatenate([[False], np.isfinite(y), [False]])
    return np.flatnonzero(known[1:-1] & ~known[:-2] & ~known[2:]).tolist()


def _jumps(away: np.ndarray, highest: float) -> bool:
    """Return whether the first of the rates leading away from a zero stands apart from it."""
    if not away[0] > JUMP_PART * highest:
        return False
    steps = np.abs(np.diff(away))
    steps = steps[np.isfinite(steps)]
    return steps.size == 0 or bool(away[0] > JUMP * steps.mean())


def from_zero(ax: Axes, several: bool, *drawn: np.ndarray) -> None:
    """Let the rates start at zero (an axis that does not exaggerates every curve) and end above all drawn."""
    values = np.concatenate([np.ravel(array) for array in drawn])
    highest = float(values[np.isfinite(values)].max(initial=0.0))
    top = max(1.06 * highest, ax.get_ylim()[1] if several else 0.0) or 1.0
    # A little below zero, or the spine would cover the line of the silent.
    ax.set_ylim(-0.02 * top, top)
