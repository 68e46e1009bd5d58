"""Histograms of in-degrees and out-degrees, with the law that a rule of connection implies."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from neurosim.errors import ParameterError, listing
from neurosim.plot import style
from neurosim.plot.distributions import count_ticks, histogram_edges, looks_of
from neurosim.plot.wiring import Wiring, degrees_of, wiring_of

_DIRECTIONS = ("in", "out", "both")
#: Bins of two distributions at most.
MOST_BINS = 400
_LAWS = ("bernoulli", "total")


def degree_histogram(
    connections: Any,
    direction: str = "both",
    bins: Any = 40,
    ax: Axes | None = None,
    *,
    law: Any = None,
    color: Any = None,
) -> Axes:
    """Draw how many neurons have how many connections, and how many a law would have expected.

    With C connections from n_pre sources to n_post targets, the laws of the degree k are

        "bernoulli"  in: Binomial(n_pre, p), out: Binomial(n_post, p), p = C / (n_pre n_post): each pair apart
        "total"      in: Binomial(C, 1 / n_post), out: Binomial(C, 1 / n_pre): C connections drawn with repetition

    and the expected number of neurons in a bin is their number times the probability of the degrees in it.

    Arguments
        connections: of one projection, such as ``result.connections["E->I"]``: `pre`, `post`, `n_pre`, `n_post`
        direction: "in" (connections onto each target), "out" (from each source) or "both"
        bins: number of bins, about (bins hold whole numbers of degrees), or their edges
        ax: the axes to draw in; None for a new figure
        law: "bernoulli", "total", or anything with ``cdf(k)``, such as ``scipy.stats.poisson(100)``; drawn as a line
        color: colour, for "both" a sequence of two; None for blue (in) and vermillion (out)

    Returns the axes. Raises ParameterError for what holds no connections, and an unknown direction or law.
    """
    wiring = wiring_of(connections)
    if direction not in _DIRECTIONS:
        raise ParameterError(f"direction={direction!r} is unknown. Known: {listing(_DIRECTIONS)}.")
    if not (law is None or law in _LAWS if isinstance(law, str | None) else callable(getattr(law, "cdf", None))):
        raise ParameterError(f"law={law!r} is unknown. Known: {listing(_LAWS)}; or a distribution with cdf, of scipy.stats.")
    wanted = ["in", "out"] if direction == "both" else [direction]
    looks = [style.PALETTE[_DIRECTIONS.index(each)] for each in wanted] if color is None else looks_of(color, wanted)
    degrees = {each: degrees_of(wiring, each) for each in wanted}
    edges = _edges(bins, [d for d in degrees.values() if d.size])
    ax = style.open_axes(ax)
    highest = 0.0
    for (each, values), shade in zip(degrees.items(), looks, strict=True):
        counts = np.histogram(values, edges)[0]
        mean, sd = (float(values.mean()), float(values.std())) if values.size else (0.0, 0.0)
        named = f"{each}-degree: {mean:.4g} ± {sd:.3g}"
        ax.stairs(counts, edges, fill=True, color=shade, alpha=0.22, lw=0)
        ax.stairs(counts, edges, color=shade, lw=style.LINE, label=named)
        highest = max(highest, float(counts.max(initial=0)))
        if law is not None:
            distribution = _law(law, wiring, each)
            # Edges stand half way between whole degrees: the bin holds what is above one and up to the next.
            expected = values.size * np.diff(distribution.cdf(np.floor(edges)))
            ax.plot(0.5 * (edges[1:] + edges[:-1]), expected, color=style.INK, lw=style.FINE, ls="-" if each == "in" else "--",
                    label="expected" if len(wanted) == 1 else f"expected ({each})")
            highest = max(highest, float(expected.max(initial=0.0)))
    ax.set_xlim(edges[0], edges[-1])
    ax.set_ylim(0, 1.06 * highest or 1.0)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    count_ticks(ax)
    ax.set_xlabel("Connections of a neuron" if direction == "both" else f"{direction.capitalize()}-degree")
    ax.set_ylabel("Number of neurons")
    style.legend_above(ax, columns=2)
    return ax


def _edges(bins: Any, degrees: list[np.ndarray]) -> np.ndarray:
    """Return common edges, half way between whole degrees, fine enough for the narrower of two distributions."""
    low, high = (min(int(d.min()) for d in degrees), max(int(d.max()) for d in degrees)) if degrees else (0, 1)
    # A margin shows that a bar at the end is whole.
    margin = max(round(0.02 * (high - low)), 2) if high - low < 3 or len(degrees) > 1 else 0
    edges = histogram_edges(bins, float(low), float(high), quantum=1.0)
    if np.ndim(bins) == 1:
        return edges
    spans = [int(np.ptp(d)) + 1 for d in degrees if np.ptp(d)] or [1]
    wide = max(min(round(2 * min(spans) / bins), int(edges[1] - edges[0])), -(-(high - low) // MOST_BINS), 1)
    first = low - margin - 0.5
    return first + wide * np.arange(-(-(high + margin + 1 - (low - margin)) // wide) + 1)


def _law(law: Any, wiring: Wiring, direction: str) -> Any:
    if not isinstance(law, str):
        return law
    from scipy.stats import binom

    own, other = (wiring.n_post, wiring.n_pre) if direction == "in" else (wiring.n_pre, wiring.n_post)
    n = wiring.pre.size
    if law == "total":
        return binom(n, 1.0 / max(own, 1))
    p = n / max(own * other, 1)
    if p > 1:
        raise ParameterError(
            f"law='bernoulli' needs at most one connection a pair; here are {n:,} of {own * other:,} pairs. Use law='total'."
        )
    return binom(other, p)
