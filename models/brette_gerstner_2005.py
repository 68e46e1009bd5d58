"""The adaptive exponential integrate-and-fire neuron of Brette and Gerstner (2005), and its firing patterns.

    c_m dv/dt   = -g_l (v - e_l) + g_l delta_t exp((v - v_t)/delta_t) - w + i
    tau_w dw/dt = a (v - e_l) - w
    spike if v > v_cut:  v <- v_reset, w <- w + b

v in mV, w and i in nA (pA in the tables of the papers), c_m in nF, g_l and a in uS, t in ms.

With tau_m = c_m/g_l, rest loses stability at a Hopf point if a/g_l > tau_m/tau_w, where

    v = v_t + delta_t ln(1 + tau_m/tau_w),   i = (g_l + a)(v - e_l) - g_l delta_t (1 + tau_m/tau_w),

and else at a saddle node, where v = v_t + delta_t ln(1 + a/g_l), i = (g_l + a)(v - e_l - delta_t) (Touboul &
Brette 2008). The constants of Brette & Gerstner (2005) make it a Hopf point.

Source: R. Brette, W. Gerstner (2005), doi:10.1152/jn.00686.2005. Patterns: R. Naud, N. Marcille, C. Clopath,
W. Gerstner (2008), doi:10.1007/s00422-008-0264-7, table 1 and figure 4, with the values of the Brian 2
simulator's example, which corrects the printed table to match the figure (after P. Mueller). Bifurcations:
J. Touboul, R. Brette (2008), doi:10.1007/s00422-008-0267-4.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log

import numpy as np

import neurosim as ns
from neurosim.published import Number, Outcome, Reference

from ._dynamics import growth_rates, rest, steady_rates, zero_of_curve
from ._figures import letters, mark, title

CELLS = "cells"
#: Naud et al. (2008), table 1: c_m (pF), g_l (nS), e_l (mV), a (nS), tau_w (ms), b (pA), v_reset (mV), i (pA)
PATTERNS: dict[str, tuple[float, ...]] = {
    "tonic_spiking": (200, 10, -70, 2, 30, 0, -58, 500),
    "adaptation": (200, 12, -70, 2, 300, 60, -58, 500),
    "initial_burst": (130, 18, -58, 4, 150, 120, -50, 400),
    "regular_bursting": (200, 10, -58, 2, 120, 100, -46, 210),
    "delayed_accelerating": (200, 12, -70, -10, 300, 0, -58, 300),
    "delayed_bursting": (100, 10, -65, -10, 90, 30, -47, 110),
    "transient_spiking": (100, 10, -65, 10, 90, 100, -47, 180),
    "irregular_spiking": (100, 12, -60, -11, 130, 30, -48, 160),
}
#: the same for all patterns: v_t and delta_t (mV), and where the upstroke is cut off (mV)
SHARED = dict(v_t=-50.0, delta_t=2.0, v_cut=0.0)


def hopf_point(c_m=0.281, g_l=0.030, e_l=-70.6, v_t=-50.4, delta_t=2.0, a=0.004, tau_w=144.0) -> float:
    """Return the current (nA) at which the trace of the Jacobian vanishes on the fixed point."""
    ratio = c_m / (g_l * tau_w)
    return (g_l + a) * (v_t + delta_t * log(1 + ratio) - e_l) - g_l * delta_t * (1 + ratio)


_TWIN = "integrated by DOP853 with event location in tests/models"
REFERENCE = Reference(
    citation="R. Brette, W. Gerstner (2005), Adaptive exponential integrate-and-fire model as an effective "
    "description of neuronal activity, J. Neurophysiol. 94, 3637-3642; patterns: R. Naud et al. (2008), "
    "Biol. Cybern. 99, 335-347",
    doi="10.1152/jn.00686.2005",
    numbers={
        "hopf": Number(
            hopf_point(),
            2e-6,
            "nA",
            "Closed form of Touboul & Brette (2008) for the constants of Brette & Gerstner (2005), 0.62718 "
            "nA; growth rates are fitted.",
        ),
        "step_spikes": Number(14, 0, "", f"Spikes during a step to 1 nA for 400 ms, {_TWIN}."),
        "step_first": Number(
            11.792, 0.01, "ms", f"Time from the step to the first spike, {_TWIN}; two steps of 0.005 ms."
        ),
        "step_adaptation": Number(
            36.0250 / 13.5845,
            0.003,
            "",
            f"Last over first interval of that step, {_TWIN}; two steps in the first interval.",
        ),
        "rate_0_7": Number(
            1000 / 128.0423,
            0.005,
            "Hz",
            f"Steady rate at 0.7 nA, {_TWIN}; a step of 0.005 ms, and spikes that wait for the end of a "
            "step, change intervals by less than 0.05 %.",
        ),
        "tonic_spiking_interval": Number(
            9.587,
            0.01,
            "ms",
            f"Naud et al., figure 4a; last interval of 600 ms, {_TWIN}; two steps: the upstroke, and the "
            "wait for the end of the step.",
        ),
        "tonic_spiking_ratio": Number(1.0, 0.002, "", "Figure 4a: last over second last interval; regular."),
        "adaptation_ratio": Number(
            75.907 / 11.274, 0.007, "", f"Figure 4b: last over first interval, {_TWIN}; two steps in either."
        ),
        "initial_burst_spikes": Number(
            3, 0, "", f"Figure 4c: spikes of the burst at the onset (intervals below 20 ms), {_TWIN}."
        ),
        "initial_burst_interval": Number(
            63.951, 0.01, "ms", f"Figure 4c: interval of the regular spikes after it, {_TWIN}; two steps."
        ),
        "regular_bursting_spikes": Number(
            2, 0, "", f"Figure 4d: spikes of each burst after the first, {_TWIN}."
        ),
        "regular_bursting_period": Number(
            138.53, 0.05, "ms", f"Figure 4d: from burst to burst, {_TWIN}; two steps, magnified in the burst."
        ),
        "delayed_accelerating_delay": Number(
            33.575, 0.01, "ms", f"Figure 4e: time to the first spike, {_TWIN}; two steps."
        ),
        "delayed_accelerating_ratio": Number(
            10.274 / 20.595,
            0.003,
            "",
            f"Figure 4e: last over first interval, {_TWIN}; below 1: the neuron accelerates.",
        ),
        "delayed_bursting_delay": Number(
            57.18, 0.01, "ms", f"Figure 4f: time to the first spike, {_TWIN}; two steps."
        ),
        "delayed_bursting_spikes": Number(4, 0, "", f"Figure 4f: spikes of every burst, {_TWIN}."),
        "transient_spiking_spikes": Number(
            1, 0, "", f"Figure 4g: spikes, all of them at the onset, {_TWIN}."
        ),
        "irregular_spiking_cv": Number(
            0.594,
            0.01,
            "",
            f"Figure 4h: variation of the intervals without any noise, {_TWIN} for 6 s. After the irregular "
            "second that the figure shows, intervals fall into five narrow bands, in which the spikes "
            "wander: only statistics agree.",
        ),
    },
)


def _unit(default: float, unit: str):
    return field(default=default, metadata={"unit": unit})


@dataclass(frozen=True)
class Parameters:
    """Constants of the neuron of 2005 and the protocol; those of the patterns are in `PATTERNS`.

    c_m: capacitance (nF), 0.281. g_l: leak conductance (uS), 0.03. e_l: leak reversal (mV), -70.6. v_t:
    threshold of the exponential (mV), -50.4. delta_t: its sharpness (mV), 2. a: subthreshold adaptation (uS),
    0.004. tau_w: its time constant (ms), 144. b: adaptation per spike (nA), 0.0805. v_reset: potential after
    a spike (mV), -70.6. v_cut: where the upstroke is cut off (mV), 20. current: step of the main network
    (nA), 1. dt: time step (ms), 0.005.
    """

    c_m: float = _unit(0.281, "nF")
    g_l: float = _unit(0.030, "uS")
    e_l: float = _unit(-70.6, "mV")
    v_t: float = _unit(-50.4, "mV")
    delta_t: float = _unit(2.0, "mV")
    a: float = _unit(0.004, "uS")
    tau_w: float = _unit(144.0, "ms")
    b: float = _unit(0.0805, "nA")
    v_reset: float = _unit(-70.6, "mV")
    v_cut: float = _unit(20.0, "mV")
    current: float = _unit(1.0, "nA")
    dt: float = _unit(0.005, "ms")


def _model(p: Parameters) -> ns.NeuronModel:
    return ns.AdEx(
        c_m=p.c_m,
        g_l=p.g_l,
        e_l=p.e_l,
        v_t=p.v_t,
        delta_t=p.delta_t,
        a=p.a,
        tau_w=p.tau_w,
        b=p.b,
        v_reset=p.v_reset,
        v_cut=p.v_cut,
    )


def build(parameters: Parameters = Parameters()) -> ns.Network:
    """Return one neuron at rest that gets the step of current from 20 to 420 ms; v and w are recorded."""
    cells = ns.Population(1, _model(parameters), name=CELLS)
    every = max(1, round(0.1 / parameters.dt)) * parameters.dt
    return ns.Network(
        [cells],
        stimuli=[ns.Step(parameters.current, target=cells, start=20.0, stop=420.0)],
        probes=[ns.Probe(cells, x, every=every, name=x) for x in ("v", "w")],
    )


def patterns() -> ns.Population:
    """Return one neuron for each of `PATTERNS`, at e_l and w = 0; without its current."""
    columns = dict(
        zip(("c_m", "g_l", "e_l", "a", "tau_w", "b", "v_reset"), np.array(list(PATTERNS.values()), float).T)
    )
    thousandth = ("c_m", "g_l", "a", "b")  # pF, nS, pA to nF, uS, nA
    values = {key: column / 1000 if key in thousandth else column for key, column in columns.items()}
    return ns.Population(
        len(PATTERNS),
        ns.AdEx(**SHARED),
        name=CELLS,
        parameters=values,
        initial={"v": values["e_l"], "w": 0.0},
    )


def run(
    parameters: Parameters = Parameters(),
    *,
    duration: float | None = None,
    seed: int = 0,
    threads: int = 1,
    progress=None,
) -> Outcome:
    """Run all experiments of this module; `duration` (ms) is that of the main network, 500 if None."""
    p = parameters
    options = dict(dt=p.dt, threads=threads, progress=progress, method="rk4")
    main = ns.simulate(build(p), 500.0 if duration is None else duration, seed=seed, **options)
    measured, results = _step(main.spikes[CELLS].times), {"main": main}
    for experiment in (_hopf, _rates, _patterns):
        numbers, kept = experiment(p, options)
        measured |= numbers
        results |= kept
    return Outcome(measured, results, p)


def _bursts(times: np.ndarray, gap: float = 20.0) -> list[np.ndarray]:
    """Return the spikes in runs of intervals shorter than `gap` (ms)."""
    return np.split(times, np.flatnonzero(np.diff(times) >= gap) + 1)


def _last(values) -> float:
    return float(values[-1]) if len(values) else float("nan")


def _ratio(gaps: np.ndarray, above: int, below: int) -> float:
    return float(gaps[above] / gaps[below]) if gaps.size > 1 else float("nan")


def _step(times: np.ndarray) -> dict[str, float]:
    gaps = np.diff(times)
    return {
        "step_spikes": float(times.size),
        "step_first": float(times[0] - 20.0) if times.size else float("nan"),
        "step_adaptation": _ratio(gaps, -1, 0),
    }


def _hopf(p: Parameters, options: dict):
    """Growth rate of oscillations of a nanovolt around the fixed point, on both sides of the Hopf point.

    The fixed point vanishes at a saddle node 0.13 pA above: the window is narrow and the oscillations last
    0.9 s.
    """
    current = hopf_point(p.c_m, p.g_l, p.e_l, p.v_t, p.delta_t, p.a, p.tau_w) + np.linspace(-4e-5, 4e-5, 5)
    point = rest(_model(p), current)
    cells = ns.Population(
        current.size, _model(p), name=CELLS, initial={"v": point["v"] + 1e-6, "w": point["w"]}
    )
    net = ns.Network(
        [cells],
        stimuli=[ns.DC(current, target=cells)],
        probes=[ns.Probe(cells, "v", every=10 * p.dt, name="v")],
    )
    v = ns.simulate(net, 8000.0, **options).traces["v"]
    late = v.times > 200.0
    return {"hopf": zero_of_curve(current, growth_rates(v.times[late], v.values[late] - point["v"]))}, {}


def _rates(p: Parameters, options: dict):
    """Rate at the onset (first interval) and later."""
    current = np.r_[0.7, np.arange(0.5, 1.51, 0.025)]
    cells = ns.Population(current.size, _model(p), name=CELLS)
    spikes = ns.simulate(
        ns.Network([cells], stimuli=[ns.DC(current, target=cells)]), 3000.0, **options
    ).spikes[CELLS]
    late = steady_rates(spikes, 1000.0)
    first = np.array(
        [1000.0 / np.diff(spikes[k][:2])[0] if spikes[k].size > 1 else 0.0 for k in range(current.size)]
    )
    return {"rate_0_7": float(late[0])}, {
        "fi_current": current[1:],
        "fi_late": late[1:],
        "fi_first": first[1:],
    }


def _patterns(p: Parameters, options: dict):
    cells = patterns()
    current = np.array([row[-1] for row in PATTERNS.values()]) / 1000.0
    every = max(1, round(0.1 / p.dt)) * p.dt
    net = ns.Network(
        [cells],
        stimuli=[ns.DC(current, target=cells)],
        probes=[ns.Probe(cells, x, every=every, name=x) for x in ("v", "w")],
    )
    result = ns.simulate(net, 600.0, **options)
    s = {name: result.spikes[CELLS][k] for k, name in enumerate(PATTERNS)}
    initial, regular, delayed = (
        _bursts(s[x]) for x in ("initial_burst", "regular_bursting", "delayed_bursting")
    )
    # the last burst may be cut off by the end
    sizes, delayed_sizes = {len(x) for x in regular[1:-1]}, {len(x) for x in delayed[:-1]}
    starts = [x[0] for x in regular[1:] if len(x)]

    # what is irregular at first may settle: look at the long run
    late = ns.simulate(net, 20000.0, resume=result, **options).spikes[CELLS]
    gaps = np.diff(late[list(PATTERNS).index("irregular_spiking")])
    measured = {
        "tonic_spiking_interval": _last(np.diff(s["tonic_spiking"])),
        "tonic_spiking_ratio": _ratio(np.diff(s["tonic_spiking"]), -1, -2),
        "adaptation_ratio": _ratio(np.diff(s["adaptation"]), -1, 0),
        "initial_burst_spikes": len(initial[0]),
        "initial_burst_interval": _last(np.diff(s["initial_burst"])),
        "regular_bursting_spikes": sizes.pop() if len(sizes) == 1 else float("nan"),
        "regular_bursting_period": _last(np.diff(starts)),
        "delayed_accelerating_delay": float(s["delayed_accelerating"][0]),
        "delayed_accelerating_ratio": _ratio(np.diff(s["delayed_accelerating"]), -1, 0),
        "delayed_bursting_delay": float(s["delayed_bursting"][0]),
        "delayed_bursting_spikes": delayed_sizes.pop() if len(delayed_sizes) == 1 else float("nan"),
        "transient_spiking_spikes": len(s["transient_spiking"]),
        "irregular_spiking_cv": float(np.std(gaps) / np.mean(gaps)) if gaps.size else float("nan"),
    }
    return {name: float(value) for name, value in measured.items()}, {"patterns": result, "gaps": gaps}


def figure(outcome: Outcome):
    """Return the figure: the eight patterns, the step of 2005, rates, intervals of the irregular pattern."""
    r, p, m = outcome.results, outcome.parameters, outcome.measured
    blue, orange = ns.plot.PALETTE[:2]
    fig, axes = ns.plot.figure(4, 3, width=7.2, height=7.0)
    flat = np.ravel(axes)
    trace, spikes = r["patterns"].traces["v"], r["patterns"].spikes[CELLS]
    for k, (ax, name) in enumerate(zip(flat, PATTERNS)):
        ns.plot.voltage(trace, spikes, neurons=[k], ax=ax, spike_height=SHARED["v_cut"], color=blue)
        title(ax, f"{name.replace('_', ' ')}, {PATTERNS[name][-1]:g} pA")
        ax.set(ylim=(-72, 4), ylabel="v (mV)" if k % 3 == 0 else "", xlabel="Time (ms)" if k > 5 else "")
    main = r["main"]
    step, adapt, rates, chaos = flat[8:]
    ns.plot.voltage(main.traces["v"], main.spikes[CELLS], ax=step, spike_height=p.v_cut, color=blue)
    step.set(ylabel="", xlabel="Time (ms)")
    title(step, f"regular spiking (2005), {1000 * p.current:g} pA")
    adapt.plot(main.traces["w"].times, 1000 * main.traces["w"].values[:, 0], color=orange, lw=1.1)
    adapt.set(xlabel="Time (ms)", ylabel="w (pA)")
    title(adapt, "adaptation current of i")
    ns.plot.fi_curve(
        1000 * r["fi_current"], r["fi_first"], ax=rates, unit="pA", color=orange, label="first interval"
    )
    ns.plot.fi_curve(1000 * r["fi_current"], r["fi_late"], ax=rates, unit="pA", color=blue, label="steady")
    mark(rates, 1000 * m["hopf"], "Hopf", y=0.75, left=True)
    chaos.plot(r["gaps"][:-1], r["gaps"][1:], ls="", marker="o", ms=1.6, color=blue, mew=0)
    chaos.set(xlabel="Interval (ms)", ylabel="Next interval (ms)")
    title(chaos, "irregular spiking, 20 s")
    letters(flat, "abcdefghijkl")
    return fig
