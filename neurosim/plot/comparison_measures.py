"""What answers of learners cost, and how good they stay when samples are disturbed."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from neurosim.errors import ParameterError
from neurosim.learning.comparing.measured_sentences import levels
from neurosim.learning.comparing.result import Comparison
from neurosim.plot import style

#: panels of the figure on robustness: kind, title, and what its levels are
PANELS = (("noise", "Gaussian noise", "Standard deviation"), ("occlusion", "Features hidden", "Share hidden (%)"),
          ("fgsm", "Own gradient", "Step along it"), ("transfer", "Another's gradient", "Step along it"))


def comparison_robustness(found: Comparison) -> list[Axes]:
    """Draw the score of each learner against the strength of each disturbance, from none on; means over runs.

    Noise and steps are in standard deviations of a feature.

    Returns the axes of a new figure. Raises ParameterError if robustness was not measured.
    """
    shown = [panel for panel in PANELS if levels(found, panel[0])]
    if not shown:
        raise ParameterError("comparison_robustness: it was not measured. Compare with measures='robustness'.")
    looks = dict(zip(found.learners, style.palette(len(found.learners))))
    fig, grid = style.figure(1, len(shown), width=style.TWO_COLUMNS, height=2.3 + 0.17*-(-len(looks)//4), sharey=True)
    factor = 1 if found.numbers else 100
    for ax, (kind, title, words) in zip(grid[0], shown):
        names = levels(found, kind)
        at = np.array([0.0, *(float(name.rpartition("_")[2]) for name in names)])*(100 if kind == "occlusion" else 1)
        for learner, (color, line) in looks.items():
            own = [found.measured(learner, name).mean for name in names]
            if not np.isnan(own).all():
                ax.plot(at, factor*np.array([found.interval(learner).mean, *own]), color=color, ls=line, lw=1.2)
        ax.set_title(title, loc="left", color=style.INK, fontsize=style.text_size(ax))
        ax.set_xlabel(words)
        ax.set_xlim(0, at[-1])
    # what is far below guessing says no more than that it is
    low, high = grid[0, 0].get_ylim()
    grid[0, 0].set_ylim(max(low, -1.0) if found.numbers else 0, min(high, factor*1.02))
    grid[0, 0].set_ylabel("R²" if found.numbers else "Right answers (%)")
    handles = [Line2D([], [], color=color, ls=line, lw=1.4, label=name) for name, (color, line) in looks.items()]
    fig.legend(handles=handles, loc="outside upper left", ncols=min(4, len(handles)), frameon=False,
               fontsize=style.text_size(grid[0, 0]))
    return list(grid[0])


def comparison_costs(found: Comparison, ax: Axes | None = None) -> Axes:
    """Draw how many weights an answer of each learner reads, and how many spikes it takes; means over runs.

    A diamond stands for multiply-accumulates, a dot for synaptic events with the products of input currents, a cross for
    spikes.  The axis is logarithmic.

    Arguments
        found: what ``neurosim.learning.compare`` returned
        ax: the axes to draw in; None for a new figure

    Returns the axes. Raises ParameterError if costs were not measured.
    """
    held = {name: tuple(found.measured(name, what).mean for what in ("products", "synaptic_events", "spikes"))
            for name in found.learners}
    held = {name: values for name, values in held.items() if not np.isnan(values[:2]).all()}
    if not held:
        raise ParameterError("comparison_costs: costs were not measured. Compare with measures='cost'.")
    order = sorted(held, key=lambda name: np.nansum(held[name][:2]))
    ax = style.open_axes(ax, width=style.TWO_COLUMNS, height=max(1.6, 0.9 + 0.2*len(held)))
    looks = dict(zip(found.learners, style.palette(len(found.learners))))
    ax.set_xscale("log")
    for row, name in enumerate(order):
        products, events, spikes = held[name]
        color = looks[name][0]
        if np.isnan(events):
            ax.plot(products, row, marker="D", ms=5, color=color)
        else:
            ax.plot(events + np.nan_to_num(products), row, marker="o", ms=5.5, color=color)
            ax.plot(spikes, row, marker="x", ms=5, mew=1.3, color=color)
    ax.set_yticks(range(len(order)), order)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(order) - 0.4, -0.6)
    ax.grid(axis="x", color=style.GREY, lw=style.FINE, alpha=0.5)
    ax.set_xlabel("For an answer, mean over samples")
    keys = [Line2D([], [], ls="none", marker=m, color=style.INK, ms=5, label=text)
            for m, text in (("D", "multiply-accumulates"), ("o", "synaptic events (and products of input currents)"),
                            ("x", "spikes"))]
    style.legend_above(ax, keys)
    return ax
