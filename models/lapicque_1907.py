"""The integrate-and-fire neuron of Lapicque (1907): a leaky condenser that is excited at a fixed voltage.

    tau_m dv/dt = -(v - v_rest) + r_m i,   spike where v exceeds v_th, then v <- v_reset, held for t_ref

A pulse of current of duration d excites if it is stronger than (Lapicque's exponential law)

    i_th(d) = i_rh/(1 - exp(-d/tau_m)),   rheobase i_rh = (v_th - v_rest)/r_m,   chronaxie tau_m ln 2,

the chronaxie being the duration at which twice the rheobase is needed. A lasting current i > i_rh fires at
the rate

    f(i) = 1/(t_ref + tau_m ln((v_inf - v_reset)/(v_inf - v_th))),   v_inf = v_rest + r_m i,

which is no part of the paper of 1907 but of the neuron that grew from it.

Source: L. Lapicque (1907), J. Physiol. Pathol. Gen. 9, 620-635, translated by N. Brunel and M. C. W. van
Rossum, Biol. Cybern. 97, 341-349, doi:10.1007/s00422-007-0189-6; the firing rate: B. W. Knight (1972), J.
Gen. Physiol. 59, 734-766, doi:10.1085/jgp.59.6.734.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import exp, log

import numpy as np

import neurosim as ns
from neurosim.published import Number, Outcome, Reference

from ._dynamics import steady_rates
from ._figures import legend, letters, mark, title

_PULSE = "exponential law; the threshold is bisected to 1e-9 and pulses are whole steps"
_RATE = "closed form; a spike waits for the end of its step, so that an interval is up to dt = 0.01 ms longer"
REFERENCE = Reference(
    citation="L. Lapicque (1907), Recherches quantitatives sur l'excitation électrique des nerfs traitée "
    "comme une polarisation, J. Physiol. Pathol. Gen. 9, 620-635",
    doi="10.1007/s00422-007-0189-6",
    numbers={
        "rheobase": Number(
            1.5,
            1e-6,
            "nA",
            "(v_th - v_rest)/r_m, the least lasting current that excites: a pulse of 40 tau_m, bisected to "
            "1e-9.",
        ),
        "chronaxie": Number(
            10 * log(2),
            1e-5,
            "ms",
            "tau_m ln 2, with tau_m solved for in each measured threshold, and averaged; errors of 1e-9 in "
            "thresholds near the rheobase are blown up by that.",
        ),
        "threshold_1": Number(1.5 / (1 - exp(-0.1)), 1e-6, "nA", f"Pulse of 1 ms: {_PULSE}."),
        "threshold_10": Number(1.5 / (1 - exp(-1.0)), 1e-6, "nA", f"Pulse of 10 ms: {_PULSE}."),
        "charge_0_1": Number(
            0.15 / (1 - exp(-0.01)),
            1e-6,
            "pC",
            f"Charge of a pulse of 0.1 ms, near Weiss' limit i_rh tau_m of short pulses: {_PULSE}.",
        ),
        "law_error": Number(
            0.0, 1e-7, "", f"Greatest relative deviation from the law over all durations: {_PULSE}."
        ),
        "rate_1_5": Number(0.0, 0.0, "Hz", "At the rheobase the neuron never reaches its threshold."),
        "rate_2": Number(1000 / (2 + 10 * log(20 / 5)), 0.04, "Hz", f"2 nA: {_RATE}."),
        "rate_3": Number(1000 / (2 + 10 * log(30 / 15)), 0.13, "Hz", f"3 nA: {_RATE}."),
        "rate_10": Number(1000 / (2 + 10 * log(100 / 85)), 0.76, "Hz", f"10 nA: {_RATE}."),
        "count_error": Number(
            0.0,
            0.0,
            "",
            "Greatest difference, over 80 currents, between the number of spikes and that of the closed "
            "form with intervals rounded up to whole steps: an exact integrator is exact.",
        ),
    },
)

CELLS = "cells"


def _unit(default: float, unit: str):
    return field(default=default, metadata={"unit": unit})


@dataclass(frozen=True)
class Parameters:
    """Constants of the neuron and the protocol.

    tau_m: membrane time constant (ms), 10. r_m: resistance (MOhm), 10. v_rest, v_th, v_reset: rest, threshold
    and reset (mV), -65, -50, -65. t_ref: refractory period (ms), 2. current: step of the main network (nA),
    2. dt: time step (ms), 0.01. rate_duration: length of the runs in which rates are measured (ms), 2000.
    """

    tau_m: float = _unit(10.0, "ms")
    r_m: float = _unit(10.0, "MOhm")
    v_rest: float = _unit(-65.0, "mV")
    v_th: float = _unit(-50.0, "mV")
    v_reset: float = _unit(-65.0, "mV")
    t_ref: float = _unit(2.0, "ms")
    current: float = _unit(2.0, "nA")
    dt: float = _unit(0.01, "ms")
    rate_duration: float = _unit(2000.0, "ms")


def _model(p: Parameters) -> ns.NeuronModel:
    return ns.LIF(tau_m=p.tau_m, r_m=p.r_m, v_rest=p.v_rest, v_th=p.v_th, v_reset=p.v_reset, t_ref=p.t_ref)


def rheobase(p: Parameters = Parameters()) -> float:
    """Return the least lasting current that excites (nA)."""
    return (p.v_th - p.v_rest) / p.r_m


def threshold(duration, p: Parameters = Parameters()) -> np.ndarray:
    """Return the least current (nA) of a pulse of `duration` (ms) that excites."""
    return rheobase(p) / -np.expm1(-np.asarray(duration, dtype=float) / p.tau_m)


def rate(current, p: Parameters = Parameters()) -> np.ndarray:
    """Return the firing rate (Hz) at a lasting current (nA)."""
    v = p.v_rest + p.r_m * np.asarray(current, dtype=float)
    fires = v > p.v_th
    safe = np.where(fires, v, p.v_th + 1.0)
    return np.where(fires, 1000 / (p.t_ref + p.tau_m * np.log((safe - p.v_reset) / (safe - p.v_th))), 0.0)


def build(parameters: Parameters = Parameters()) -> ns.Network:
    """Return one neuron that gets the step of current from 10 ms on, with its voltage."""
    cells = ns.Population(1, _model(parameters), name=CELLS)
    every = max(1, round(0.1 / parameters.dt)) * parameters.dt
    return ns.Network(
        [cells],
        stimuli=[ns.Step(parameters.current, target=cells, start=10.0)],
        probes=[ns.Probe(cells, "v", every=every, name="v")],
    )


def run(
    parameters: Parameters = Parameters(),
    *,
    duration: float | None = None,
    seed: int = 0,
    threads: int = 1,
    progress=None,
) -> Outcome:
    """Run all experiments of this module; `duration` (ms) is that of the main network, 100 if None."""
    p = parameters
    options = dict(dt=p.dt, threads=threads, progress=progress)
    main = ns.simulate(build(p), 100.0 if duration is None else duration, seed=seed, **options)
    measured, results = {}, {"main": main}
    for experiment in (_strength_duration, _traces, _rates):
        numbers, kept = experiment(p, options)
        measured |= numbers
        results |= kept
    return Outcome(measured, results, p)


def _pulse(cells: ns.Population, amplitude, width, dt: float) -> ns.Waveform:
    """Return a pulse from 0 to `width` for each neuron; a quarter of a step keeps rounding from its end."""
    return ns.Waveform(
        "amplitude*where(t < end, 1, 0)",
        target=cells,
        parameters={"amplitude": amplitude, "end": np.asarray(width) - 0.25 * dt},
    )


def _strength_duration(p: Parameters, options: dict):
    """Bisect the least current for every duration at once, one neuron for each."""
    wanted = np.concatenate([np.geomspace(0.05, 100.0, 24), [0.1, 1.0, 10.0]]) * p.tau_m / 10.0
    width = np.r_[np.unique(np.round(wanted / p.dt)) * p.dt, 40.0 * p.tau_m]
    low, high = np.zeros(width.size), 4.0 * threshold(width, p)
    cells = ns.Population(width.size, _model(p), name=CELLS)
    while np.max((high - low) / high) > 1e-9:
        middle = 0.5 * (low + high)
        net = ns.Network([cells], stimuli=[_pulse(cells, middle, width, p.dt)])
        fired = ns.simulate(net, width[-1], **options).spikes[CELLS].counts() > 0
        low, high = np.where(fired, low, middle), np.where(fired, middle, high)
    found = 0.5 * (low + high)
    i_rh, width, found = float(found[-1]), width[:-1], found[:-1]
    tau = -width / np.log1p(-i_rh / found)
    short, one, ten = (int(np.argmin(np.abs(width - x * p.tau_m / 10))) for x in (0.1, 1.0, 10.0))
    measured = {
        "rheobase": i_rh,
        "chronaxie": float(np.mean(tau) * log(2)),
        "threshold_1": float(found[one]),
        "threshold_10": float(found[ten]),
        "charge_0_1": float(found[short] * width[short]),
        "law_error": float(np.max(np.abs(found / threshold(width, p) - 1))),
    }
    return measured, {"pulse_width": width, "pulse_threshold": found}


def _traces(p: Parameters, options: dict):
    """Pulses 2 % below and above the threshold, for two durations."""
    width = np.repeat([0.2 * p.tau_m, p.tau_m], 2)
    cells = ns.Population(4, _model(p), name=CELLS)
    amplitude = threshold(width, p) * np.tile([0.98, 1.02], 2)
    every = max(1, round(0.05 / p.dt)) * p.dt
    net = ns.Network(
        [cells],
        stimuli=[_pulse(cells, amplitude, width, p.dt)],
        probes=[ns.Probe(cells, "v", every=every, name="v")],
    )
    result = ns.simulate(net, 4.0 * p.tau_m, **options)
    return {}, {
        "pulse_trace": result.traces["v"],
        "pulse_spikes": result.spikes[CELLS],
        "pulse_trace_width": width,
    }


def _rates(p: Parameters, options: dict):
    named = np.array([1.0, 4 / 3, 2.0, 20 / 3])
    i = np.concatenate([named, np.linspace(0.8, 7.0, 76)]) * rheobase(p)
    curves = {}
    for t_ref in (p.t_ref, 0.0):
        cells = ns.Population(i.size, _model(p).with_parameters(t_ref=t_ref), name=CELLS)
        net = ns.Network([cells], stimuli=[ns.DC(i, target=cells)])
        spikes = ns.simulate(net, p.rate_duration, **options).spikes[CELLS]
        curves[t_ref] = spikes
    found, expected = steady_rates(curves[p.t_ref], 0.0), rate(i, p)
    fires = expected > 0
    interval = np.ceil((1000.0 / np.where(fires, expected, 1.0) - p.t_ref) / p.dt - 1e-6) * p.dt + p.t_ref
    # the first interval has no refractory period before it
    count = np.where(fires, np.floor((p.rate_duration + p.t_ref) / interval + 1e-9), 0.0)
    error = np.max(np.abs(curves[p.t_ref].counts() - count))
    measured = {
        "rate_1_5": float(found[0]),
        "rate_2": float(found[1]),
        "rate_3": float(found[2]),
        "rate_10": float(found[3]),
        "count_error": float(error),
    }
    return measured, {
        "fi_current": i[4:],
        "fi_rate": found[4:],
        "fi_rate_free": steady_rates(curves[0.0], 0.0)[4:],
    }


def figure(outcome: Outcome):
    """Return the figure: pulses below and above threshold, strength-duration curve, spikes, tuning curve."""
    r, p, m = outcome.results, outcome.parameters, outcome.measured
    colors = ns.plot.PALETTE
    fig, axes = ns.plot.figure(2, 2, width=5.6, height=4.4)
    (a, b), (c, d) = axes

    trace, spikes = r["pulse_trace"], r["pulse_spikes"]
    for k, (color, style) in enumerate(
        zip((colors[0], colors[0], colors[1], colors[1]), ("--", "-", "--", "-"))
    ):
        a.plot(
            trace.times,
            trace.values[:, k],
            color=color,
            ls=style,
            lw=1.1,
            label=f"{r['pulse_trace_width'][k]:g} ms" if k % 2 else None,
        )
        for time in spikes[k]:
            a.plot([time, time], [p.v_th, p.v_th + 8.0], color=color, lw=1.1)
    a.axhline(p.v_th, color="#8C8C8C", lw=0.7, ls=":")
    a.set(xlabel="Time (ms)", ylabel="Membrane potential (mV)", xlim=(0, 4 * p.tau_m))
    legend(a, "upper right", title="pulse of", title_fontsize=6)
    title(a, "2 % below (dashed) and above threshold")

    d_ = np.geomspace(r["pulse_width"][0], r["pulse_width"][-1], 200)
    b.plot(d_, threshold(d_, p), color=colors[0], lw=1.1, label="Lapicque's law")
    b.plot(
        r["pulse_width"],
        r["pulse_threshold"],
        ls="",
        marker="o",
        ms=3.6,
        mfc="none",
        mec="#262626",
        mew=0.7,
        label="measured",
    )
    b.axhline(m["rheobase"], color="#8C8C8C", lw=0.7, ls=":")
    b.annotate(
        "rheobase",
        xy=(d_[0], m["rheobase"]),
        xytext=(0, -2),
        textcoords="offset points",
        va="top",
        fontsize=6,
        color="#595959",
    )
    b.plot(
        [d_[0], m["chronaxie"], m["chronaxie"]],
        [2 * m["rheobase"], 2 * m["rheobase"], 0.6 * m["rheobase"]],
        color=colors[1],
        lw=0.8,
        ls="--",
    )
    b.annotate(
        f"chronaxie {m['chronaxie']:.2f} ms",
        xy=(m["chronaxie"], 2 * m["rheobase"]),
        xytext=(4, 3),
        textcoords="offset points",
        fontsize=6,
        color=colors[1],
    )
    b.set(
        xscale="log",
        yscale="log",
        xlabel="Pulse duration (ms)",
        ylabel="Threshold current (nA)",
        ylim=(0.6 * m["rheobase"], 1.5 * r["pulse_threshold"].max()),
    )
    legend(b, "upper right")
    title(b, "Strength and duration")

    main = r["main"]
    ns.plot.voltage(main.traces["v"], main.spikes[CELLS], ax=c, spike_height=p.v_th + 30.0, color=colors[0])
    title(c, f"Step to {p.current:g} nA")

    i = np.linspace(r["fi_current"][0], r["fi_current"][-1], 600)
    free = Parameters(p.tau_m, p.r_m, p.v_rest, p.v_th, p.v_reset, 0.0)
    for value, key, color, name in (
        (free, "fi_rate_free", colors[1], "no refractory period"),
        (p, "fi_rate", colors[0], f"refractory for {p.t_ref:g} ms"),
    ):
        d.plot(i, rate(i, value), color=color, lw=1.1, label=name)
        d.plot(
            r["fi_current"][::4], r[key][::4], ls="", marker="o", ms=3.2, mfc="none", mec="#262626", mew=0.7
        )
    d.plot([], [], ls="", marker="o", ms=3.2, mfc="none", mec="#262626", mew=0.7, label="measured")
    mark(d, m["rheobase"], "rheobase", y=0.9)
    d.set(xlabel="Current (nA)", ylabel="Firing rate (Hz)", ylim=(-0.02 * d.get_ylim()[1], None))
    legend(d, "lower right", bbox_to_anchor=(1.0, 0.02))
    title(d, "Tuning curve")
    letters((a, b, c, d))
    return fig
