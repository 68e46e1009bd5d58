"""Learners side by side: errors, how these fell while they learnt, and how near each layer's learning is to backprop's."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from matplotlib.axes import Axes

from neurosim.errors import ParameterError
from neurosim.learning.comparing.result import Comparison
from neurosim.plot import style
from neurosim.plot.comparison_axes import (
    chance_line,
    epoch_axis,
    error,
    error_axis,
    label,
    layers,
    looks,
    lowest,
    named,
    time_axis,
)

#: bands of more learners than that would hide each other
_BANDS = 4


def comparison_errors(found: Comparison, ax: Axes | None = None, *, learners: Iterable[str] | None = None) -> Axes:
    """Draw the error of each learner on the samples for the test: a dot for each run, mean and interval.

        error = 100 (1 - share of right answers) %,  or  1 - R^2, the share of variance that is left unexplained

    Arguments
        found: what ``neurosim.learning.compare`` returned
        ax: the axes to draw in; None for a new figure
        learners: whom to draw, from the top down; None for all

    Returns the axes. Raises ParameterError for a learner that did not take part.
    """
    names = named(found, learners)
    ax = style.open_axes(ax, height=max(1.6, 0.8 + 0.22 * len(names)))
    styles = looks(found)
    errors = {name: error(found, found.scores(name)) for name in names}
    ends = [error(found, end) for name in names for end in (found.interval(name).low, found.interval(name).high)]
    error_axis(ax, "x", np.concatenate(list(errors.values())), found, ends)
    for row, name in enumerate(names):
        color, own = styles[name][0], errors[name]
        if np.isnan(own).all():
            ax.annotate("no run came to its end", (0.02, row), xycoords=("axes fraction", "data"), va="center",
                        fontsize=style.text_size(ax), color="#595959")
            continue
        # the dots of runs stand below the mean, in the order of the runs, so that equal ones stay apart
        below = row + 0.2 + 0.16 * np.linspace(-0.5, 0.5, len(own))
        ax.plot(own, below, ls="none", marker="o", ms=2.6, mfc=color, mec="none", alpha=0.55)
        i = found.interval(name)
        if np.isfinite(i.half):
            low, high = sorted(error(found, np.array([i.low, i.high])))
            # an error below 0 is none; a logarithmic axis has no place for it
            floor = ax.get_xlim()[0] if ax.get_xscale() == "log" else 0.0
            ax.plot([max(low, floor), max(high, floor)], [row - 0.1] * 2, color=color, lw=style.LINE, solid_capstyle="butt")
        ax.plot(error(found, i.mean), row - 0.1, marker="D", ms=4.0, mfc="white", mec=color, mew=style.LINE)
    ax.set_yticks(range(len(names)), names)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.set_xlabel(label(found))
    return ax


def learning_curves(found: Comparison, ax: Axes | None = None, *, against: str = "epochs",
                    learners: Iterable[str] | None = None, legend: bool = True) -> Axes:
    """Draw how the error on the samples for the test fell while the learners learnt: mean over runs, and its interval.

    Of more than 4 learners the intervals, which would hide each other, are left out.  A learner that is fitted at once is a
    level line against epochs, and a point against time.  A dotted line marks the error of chance where it is in sight.

    Arguments
        found: what ``neurosim.learning.compare`` returned
        ax: the axes to draw in; None for a new figure
        against: "epochs", passes over the samples; or "seconds", CPU time of learning
        learners: whom to draw; None for all
        legend: whether the names stand above

    Returns the axes. Raises ParameterError for a learner that did not take part, or another `against`.
    """
    if against not in ("epochs", "seconds"):
        raise ParameterError(f"learning_curves: against={against!r}; 'epochs' or 'seconds' is needed.")
    names = named(found, learners)
    ax = style.open_axes(ax)
    curves = {name: found.curve(name) for name in names}
    curves = {name: c for name, c in curves.items() if len(c.test)}
    error_axis(ax, "y", np.concatenate([error(found, c.test) for c in curves.values()] or [np.empty(0)]), found)
    if against == "seconds":
        time_axis(ax, np.concatenate([c.cpu_seconds for c in curves.values()] or [np.ones(1)]))
    floor = ax.get_ylim()[0] if ax.get_yscale() == "log" else 0.0
    for name, c in curves.items():
        color, line = looks(found)[name]
        middle = error(found, c.test)
        low, high = (np.maximum(error(found, v), floor) for v in (c.high, c.low))
        x = c.epoch if against == "epochs" else c.cpu_seconds
        if not np.isnan(c.epoch).any():
            # a single mark would be no line
            ax.plot(x, middle, color=color, ls=line, lw=style.LINE, label=name, marker="o" if len(x) == 1 else None, ms=2.5)
            if len(curves) <= _BANDS and np.isfinite(c.low).all():
                ax.fill_between(x, low, high, color=color, alpha=0.15, lw=0)
        elif against == "epochs":
            ax.axhline(middle[-1], color=color, ls=line, lw=style.FINE, label=name)
        else:
            ax.plot(x, middle, color=color, ls="none", marker="s", ms=3.5, label=name)
            if np.isfinite(c.low).all():
                ax.plot([x[-1]] * 2, [low[-1], high[-1]], color=color, lw=style.FINE)
    chance_line(found, ax)
    ax.set_ylabel(label(found))
    if against == "epochs":
        epoch_axis(ax, [c.epoch for c in curves.values()])
    if legend:
        style.legend_above(ax, columns=2)
    return ax


def backprop_cosines(found: Comparison, learner: str, ax: Axes | None = None, *, legend: bool = True) -> Axes:
    """Draw the cosine between a learner's changes of weights and those of backpropagation, layer by layer, against epochs.

    Arguments
        found: what ``neurosim.learning.compare`` returned
        learner: whose
        ax: the axes to draw in; None for a new figure
        legend: whether the layers are named above, from the data (1) to the answers

    Returns the axes. Raises ParameterError for a learner that did not take part, or whose changes cannot be compared.
    """
    c = found.curve(learner)
    if not c.cosines.size:
        raise ParameterError(f"backprop_cosines: the changes of {learner} cannot be compared with backpropagation.")
    ax = style.open_axes(ax)
    for color, line, k in layers(c):
        ax.plot(c.epoch, c.cosines[:, k], color=color, ls=line, lw=style.LINE, label=f"layer {k + 1}",
                marker="o" if len(c.epoch) == 1 else None)
    ax.set_ylim(lowest(c), 1.05)
    ax.axhline(1.0, color=style.GREY, lw=style.FINE, ls=":", zorder=0)
    epoch_axis(ax, [c.epoch])
    ax.set_ylabel("Cosine with backprop")
    if legend:
        style.legend_above(ax)
    return ax
