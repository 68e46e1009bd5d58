"""Looks and axes that all figures of a comparison share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from neurosim.learning.comparing.result import Comparison, Curve
from neurosim.plot import style

#: lines of more learners than that in one panel cannot be told apart
MANY = 8


def named(found: Comparison, learners: Iterable[str] | None) -> list[str]:
    """Return the learners to draw, all for None; ParameterError for one that did not take part."""
    names = list(found.learners) if learners is None else list(learners)
    for name in names:
        found.runs(name)
    return names


def looks(found: Comparison) -> dict[str, tuple[str, str]]:
    """Return colour and line style of each learner, the same in every figure."""
    return dict(zip(found.learners, style.palette(len(found.learners))))


def layers(*curves: Curve) -> list[tuple[str, str, int]]:
    """Return colour, line style and place of layers that learn; greys, since colours stand for learners."""
    learning = {k for c in curves for k in np.flatnonzero(~np.isnan(c.cosines).all(axis=0))}
    tones = ("#262626", "#7A7A7A", "#4D4D4D", "#A6A6A6")
    lines = ("-", "--", "-.", ":")
    return [(tones[k % 4], lines[(k + k // 4) % 4], k) for k in map(int, sorted(learning))]


def error(found: Comparison, score: Any) -> Any:
    """Return the error of a score: percent of wrong answers, or 1 - R^2."""
    left = 1.0 - np.asarray(score, dtype=float)
    return left if found.numbers else 100.0 * left


def epoch_axis(ax: Axes, epochs: list[np.ndarray]) -> None:
    """Set an x axis from 0 to the last of these epochs."""
    last = max((float(e[-1]) for e in epochs if not np.isnan(e).any()), default=1.0)
    ax.set_xlim(0, 1.03 * last)
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    ax.set_xlabel("Epoch")


def time_axis(ax: Axes, seconds: np.ndarray) -> None:
    """Set an x axis, logarithmic where it can be, around these times."""
    if seconds.size and seconds.min() > 0:
        # a wide view, so that 1, 2 and 5 times a power of ten stand in it
        middle, half = np.sqrt(seconds.min() * seconds.max()), max(1.25 * np.sqrt(seconds.max() / seconds.min()), 3.5)
        ax.set_xscale("log")
        ax.set_xlim(middle / half, middle * half)
    ax.set_xlabel("CPU time of learning (s)")
    plain_log(ax, "x")


def chance_line(found: Comparison, ax: Axes) -> None:
    """Mark the error of chance on a y axis, once, where it is in sight."""
    chance = float(error(found, found.data["chance"]))
    if ax.get_ylim()[0] < chance < ax.get_ylim()[1] and not any(line.get_gid() == "chance" for line in ax.lines):
        ax.axhline(chance, color=style.GREY, lw=style.FINE, ls=":", zorder=0, gid="chance")


def label(found: Comparison) -> str:
    """Return what an axis of errors is called."""
    return "Test error 1 − R²" if found.numbers else "Test error (%)"


def error_axis(ax: Axes, axis: str, errors: np.ndarray, found: Comparison, ends: Any = ()) -> None:
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
        plain_log(ax, axis)
    else:
        pad = 0.12 * (high - low) or 0.1 * high or 0.5
        limits(max(0.0, low - 2 * pad) if low > 0 else -pad, max(min(high + 2 * pad, most), low + pad))


def plain_log(ax: Axes, axis: str) -> None:
    """Write 0.1, 1, 10 on a logarithmic axis, and 2 and 5 between them where few powers of ten are in sight."""
    if getattr(ax, f"get_{axis}scale")() != "log":
        return
    low, high = getattr(ax, f"get_{axis}lim")()
    own = getattr(ax, f"{axis}axis")
    own.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    between = FuncFormatter(lambda v, _: f"{v:g}" if round(v / 10 ** np.floor(np.log10(v) + 1e-9)) in (2, 5) else "")
    own.set_minor_formatter(between if high < 150 * low else NullFormatter())


def lowest(curve: Curve) -> float:
    """Return the lower end of an axis of cosines."""
    return min(0.0, float(curve.cosines[~np.isnan(curve.cosines)].min(initial=0.0))) - 0.05


def differs(curve: Curve) -> bool:
    """Return whether a learner has cosines with backpropagation, and not 1 throughout."""
    known = curve.cosines[~np.isnan(curve.cosines)]
    return bool(known.size) and not np.isnan(curve.epoch).any() and known.min() < 1 - 1e-9
