"""Colours of signs: excitatory and inhibitory populations, positive and negative values.

Blue and vermillion of the palette of Okabe and Ito, which keep apart for every kind of colour vision.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize

from neurosim.plot import style

#: Colours of excitatory, inhibitory and other populations; of what is greater and less than zero.
EXCITATORY, INHIBITORY, OTHER = style.PALETTE[0], style.PALETTE[1], "#6E6E6E"

_INHIBITORY = re.compile(r"(^|[^A-Za-z])[Ii]\d*$|inh|interneuron|basket|gaba|(^|[^A-Za-z])(PV|SOM|SST|VIP|FS)($|[^A-Za-z])")
_EXCITATORY = re.compile(r"(^|[^A-Za-z])[Ee]\d*$|exc|pyramid|principal|(^|[^A-Za-z])(Pyr|PY|RS)($|[^A-Za-z])")


def diverging() -> Colormap:
    """Return the map of values of both signs: vermillion below zero, white at zero, blue above."""
    shades = LinearSegmentedColormap.from_list("signs", ["#7A2E00", INHIBITORY, "#FFFFFF", EXCITATORY, "#00324F"])
    return shades.with_extremes(bad="#D9D9D9")


def norm_of(values: np.ndarray, percentile: float = 100.0) -> tuple[Normalize, Colormap | str]:
    """Return limits and colour map for values: from zero on for one sign, symmetric about zero for both.

    Arguments
        values: any shape; NaN is left out
        percentile: of the magnitudes, at which the colours end; less than 100 lets a few values saturate
    """
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    size = float(np.percentile(np.abs(known), percentile)) if known.size else 0.0
    size = size or max(abs(low), abs(high)) or 1.0
    if low < 0 < high:
        return Normalize(-size, size), diverging()
    return (Normalize(-size, 0.0), f"{style.COLORMAP}_r") if low < 0 else (Normalize(0.0, size), style.COLORMAP)


def sign_of_name(name: str) -> int:
    """Return -1 for the usual names of inhibitory populations ("I", "L4I", "PV"), 1 of excitatory ones, else 0."""
    return -1 if _INHIBITORY.search(name) else 1 if _EXCITATORY.search(name) else 0


def color_of(sign: float) -> str:
    """Return the colour of a sign: excitatory above zero, inhibitory below, grey at zero."""
    return EXCITATORY if sign > 0 else INHIBITORY if sign < 0 else OTHER


def population_signs(source: Any) -> dict[str, int]:
    """Return 1 (excitatory), -1 (inhibitory) or 0 (not known, or both) for each population, by name.

    Arguments
        source: a network, a result, a mapping by population name, or names. Of a network, the signs of the
            weights of what leaves a population decide; elsewhere, and for a population that nothing leaves, its
            name.
    """
    network = getattr(source, "network", None) or source
    projections = getattr(network, "projections", None)
    if projections is None or not hasattr(network, "populations"):
        names = getattr(source, "spikes", source)
        names = [names] if isinstance(names, str) else list(names)
        return {str(name): sign_of_name(str(name)) for name in names}
    found: dict[int, set[int]] = {id(population): set() for population in network.populations}
    for projection in items_of(projections):
        sign = int(np.sign(getattr(projection, "weight_sign", 0) or 0))
        for view in projection.sources:
            population = getattr(view, "population", view)
            if sign and id(population) in found:
                found[id(population)].add(sign)
    signs = {}
    for population in network.populations:
        name, own = name_in(network, population), found[id(population)]
        signs[name] = own.pop() if len(own) == 1 else sign_of_name(name) if not own else 0
    return signs


def population_colors(source: Any) -> list[str]:
    """Return a colour for each population: blue excitatory, vermillion inhibitory, grey where it is not known.

    Arguments
        source: as for `population_signs`: a network, a result, a mapping by population name, or names

    ``raster(result, color=population_colors(result))`` draws a network in two colours.
    """
    signs = population_signs(source)
    shown = getattr(source, "spikes", None)
    names = [str(name) for name in shown] if isinstance(shown, Mapping) else list(signs)
    return [color_of(signs[name] if name in signs else sign_of_name(name)) for name in names]


def name_in(network: Any, population: Any) -> str:
    """Return the name of a population, or projection, in the results of a network."""
    name_of = getattr(network, "name_of", None)
    return str(name_of(population) if callable(name_of) else population.name)


def items_of(projections: Any) -> Iterable[Any]:
    """Return the projections of a list, or of a mapping by name."""
    return projections.values() if isinstance(projections, Mapping) else projections
