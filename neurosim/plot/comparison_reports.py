"""A comparison as one figure."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from neurosim.learning.comparing.result import Comparison
from neurosim.plot import style
from neurosim.plot.comparison import backprop_cosines, comparison_errors, learning_curves
from neurosim.plot.comparison_axes import MANY, chance_line, differs, error, error_axis, label, layers, looks, lowest, time_axis

#: the curve of the first learner in the panels of the others; dotted, as one of these may be grey
_BASE = {"color": "#595959", "lw": 1.0, "ls": (0, (1.2, 1.2))}


class ComparisonAxes(NamedTuple):
    """Axes of a report.

    Attributes:
        errors: of all learners.
        epochs: errors against epochs; None if nobody learns in epochs, or where each learner has a panel.
        seconds: errors against time; None where each learner has a panel.
        cosines: with backpropagation, of each learner that has them.
        each: errors against time, of each learner; empty where one panel holds all.
    """

    errors: Axes
    epochs: Axes | None
    seconds: Axes | None
    cosines: tuple[Axes, ...]
    each: tuple[Axes, ...] = ()


def comparison_report(found: Comparison) -> ComparisonAxes:
    """Draw errors, learning curves against epochs and against time, and cosines with backprop, as one figure.

    Of more than 8 learners each has a panel for its curve against time, with that of the first learner dotted.  Learners
    whose cosines are 1 throughout, as those of backprop itself, have no panel for them.

    Returns the axes of a new figure.
    """
    return _of_many(found) if len(found.learners) > MANY else _of_few(found)


def _of_few(found: Comparison) -> ComparisonAxes:
    in_epochs = any(not np.isnan(found.curve(n).epoch).any() for n in found.learners if len(found.curve(n).epoch))
    compared = [name for name in found.learners if differs(found.curve(name))]
    # one panel of cosines makes a square of four with the others; several stand in rows below them
    square, across = len(compared) == 1, 2 if len(compared) == 1 or not in_epochs else 3
    rows = -(-len(compared) // across)
    top, below = max(2.1, 0.75 + 0.2 * len(found.learners)), 2.1 if square else 1.5
    height = top + 0.17 * -(-len(found.learners) // 4) + (0.2 + below * rows if rows else 0)
    fig, grid = style.figure(1 + rows, across, width=style.TWO_COLUMNS, height=height,
                             height_ratios=[top, *[below] * rows])
    panels = list(grid.flat)
    upper = [panels.pop(0) for _ in range(3 if in_epochs else 2)]
    lower = panels[:len(compared)]
    for ax in panels[len(compared):]:
        ax.remove()
    _errors(found, upper[0])
    for ax, against in zip(upper[1:], ("epochs", "seconds") if in_epochs else ("seconds",)):
        learning_curves(found, ax, against=against, legend=False)
    if in_epochs:
        upper[2].sharey(upper[1])
        upper[2].set_ylabel(label(found) if square else "")
    handles = [Line2D([], [], color=color, ls=line, lw=1.4, label=name) for name, (color, line) in looks(found).items()]
    fig.legend(handles=handles, loc="outside upper left", ncols=min(4, len(handles)), fontsize=style.text_size(upper[0]),
               frameon=False)
    _cosines(found, compared, lower, across)
    if lower:
        fig.legend(handles=_layer_keys(found, compared), loc="outside lower right" if square else "outside lower left", ncols=6,
                   fontsize=style.text_size(lower[0]), frameon=False)
    return ComparisonAxes(upper[0], upper[1] if in_epochs else None, upper[-1], tuple(lower))


def _of_many(found: Comparison) -> ComparisonAxes:
    compared, count = [name for name in found.learners if differs(found.curve(name))], len(found.learners)
    across = 4 if max(map(len, found.learners)) <= 26 else 3
    curves, below = -(-count // across), -(-len(compared) // across)
    top = 0.55 + 0.15 * count
    fig, grid = style.figure(1 + curves + below, across, width=style.TWO_COLUMNS, height=top + 1.15 * (curves + below) + 0.6,
                             height_ratios=[top, *[1.15] * (curves + below)])
    errors, panels = grid[0, 0], list(grid[1:].flat)
    errors.set_subplotspec(errors.get_gridspec()[0, :])
    each, lower = panels[:count], panels[curves * across:curves * across + len(compared)]
    for ax in [*grid[0, 1:], *(ax for ax in panels if ax not in each and ax not in lower)]:
        ax.remove()
    _errors(found, errors)
    _curves(found, each, across)
    _cosines(found, compared, lower, across)
    for ax in lower[::across]:
        ax.set_ylabel("Cosine")
    keys = [Line2D([], [], **_BASE, label=f"{next(iter(found.learners))} (in the other panels)")]
    fig.legend(handles=keys + (_layer_keys(found, compared) if lower else []), loc="outside lower left", ncols=6,
               fontsize=style.text_size(errors), frameon=False)
    return ComparisonAxes(errors, None, None, tuple(lower), tuple(each))


def _errors(found: Comparison, ax: Axes) -> None:
    comparison_errors(found, ax)
    runs = len(found.runs(next(iter(found.learners))))
    around = f", {100 * found.confidence:g} % interval" if runs > 1 else ""
    style.note_above(ax, f"{runs} run{'' if runs == 1 else 's'}, mean{around}")


def _curves(found: Comparison, panels: list[Axes], across: int) -> None:
    """Draw the curve of each learner against time, on the same axes, with that of the first one dotted."""
    curves = {name: found.curve(name) for name in found.learners}
    base = next(iter(curves.values()))
    none = [np.empty(0)]
    heights = np.concatenate([error(found, c.test) for c in curves.values()] or none)
    seconds = np.concatenate([c.cpu_seconds for c in curves.values()] or none)
    for k, (ax, name) in enumerate(zip(panels, curves)):
        learning_curves(found, ax, against="seconds", learners=[name], legend=False)
        if k and len(base.test):
            ax.plot(base.cpu_seconds, error(found, base.test), zorder=1.5, marker="s" if len(base.test) == 1 else None, ms=2.5,
                    **_BASE)
        error_axis(ax, "y", heights, found)
        chance_line(found, ax)
        time_axis(ax, seconds)
        _title(ax, name)
        ax.set_ylabel("" if k % across else label(found))
        ax.set_xlabel("CPU time (s)" if k + across >= len(panels) else "")


def _cosines(found: Comparison, compared: list[str], panels: list[Axes], across: int) -> None:
    low = min((lowest(found.curve(n)) for n in compared), default=0.0)
    for k, (ax, name) in enumerate(zip(panels, compared)):
        backprop_cosines(found, name, ax, legend=False)
        _title(ax, name)
        ax.set_ylim(low, 1.05)
        if k % across:
            ax.set_ylabel("")


def _title(ax: Axes, name: str) -> None:
    # the widest that fits into a third of the figure
    ax.set_title(name if len(name) <= 36 else name[:35] + "…", color=style.INK, loc="left", fontsize=style.text_size(ax))


def _layer_keys(found: Comparison, compared: list[str]) -> list[Line2D]:
    return [Line2D([], [], color=color, ls=line, lw=1.4, label=f"layer {k + 1}" + (" (from the data)" if k == 0 else ""))
            for color, line, k in layers(*(found.curve(name) for name in compared))]
