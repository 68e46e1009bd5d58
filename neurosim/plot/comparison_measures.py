"""What answers of learners cost, and how good they stay when samples are disturbed."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from neurosim.errors import ParameterError
from neurosim.learning.comparing.measured_sentences import levels
from neurosim.learning.comparing.result import Comparison
from neurosim.plot import style
from neurosim.plot.comparison_axes import MANY, looks

#: panels of the figure on robustness: kind, title, and what its levels are
PANELS = (("noise", "Gaussian noise", "Standard deviation"), ("occlusion", "Features hidden", "Share hidden (%)"),
          ("fgsm", "Own gradient", "Step along it"), ("transfer", "Another's gradient", "Step along it"))
#: colours from weak to strong disturbances
_STRENGTHS = ("#8FB8DE", "#3D7AB8", "#12304F")


def comparison_robustness(found: Comparison) -> list[Axes]:
    """Draw the score of each learner against the strength of each disturbance, from none on; means over runs.

    Noise and steps are in standard deviations of a feature.  More than 8 learners stand in rows, with a dot for each strength.

    Returns the axes of a new figure. Raises ParameterError if robustness was not measured.
    """
    shown = [panel for panel in PANELS if levels(found, panel[0])]
    if not shown:
        raise ParameterError("comparison_robustness: it was not measured. Compare with measures='robustness'.")
    return _rows(found, shown) if len(found.learners) > MANY else _lines(found, shown)


def _lines(found: Comparison, shown: list[tuple[str, str, str]]) -> list[Axes]:
    styles = looks(found)
    fig, grid = style.figure(1, len(shown), width=style.TWO_COLUMNS, height=2.3 + 0.17*-(-len(styles)//4), sharey=True)
    factor = 1 if found.numbers else 100
    for ax, (kind, title, words) in zip(grid[0], shown):
        names = levels(found, kind)
        at = np.array([0.0, *(float(name.rpartition("_")[2]) for name in names)])*(100 if kind == "occlusion" else 1)
        for learner, (color, line) in styles.items():
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
    handles = [Line2D([], [], color=color, ls=line, lw=1.4, label=name) for name, (color, line) in styles.items()]
    fig.legend(handles=handles, loc="outside upper left", ncols=min(4, len(handles)), frameon=False,
               fontsize=style.text_size(grid[0, 0]))
    return list(grid[0])


def _rows(found: Comparison, shown: list[tuple[str, str, str]]) -> list[Axes]:
    names, factor = list(found.learners), 1 if found.numbers else 100
    fig, grid = style.figure(1, len(shown), width=style.TWO_COLUMNS, height=0.9 + 0.16*len(names), sharey=True)
    for ax, (kind, title, words) in zip(grid[0], shown):
        found_levels = levels(found, kind)
        for row, name in enumerate(names):
            own = factor*np.array([found.interval(name).mean, *(found.measured(name, level).mean for level in found_levels)])
            if np.isnan(own[1:]).all():
                continue
            ax.plot([np.nanmin(own), np.nanmax(own)], [row, row], color=style.GREY, lw=style.FINE, zorder=1)
            ax.plot(own[0], row, marker="D", ms=3.8, mfc="white", mec=style.INK, mew=0.8, ls="none")
            for value, color in zip(own[1:], _STRENGTHS):
                ax.plot(value, row, marker="o", ms=3.8, mfc=color, mec="none", ls="none")
        values = [float(level.rpartition("_")[2])*(100 if kind == "occlusion" else 1) for level in found_levels]
        ax.set_title(f"{title}\n{words}: {', '.join(f'{v:g}' for v in values)}", loc="left", color=style.INK,
                     fontsize=style.text_size(ax))
        ax.set_xlabel("R²" if found.numbers else "Right answers (%)")
        low, high = ax.get_xlim()
        ax.set_xlim(max(low, -1.0) if found.numbers else 0, min(high, 1.03) if found.numbers else 103)
        ax.grid(axis="x", color=style.GREY, lw=style.FINE, alpha=0.35)
        ax.tick_params(axis="y", length=0)
    grid[0, 0].set_yticks(range(len(names)), names)
    grid[0, 0].set_ylim(len(names) - 0.4, -0.6)
    keys = [Line2D([], [], ls="none", marker="D", ms=3.8, mfc="white", mec=style.INK, mew=0.8, label="undisturbed")]
    keys += [Line2D([], [], ls="none", marker="o", ms=3.8, mfc=color, mec="none", label=text)
             for color, text in zip(_STRENGTHS, ("weak", "medium", "strong"))]
    fig.legend(handles=keys, loc="outside upper left", ncols=4, frameon=False, fontsize=style.text_size(grid[0, 0]))
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
    styles = looks(found)
    ax.set_xscale("log")
    for row, name in enumerate(order):
        products, events, spikes = held[name]
        color = styles[name][0]
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
