"""Learners side by side: errors, how these fell while they learnt, and how near each layer's learning is to backprop's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from neurosim.errors import ParameterError
from neurosim.learning.comparing.result import Comparison, Curve
from neurosim.plot import style

#: bands of more learners than that would hide each other
_BANDS = 4


class ComparisonAxes(NamedTuple):
    """Axes of a report: errors, errors against epochs (None if nobody learns in epochs), against time, and cosines."""

    errors: Axes
    epochs: Axes | None
    seconds: Axes
    cosines: tuple[Axes, ...]


def comparison_errors(found: Comparison, ax: Axes | None = None, *, learners: Iterable[str] | None = None) -> Axes:
    """Draw the error of each learner on the samples for the test: a dot for each run, mean and interval.

        error = 100 (1 - share of right answers) %,  or  1 - R^2, the share of variance that is left unexplained

    Arguments
        found: what ``neurosim.learning.compare`` returned
        ax: the axes to draw in; None for a new figure
        learners: whom to draw, from the top down; None for all

    Returns the axes. Raises ParameterError for a learner that did not take part.
    """
    names = _named(found, learners)
    ax = style.open_axes(ax, height=max(1.6, 0.8 + 0.22 * len(names)))
    looks = _looks(found)
    errors = {name: _error(found, found.scores(name)) for name in names}
    ends = [_error(found, end) for name in names for end in (found.interval(name).low, found.interval(name).high)]
    _error_axis(ax, "x", np.concatenate(list(errors.values())), found, ends)
    for row, name in enumerate(names):
        color, own = looks[name][0], errors[name]
        if np.isnan(own).all():
            ax.annotate("no run came to its end", (0.02, row), xycoords=("axes fraction", "data"), va="center",
                        fontsize=style.text_size(ax), color="#595959")
            continue
        # the dots of runs stand below the mean, in the order of the runs, so that equal ones stay apart
        below = row + 0.2 + 0.16 * np.linspace(-0.5, 0.5, len(own))
        ax.plot(own, below, ls="none", marker="o", ms=2.6, mfc=color, mec="none", alpha=0.55)
        i = found.interval(name)
        if np.isfinite(i.half):
            low, high = sorted(_error(found, np.array([i.low, i.high])))
            # an error below 0 is none; a logarithmic axis has no place for it
            floor = ax.get_xlim()[0] if ax.get_xscale() == "log" else 0.0
            ax.plot([max(low, floor), max(high, floor)], [row - 0.1] * 2, color=color, lw=style.LINE, solid_capstyle="butt")
        ax.plot(_error(found, i.mean), row - 0.1, marker="D", ms=4.0, mfc="white", mec=color, mew=style.LINE)
    ax.set_yticks(range(len(names)), names)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.set_xlabel(_label(found))
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
    names = _named(found, learners)
    ax = style.open_axes(ax)
    curves = {name: found.curve(name) for name in names}
    curves = {name: c for name, c in curves.items() if len(c.test)}
    _error_axis(ax, "y", np.concatenate([_error(found, c.test) for c in curves.values()] or [np.empty(0)]), found)
    seconds = np.concatenate([c.cpu_seconds for c in curves.values()] or [np.ones(1)])
    if against == "seconds" and seconds.min() > 0:
        # a wide view, so that 1, 2 and 5 times a power of ten stand in it
        middle, half = np.sqrt(seconds.min() * seconds.max()), max(1.25 * np.sqrt(seconds.max() / seconds.min()), 3.5)
        ax.set_xscale("log")
        ax.set_xlim(middle / half, middle * half)
    floor = ax.get_ylim()[0] if ax.get_yscale() == "log" else 0.0
    for name, c in curves.items():
        color, line = _looks(found)[name]
        middle = _error(found, c.test)
        low, high = (np.maximum(_error(found, v), floor) for v in (c.high, c.low))
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
    chance = float(_error(found, found.data["chance"]))
    if ax.get_ylim()[0] < chance < ax.get_ylim()[1]:
        ax.axhline(chance, color=style.GREY, lw=style.FINE, ls=":", zorder=0)
    ax.set_ylabel(_label(found))
    if against == "epochs":
        _epoch_axis(ax, [c.epoch for c in curves.values()])
    else:
        ax.set_xlabel("CPU time of learning (s)")
        _plain_log(ax, "x")
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
    for color, line, k in _layers(c):
        ax.plot(c.epoch, c.cosines[:, k], color=color, ls=line, lw=style.LINE, label=f"layer {k + 1}",
                marker="o" if len(c.epoch) == 1 else None)
    ax.set_ylim(_lowest(c), 1.05)
    ax.axhline(1.0, color=style.GREY, lw=style.FINE, ls=":", zorder=0)
    _epoch_axis(ax, [c.epoch])
    ax.set_ylabel("Cosine with backprop")
    if legend:
        style.legend_above(ax)
    return ax


def comparison_report(found: Comparison) -> ComparisonAxes:
    """Draw errors, learning curves against epochs and against time, and cosines with backprop, as one figure.

    Learners whose cosines are 1 throughout, as those of backprop itself, have no panel.

    Returns the axes of a new figure.
    """
    in_epochs = any(not np.isnan(found.curve(n).epoch).any() for n in found.learners if len(found.curve(n).epoch))
    compared = [name for name in found.learners if _differs(found.curve(name))]
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
    comparison_errors(found, upper[0])
    runs = len(found.runs(next(iter(found.learners))))
    around = f", {100 * found.confidence:g} % interval" if runs > 1 else ""
    style.note_above(upper[0], f"{runs} run{'' if runs == 1 else 's'}, mean{around}")
    for ax, against in zip(upper[1:], ("epochs", "seconds") if in_epochs else ("seconds",)):
        learning_curves(found, ax, against=against, legend=False)
    if in_epochs:
        upper[2].sharey(upper[1])
        upper[2].set_ylabel(_label(found) if square else "")
    handles = [Line2D([], [], color=color, ls=line, lw=1.4, label=name) for name, (color, line) in _looks(found).items()]
    fig.legend(handles=handles, loc="outside upper left", ncols=min(4, len(handles)), fontsize=style.text_size(upper[0]),
               frameon=False)
    for k, (ax, name) in enumerate(zip(lower, compared)):
        backprop_cosines(found, name, ax, legend=False)
        ax.set_title(name, color=style.INK, loc="left", fontsize=style.text_size(ax))
        ax.set_ylim(min(_lowest(found.curve(n)) for n in compared), 1.05)
        if k % across and not square:
            ax.set_ylabel("")
    if lower:
        keys = [Line2D([], [], color=color, ls=line, lw=1.4, label=f"layer {k + 1}" + (" (from the data)" if k == 0 else ""))
                for color, line, k in _layers(*(found.curve(name) for name in compared))]
        fig.legend(handles=keys, loc="outside lower right" if square else "outside lower left", ncols=6,
                   fontsize=style.text_size(lower[0]), frameon=False)
    return ComparisonAxes(upper[0], upper[1] if in_epochs else None, upper[-1], tuple(lower))


def _named(found: Comparison, learners: Iterable[str] | None) -> list[str]:
    names = list(found.learners) if learners is None else list(learners)
    for name in names:
        found.runs(name)
    return names


def _looks(found: Comparison) -> dict[str, tuple[str, str]]:
    return dict(zip(found.learners, style.palette(len(found.learners))))


def _layers(*curves: Curve) -> list[tuple[str, str, int]]:
    """Return colour, line style and place of layers that learn; greys, since colours stand for learners."""
    learning = {k for c in curves for k in np.flatnonzero(~np.isnan(c.cosines).all(axis=0))}
    tones = ("#262626", "#7A7A7A", "#4D4D4D", "#A6A6A6")
    lines = ("-", "--", "-.", ":")
    return [(tones[k % 4], lines[(k + k // 4) % 4], k) for k in map(int, sorted(learning))]


def _error(found: Comparison, score: Any) -> Any:
    left = 1.0 - np.asarray(score, dtype=float)
    return left if found.numbers else 100.0 * left


def _epoch_axis(ax: Axes, epochs: list[np.ndarray]) -> None:
    last = max((float(e[-1]) for e in epochs if not np.isnan(e).any()), default=1.0)
    ax.set_xlim(0, 1.03 * last)
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    ax.set_xlabel("Epoch")


def _label(found: Comparison) -> str:
    return "Test error 1 − R²" if found.numbers else "Test error (%)"


def _error_axis(ax: Axes, axis: str, errors: np.ndarray, found: Comparison, ends: Any = ()) -> None:
    """Set limits around errors, and the ends of their intervals unless these are far away.

    The axis is logarithmic where errors differ much and none is 0, so that small ones can be told apart.
    """
    errors = errors[np.isfinite(errors)]
    limits = getattr(ax, f"set_{axis}lim")
    if not errors.size:
        limits(0, 1 if found.numbers else 100)
        return
    low, high = float(errors.min()), float(errors.max())
    # no more than 100 % can be wrong
    most = np.inf if found.numbers else 101.0
    wide, near, far = low > 0 and high > 4 * low, low - 2 * (high - low), high + 2 * (high - low)
    ends = [float(end) for end in ends if np.isfinite(end)]
    high = max([high, *(min(end, far, most) for end in ends)])
    low = min([low, *(max(end, near, low / 3 if wide else 0.0) for end in ends)])
    if wide:
        getattr(ax, f"set_{axis}scale")("log")
        limits(low / 1.5, min(high * 1.3, most))
        _plain_log(ax, axis)
    else:
        pad = 0.12 * (high - low) or 0.1 * high or 0.5
        limits(max(0.0, low - 2 * pad) if low > 0 else -pad, max(min(high + 2 * pad, most), low + pad))


def _plain_log(ax: Axes, axis: str) -> None:
    """Write 0.1, 1, 10 on a logarithmic axis, and 2 and 5 between them where few powers of ten are in sight."""
    if getattr(ax, f"get_{axis}scale")() != "log":
        return
    low, high = getattr(ax, f"get_{axis}lim")()
    own = getattr(ax, f"{axis}axis")
    own.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    between = FuncFormatter(lambda v, _: f"{v:g}" if round(v / 10 ** np.floor(np.log10(v) + 1e-9)) in (2, 5) else "")
    own.set_minor_formatter(between if high < 150 * low else NullFormatter())


def _lowest(curve: Curve) -> float:
    return min(0.0, 1.1 * float(curve.cosines[~np.isnan(curve.cosines)].min(initial=0.0)))


def _differs(curve: Curve) -> bool:
    known = curve.cosines[~np.isnan(curve.cosines)]
    return bool(known.size) and not np.isnan(curve.epoch).any() and known.min() < 1 - 1e-9
