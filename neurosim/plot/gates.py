"""Gating variables against time, alone or under the action potential they shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from neurosim.errors import ParameterError
from neurosim.plot import style
from neurosim.plot.inputs import envelope, samples_of, time_limits
from neurosim.plot.voltage import voltage


class ActionPotentialAxes(NamedTuple):
    """Axes of the membrane potential and of the gates below it."""

    voltage: Axes
    gates: Axes


def gates(
    traces: Any,
    neuron: int | None = None,
    ax: Axes | None = None,
    window: tuple[float, float] | None = None,
    *,
    label: str | None = None,
    color: Any = None,
) -> Axes:
    """Draw gating variables (the open parts m, h, n of channels, from 0 to 1) of one neuron against time.

    Arguments
        traces: dict of name to trace (`times` ms, `values` (n_times, n_neurons)), or a list of traces
        neuron: number of the neuron, as in ``trace.neurons``; None for the first recorded
        ax: the axes to draw in; None for a new figure
        window: (start, stop) in ms; None for the whole recording
        label: what precedes each gate's name in the legend
        color: colour of every line; None for the palette, with line styles so that gates are told apart in
            grey

    Returns the axes. Raises ParameterError for no traces, a neuron not recorded, or a trace that has a unit.
    """
    named = _named(traces)
    ax = style.open_axes(ax, style.MID_COLUMN, 2.2)
    lowest, highest = 0.0, 1.0
    for (name, trace), (shade, line) in zip(named.items(), _looks(len(named)), strict=True):
        data = samples_of(trace, neuron, window, f"traces[{name!r}]")
        if data.unit not in ("", "1"):
            raise ParameterError(
                f"trace {name!r} is in {data.unit}, and a gating variable has no unit. "
                "Pass gates only; ns.plot.voltage draws the rest."
            )
        if data.neurons.size == 0:
            raise ParameterError(f"trace {name!r} holds no neuron. Record at least one with a Probe.")
        x, y = envelope(data.times, data.values[:, 0].astype(np.float64))
        text = f"{label} {name}" if label else name
        ax.plot(
            x,
            y,
            color=shade if color is None else style.line_color(ax, color),
            ls=line,
            lw=style.LINE,
            label=text,
        )
        if np.isfinite(y).any():
            lowest, highest = min(lowest, float(np.nanmin(y))), max(highest, float(np.nanmax(y)))
        limits = time_limits(data.times)
        if limits is not None:
            ax.set_xlim(*limits)
    ax.set_ylim(lowest - 0.02, highest + 0.02)
    ax.set_xlabel("Time (ms)")
    ax.set_ylabel("Gating variable")
    style.legend_above(ax, columns=6)
    return ax


def _looks(n: int) -> list[tuple[str, Any]]:
    lines: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (5, 1.5, 1.2, 1.5)))
    # The first colour is that of the membrane potential, which often stands above.
    return [(style.palette(7)[(k + 1) % 7][0], lines[k % 4]) for k in range(n)]


def _named(traces: Any) -> dict[str, Any]:
    if isinstance(traces, Mapping):
        named = {str(name): trace for name, trace in traces.items()}
    elif hasattr(traces, "values"):
        named = {str(getattr(traces, "variable", "") or "gate"): traces}
    elif isinstance(traces, list | tuple):
        named = {str(getattr(trace, "variable", "") or f"gate {k}"): trace for k, trace in enumerate(traces)}
    else:
        raise ParameterError(
            f"traces is {type(traces).__name__}. Pass a dict of name to trace, such as "
            '{"m": result.traces["m"], "h": result.traces["h"]}.'
        )
    if not named:
        raise ParameterError(
            "no traces of gates were given. Record some with a Probe, and pass them by name."
        )
    return named


def action_potential(
    v_trace: Any,
    gate_traces: Any,
    neuron: int | None = None,
    window: tuple[float, float] | None = None,
    ax: Any = None,
    *,
    label: str | None = None,
    color: Any = None,
) -> ActionPotentialAxes:
    """Draw the membrane potential of one neuron above its gating variables, on one time axis.

    Arguments
        v_trace: trace of the membrane potential: `times` (ms), `values` (n_times, n_neurons) in mV
        gate_traces: as `traces` of `gates`
        neuron: number of the neuron; None for the first recorded in each trace
        window: (start, stop) in ms; None for the whole recording
        ax: a pair of axes (voltage, gates); None for a new figure
        label, color: name in the legend and colour of the membrane potential

    Returns the pair (voltage, gates) of axes. Raises ParameterError as `voltage` and `gates` do.
    """
    data = samples_of(v_trace, neuron, window, "v_trace")
    if data.neurons.size == 0:
        raise ParameterError("v_trace holds no neuron. Record at least one with a Probe.")
    named = _named(gate_traces)
    if ax is None:
        _, panels = style.figure(2, 1, width=style.ONE_COLUMN, height=3.4, sharex=True)
        upper, lower = panels[0, 0], panels[1, 0]
    else:
        pair = list(np.ravel(np.asarray(ax, dtype=object)))
        if len(pair) != 2:
            raise ParameterError(f"ax holds {len(pair)} axes; the pair (voltage, gates) is needed.")
        upper, lower = (style.open_axes(one) for one in pair)
    first = data.neurons[0] if neuron is None else neuron
    voltage(v_trace, neurons=[first], ax=upper, window=window, label=label, color=color)
    gates(named, neuron, lower, window)
    upper.set_xlabel("")
    upper.tick_params(axis="x", labelbottom=False)
    return ActionPotentialAxes(upper, lower)
