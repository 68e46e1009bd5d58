"""Predictive coding: how F falls during inference, and how near each layer's learning is to backpropagation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from neurosim.errors import ParameterError
from neurosim.plot import style
from neurosim.plot.ensembles import subscript


def inference_energy(
    energies: Any,
    ax: Axes | None = None,
    *,
    label: str | None = None,
    color: Any = None,
    log: bool = True,
) -> Axes:
    """Draw how F falls while a network settles: the mean over samples, and a band from the 5th to the 95th percentile.

    Arguments
        energies: F of each sample after every iteration, (iterations + 1, rows), or a state that ``predictive.settle(...,
            record=True)`` returned
        ax: the axes to draw in; None for a new figure
        label, color: name and colour of the line; None for the next colour of the axes
        log: a logarithmic axis of F, unless F is 0 somewhere

    Returns the axes. Raises ParameterError for a state without record, wrong shapes, and values that are not finite.
    """
    if hasattr(energies, "energies"):
        if energies.energies is None:
            raise ParameterError("inference_energy: the state has no record of F: give record=True to settle.")
        energies = energies.energies
    values = _finite(energies, "energies")
    if values.ndim == 1:
        values = values[:, None]
    if values.ndim != 2 or not values.size:
        raise ParameterError(f"inference_energy: energies has shape {values.shape}; (iterations + 1, rows) is needed, with "
                             "samples.")
    ax = style.open_axes(ax)
    shade = style.line_color(ax, color)
    x, mean = np.arange(len(values)), values.mean(axis=1)
    if values.shape[1] > 2:
        low, high = np.percentile(values, [5, 95], axis=1)
        ax.fill_between(x, low, high, color=shade, alpha=0.2, lw=0)
    ax.plot(x, mean, color=shade, lw=style.LINE, label=label)
    if log and values.min() > 0:
        ax.set_yscale("log")
    ax.set(xlabel="Iteration", ylabel="F")
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    if values.shape[1] > 2:
        style.note_above(ax, f"mean and 90 % of {values.shape[1]:,} samples" if label is None else "")
    if label:
        style.legend_above(ax)
    return ax


def layer_cosines(
    cosines: Any,
    x: Any = None,
    ax: Axes | None = None,
    *,
    xlabel: str = "Iterations of inference",
    names: list[str] | None = None,
) -> Axes:
    """Draw the cosine between what each layer learns and the gradient of backpropagation.

    Arguments
        cosines: (L,), what ``predictive.cosines`` returned, as bars; or (n, L), as lines over `x`; or a dict of name to (L,),
            as groups of bars
        x: (n,) for lines; None for 0, 1, 2 ...
        ax: the axes to draw in; None for a new figure
        xlabel: what x is
        names: of the layers; None for their numbers, the predicted end first

    Returns the axes. Raises ParameterError for shapes that do not fit, and values beyond -1 and 1.
    """
    groups = dict(cosines) if isinstance(cosines, Mapping) else {None: cosines}
    arrays = [np.asarray(v, dtype=float) for v in groups.values()]
    shapes = {a.shape for a in arrays}
    if len(shapes) != 1 or arrays[0].ndim not in (1, 2) or not arrays[0].size or (len(arrays) > 1 and arrays[0].ndim == 2):
        raise ParameterError(f"layer_cosines: shapes {sorted(shapes)}; (L,), (n, L) or a dict of (L,) is needed.")
    # NaN stands for a layer that learns nothing
    if any(np.nanmax(np.abs(a), initial=0.0) > 1 + 1e-9 for a in arrays):
        raise ParameterError("layer_cosines: a cosine lies between -1 and 1.")
    n_layers = arrays[0].shape[-1]
    names = [f"M{subscript(i)}" for i in range(n_layers)] if names is None else list(names)
    if len(names) != n_layers:
        raise ParameterError(f"layer_cosines: {len(names)} names for {n_layers} layers.")
    ax = style.open_axes(ax)
    if arrays[0].ndim == 2:
        at = np.arange(len(arrays[0])) if x is None else _finite(x, "x")
        if at.shape != (len(arrays[0]),):
            raise ParameterError(f"layer_cosines: x has shape {at.shape} for {len(arrays[0])} rows of cosines.")
        for (shade, line), name, values in zip(style.palette(n_layers), names, arrays[0].T):
            ax.plot(at, values, color=shade, ls=line, lw=style.LINE, label=name)
        ax.set_xlabel(xlabel)
        style.legend_above(ax)
    else:
        width = 0.8 / len(arrays)
        for k, ((shade, _), name, values) in enumerate(zip(style.palette(len(arrays)), groups, arrays)):
            ax.bar(np.arange(n_layers) + (k - (len(arrays) - 1) / 2) * width, values, width, color=shade, label=name)
        ax.set_xticks(np.arange(n_layers), names)
        ax.set_xlabel("Weights")
        if len(arrays) > 1:
            style.legend_above(ax)
    lowest = min(0.0, *(float(np.nanmin(a, initial=0.0)) for a in arrays))
    ax.set_ylim(lowest * 1.05, 1.05)
    ax.axhline(1.0, color=style.GREY, lw=style.FINE, ls="--", zorder=0)
    ax.set_ylabel("Cosine with backprop")
    return ax


def _finite(values: Any, name: str) -> np.ndarray:
    array = np.asarray(values, dtype=float)
    if not np.isfinite(array).all():
        raise ParameterError(f"{name} holds NaN or infinity. Draw finite values.")
    return array
