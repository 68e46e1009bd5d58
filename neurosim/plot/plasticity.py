"""The window of spike-timing-dependent plasticity: change of weight against the time between two spikes."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from neurosim.errors import ParameterError
from neurosim.plot import style
from neurosim.plot.inputs import array_1d


def stdp_window(
    delta_t: Any,
    delta_w: Any,
    ax: Axes | None = None,
    *,
    reference: Any = None,
    unit: str | None = None,
    points: bool | None = None,
    label: str | None = None,
    color: Any = None,
) -> Axes:
    """Draw the change of a weight against the time from the presynaptic to the postsynaptic spike.

    The line is broken between the last time below zero and the first above: the window of STDP jumps there, and a line
    across would claim changes that do not exist. G. Bi, M. Poo (1998), J. Neurosci. 18, 10464,
    doi:10.1523/JNEUROSCI.18-24-10464.1998.

    Arguments
        delta_t: (n,) t_post - t_pre in ms, in any order
        delta_w: (n,) change of the weight, in `unit`; NaN leaves a gap
        ax: the axes to draw in; None for a new figure
        reference: (x, y, label) of published or other values, drawn as open markers; or a list of such triples
        unit: unit of the change, such as "nS" or "%"; None if it has none
        points: markers instead of a line; None for markers where a time occurs more than once, as in measurements
        label, color: name in the legend and colour; None for the next colour of the axes

    Returns the axes. Raises ParameterError if lengths differ or a reference is not (x, y, label).
    """
    from neurosim.plot.curves import _references

    x, y = array_1d(delta_t, "delta_t"), array_1d(delta_w, "delta_w")
    if x.size != y.size:
        raise ParameterError(f"delta_t has {x.size} values and delta_w {y.size}; one change for each time is needed.")
    references = _references(reference)
    ax = style.open_axes(ax)
    color = style.line_color(ax, color)
    order = np.argsort(x, kind="stable")
    x, y = x[order], y[order]
    if points is None:
        points = bool(np.any(x[1:] == x[:-1]))
    if not ax.lines:
        ax.axhline(0.0, color=style.GREY, lw=style.HAIR, zorder=0.5)
        ax.axvline(0.0, color=style.GREY, lw=style.HAIR, zorder=0.5)
    if points:
        ax.plot(x, y, ls="", marker="o", ms=2.6, mew=0, alpha=0.8, color=color, label=label)
    else:
        split = int(np.searchsorted(x, 0.0, "left"))
        # A change at zero itself belongs to the side it resembles only by convention: it stands alone.
        ends = [split, int(np.searchsorted(x, 0.0, "right"))]
        parts_x, parts_y = np.split(x, ends), np.split(y, ends)
        gap = np.array([np.nan])
        line_x = np.concatenate([parts_x[0], gap, parts_x[1], gap, parts_x[2]])
        line_y = np.concatenate([parts_y[0], gap, parts_y[1], gap, parts_y[2]])
        ax.plot(line_x, line_y, color=color, lw=style.LINE, label=label)
        if parts_x[1].size:
            ax.plot(parts_x[1], parts_y[1], ls="", marker="o", ms=2.4, color=color)
    for k, (ref_x, ref_y, name) in enumerate(references):
        ax.plot(ref_x, ref_y, ls="", marker="os^Dv<>p"[k % 8], ms=4.2, mfc="none", mec=style.INK, mew=style.FINE, label=name)
    ax.set_xlabel("Time from pre to post, $t_{post} - t_{pre}$ (ms)")
    ax.set_ylabel(style.with_unit("Change of weight", unit))
    if label or any(name for *_, name in references):
        style.legend_above(ax)
    return ax
