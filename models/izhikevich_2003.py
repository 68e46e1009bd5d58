"""Izhikevich's simple model (2003) and the twenty patterns of his comparison of models (2004).

    dv/dt = 0.04 v^2 + 5 v + 140 - u + i,   du/dt = a (b v - u),   v > 30 mV:  v <- c, u <- u + d

v in mV, u and i in mV/ms, t in ms. Two patterns use other forms, as the program of the paper does: the
integrator and class 1 excitability 0.04 v^2 + 4.1 v + 108, accommodation du/dt = a b (v + 65).

The patterns belong to the paper's integration as much as to its equations: Euler steps of 0.1 to 0.5 ms in
which u is advanced with the v just computed,

    v <- v + h (0.04 v^2 + 5 v + 140 - u + i),   then   u <- u + h a (b v - u).

That is what `build` describes (u' is given the v of the end of the step), and with it every number below is
exact. With h = 0.01 ms most patterns stay, but bistability cannot be switched off, a depolarising
after-potential becomes a train of spikes, and inhibition-induced bursting never ends; `run` counts them as
``fine_...``.

Source: E. M. Izhikevich (2003), doi:10.1109/TNN.2003.820440 (the model); E. M. Izhikevich (2004), Which model
to use for cortical spiking neurons?, IEEE Trans. Neural Netw. 15, 1063-1070, doi:10.1109/TNN.2004.832719
(figure 1, whose parameters and currents are those of the program figure1.m that the author published with
it).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import neurosim as ns
from neurosim.published import Number, Outcome, Reference

from ._figures import title

CELLS = "cells"


@dataclass(frozen=True)
class Pattern:
    """One panel of figure 1.

    letter: of the panel. a, b, c, d: constants of the model. v: initial v (mV). h: the paper's step (ms).
    stop: end (ms). current: the input (mV/ms) at times t (ms), an array. u: initial u, None for b v.
    linear, constant: of the quadratic. shift, leak: du/dt = a (b (v + shift) - leak u).
    """

    letter: str
    a: float
    b: float
    c: float
    d: float
    v: float
    h: float
    stop: float
    current: Callable[[np.ndarray], np.ndarray]
    u: float | None = None
    linear: float = 5.0
    constant: float = 140.0
    shift: float = 0.0
    leak: float = 1.0


def _from(begin: float, value: float, before: float = 0.0):
    return lambda t: np.where(t > begin, value, before)


def _pulses(value: float, width: float, *begins: float, base: float = 0.0):
    return lambda t: np.where(np.any([(t > x) & (t < x + width) for x in begins], axis=0), value, base)


def _ramp(begin: float, slope: float, base: float = 0.0):
    return lambda t: np.where(t > begin, base + slope * (t - begin), base)


def _threshold_probe(t: np.ndarray) -> np.ndarray:
    return _pulses(1.0, 5.0, 10.0, 80.0)(t) + _pulses(-6.0, 5.0, 70.0)(t)


def _two_ramps(t: np.ndarray) -> np.ndarray:
    return np.where(t < 200, t / 25, np.where((t >= 300) & (t < 312.5), (t - 300) / 12.5 * 4, 0.0))


def _release(t: np.ndarray) -> np.ndarray:
    return np.where((t < 50) | (t > 250), 80.0, 75.0)


_CLASS_1 = dict(linear=4.1, constant=108.0)
PATTERNS: dict[str, Pattern] = {
    "tonic_spiking": Pattern("A", 0.02, 0.2, -65, 6, -70, 0.25, 100, _from(10, 14)),
    "phasic_spiking": Pattern("B", 0.02, 0.25, -65, 6, -64, 0.25, 200, _from(20, 0.5)),
    "tonic_bursting": Pattern("C", 0.02, 0.2, -50, 2, -70, 0.25, 220, _from(22, 15)),
    "phasic_bursting": Pattern("D", 0.02, 0.25, -55, 0.05, -64, 0.2, 200, _from(20, 0.6)),
    "mixed_mode": Pattern("E", 0.02, 0.2, -55, 4, -70, 0.25, 160, _from(16, 10)),
    "adaptation": Pattern("F", 0.01, 0.2, -65, 8, -70, 0.25, 85, _from(8.5, 30)),
    "class_1": Pattern("G", 0.02, -0.1, -55, 6, -60, 0.25, 300, _ramp(30, 0.075), **_CLASS_1),
    "class_2": Pattern("H", 0.2, 0.26, -65, 0, -64, 0.25, 300, _ramp(30, 0.015, -0.5)),
    "spike_latency": Pattern("I", 0.02, 0.2, -65, 6, -70, 0.2, 100, _pulses(7.04, 3, 10)),
    "subthreshold_oscillation": Pattern("J", 0.05, 0.26, -60, 0, -62, 0.25, 200, _pulses(2, 5, 20)),
    "resonator": Pattern("K", 0.1, 0.26, -60, -1, -62, 0.25, 400, _pulses(0.65, 4, 40, 60, 280, 320)),
    "integrator": Pattern(
        "L", 0.02, -0.1, -55, 6, -60, 0.25, 100, _pulses(9, 2, 100 / 11, 100 / 11 + 5, 70, 80), **_CLASS_1
    ),
    "rebound_spike": Pattern("M", 0.03, 0.25, -60, 4, -64, 0.2, 200, _pulses(-15, 5, 20)),
    "rebound_burst": Pattern("N", 0.03, 0.25, -52, 0, -64, 0.2, 200, _pulses(-15, 5, 20)),
    "threshold_variability": Pattern("O", 0.03, 0.25, -60, 4, -64, 0.25, 100, _threshold_probe),
    "bistability": Pattern("P", 0.1, 0.26, -60, 0, -61, 0.25, 300, _pulses(1.24, 5, 37.5, 216, base=0.24)),
    "after_potential": Pattern("Q", 1, 0.2, -60, -21, -70, 0.1, 50, _pulses(20, 2, 9)),
    "accommodation": Pattern("R", 0.02, 1, -55, 4, -65, 0.5, 400, _two_ramps, u=-16, shift=65, leak=0),
    "inhibition_spiking": Pattern("S", -0.02, -1, -60, 8, -63.8, 0.5, 350, _release),
    "inhibition_bursting": Pattern("T", -0.026, -1, -45, -2, -63.8, 0.5, 350, _release),
}
TITLES = {name: name.replace("_", " ") for name in PATTERNS} | {
    "class_1": "class 1 excitable",
    "class_2": "class 2 excitable",
    "adaptation": "frequency adaptation",
    "subthreshold_oscillation": "subthreshold oscillations",
    "after_potential": "depolarising after-potential",
    "inhibition_spiking": "inhibition-induced spiking",
    "inhibition_bursting": "inhibition-induced bursting",
}


def _count(value: float, panel: str, what: str) -> Number:
    return Number(
        value, 0.0, "", f"Fig. 1({panel}) of the paper of 2004, drawn by figure1.m: {what}; a count."
    )


def _time(value: float, panel: str, what: str) -> Number:
    return Number(
        value,
        1e-6,
        "ms",
        f"Fig. 1({panel}), as figure1.m gives it: {what}; whole steps, hence rounding only.",
    )


REFERENCE = Reference(
    citation="E. M. Izhikevich (2003), Simple model of spiking neurons, IEEE Trans. Neural Netw. 14, 1569-1572"
    "; patterns: (2004) 15, 1063-1070",
    doi="10.1109/TNN.2003.820440",
    numbers={
        "tonic_spiking_spikes": _count(5, "A", "spikes"),
        "tonic_spiking_steadiness": Number(
            1.0, 0.05, "", "Fig. 1(A): last interval over the one before; regular to 5 %."
        ),
        "phasic_spiking_spikes": _count(1, "B", "one spike at the onset of a lasting current"),
        "tonic_bursting_bursts": _count(4, "C", "bursts (spikes less than 20 ms apart)"),
        "tonic_bursting_per_burst": _count(6, "C", "spikes in each burst after the first"),
        "phasic_bursting_bursts": _count(1, "D", "one burst at the onset"),
        "phasic_bursting_spikes": _count(6, "D", "spikes in it"),
        "mixed_mode_burst": _count(3, "E", "spikes of the burst at the onset"),
        "mixed_mode_single": _count(3, "E", "single spikes after it"),
        "adaptation_spikes": _count(6, "F", "spikes"),
        "adaptation_ratio": Number(14.5, 1e-6, "", "Fig. 1(F): last over first interval, 29 ms over 2 ms."),
        "class_1_spikes": _count(10, "G", "spikes during the ramp"),
        "class_1_range": Number(2.7, 1e-6, "", "Fig. 1(G): first over last interval, 40.5 ms over 15 ms."),
        "class_2_spikes": _count(14, "H", "spikes during the ramp"),
        "class_2_range": Number(
            20.75 / 11,
            1e-6,
            "",
            "Fig. 1(H): first over last interval, 20.75 ms over 11 ms; narrower than class 1.",
        ),
        "spike_latency_spikes": _count(1, "I", "spikes"),
        "spike_latency_delay": _time(16.6, "I", "from the onset of the pulse, long after its 3 ms"),
        "subthreshold_oscillation_spikes": _count(1, "J", "spikes"),
        "subthreshold_oscillation_period": Number(
            56.48,
            1.2,
            "ms",
            "Fig. 1(J): 2 pi/sqrt(a b - a^2/4), from the eigenvalues at rest; 2 % for the amplitude of "
            "three maxima.",
        ),
        "resonator_first_pair": _count(0, "K", "spikes after pulses 20 ms apart"),
        "resonator_second_pair": _count(1, "K", "spikes after pulses 40 ms apart, the resonant interval"),
        "integrator_first_pair": _count(1, "L", "spikes after pulses 5 ms apart"),
        "integrator_second_pair": _count(0, "L", "spikes after pulses 10 ms apart"),
        "rebound_spike_spikes": _count(1, "M", "spikes"),
        "rebound_spike_delay": _time(43.0, "M", "from the end of the inhibiting pulse"),
        "rebound_burst_spikes": _count(7, "N", "spikes of the burst"),
        "threshold_variability_alone": _count(0, "O", "spikes after the exciting pulse alone"),
        "threshold_variability_after": _count(1, "O", "spikes after the same pulse following inhibition"),
        "bistability_between": _count(5, "P", "spikes from the first pulse to the second"),
        "bistability_after": _count(0, "P", "spikes after the second pulse"),
        "after_potential_spikes": _count(1, "Q", "spikes"),
        "after_potential_height": Number(
            18.9397,
            1e-3,
            "mV",
            "Fig. 1(Q), as figure1.m gives it: highest v later than 1 ms after the spike, above the "
            "initial v; digits given.",
        ),
        "accommodation_slow": _count(0, "R", "spikes during the slow ramp to 8"),
        "accommodation_fast": _count(1, "R", "spikes during the fast ramp to 4"),
        "inhibition_spiking_during": _count(3, "S", "spikes while the current is reduced"),
        "inhibition_spiking_outside": _count(0, "S", "spikes before and after"),
        "inhibition_bursting_bursts": _count(
            2, "T", "bursts (spikes less than 20 ms apart) while the current is reduced"
        ),
        "inhibition_bursting_spikes": _count(12, "T", "spikes in them"),
    },
)


@dataclass(frozen=True)
class Parameters:
    """The protocol; the constants of the patterns are in `PATTERNS`.

    dt: time step (ms) of the main network, 0.25, and of every pattern if `same` is true; false: each its own.
    v_peak: where a spike is cut off (mV), 30.
    """

    dt: float = field(default=0.25, metadata={"unit": "ms"})
    same: bool = False
    v_peak: float = field(default=30.0, metadata={"unit": "mV"})


def _model(v_peak: float) -> ns.NeuronModel:
    """Return the model with the paper's order of integration: u sees the v of the end of the step."""
    return ns.NeuronModel.from_equations(
        """
        slope = 0.04*v*v + linear*v + constant - u + i
        dv/dt = slope
        du/dt = a*(b*(v + dt*slope + shift) - leak*u)
        """,
        threshold="v > v_peak",
        reset="v = c; u += d",
        parameters=dict(
            a=0.02, b=0.2, c=-65.0, d=8.0, v_peak=v_peak, linear=5.0, constant=140.0, shift=0.0, leak=1.0
        ),
        inputs=["i"],
        initial=dict(v=-65.0, u="b*v"),
        method="euler",
        name="izhikevich",
    )


def _network(names: list[str], dt: float, v_peak: float) -> ns.Network:
    """Return one neuron for each pattern, with its current; all see the same time step."""
    rows = [PATTERNS[name] for name in names]

    def column(key: str) -> np.ndarray:
        return np.array([float(getattr(row, key)) for row in rows])

    values = {key: column(key) for key in ("a", "b", "c", "d", "linear", "constant", "shift", "leak")}
    u = np.array([row.b * row.v if row.u is None else row.u for row in rows], dtype=float)
    cells = ns.Population(
        len(rows), _model(v_peak), name=CELLS, parameters=values, initial={"v": column("v"), "u": u}
    )
    # rounded, for t > 20 must not hold at 20.000000000000004
    t = np.round(np.arange(round(column("stop").max() / dt) + 1) * dt, 9)
    currents = np.stack([np.where(t <= row.stop, row.current(t), 0.0) for row in rows], axis=1)
    return ns.Network(
        [cells],
        stimuli=[ns.TimedArray(currents, interval=dt, target=cells)],
        probes=[ns.Probe(cells, x, name=x) for x in ("v", "i")],
    )


def build(parameters: Parameters = Parameters()) -> ns.Network:
    """Return one neuron for each of `PATTERNS`, for runs with ``dt=parameters.dt``."""
    return _network(list(PATTERNS), parameters.dt, parameters.v_peak)


def run(
    parameters: Parameters = Parameters(),
    *,
    duration: float | None = None,
    seed: int = 0,
    threads: int = 1,
    progress=None,
) -> Outcome:
    """Run every pattern with its own step (or all with dt if `same`); `duration` (ms) cuts them off."""
    p = parameters
    spikes: dict[str, np.ndarray] = {}
    traces: dict[str, Any] = {}
    for h in sorted({p.dt if p.same else row.h for row in PATTERNS.values()}):
        names = [name for name, row in PATTERNS.items() if p.same or row.h == h]
        stop = max(PATTERNS[name].stop for name in names) + h
        result = ns.simulate(
            _network(names, h, p.v_peak),
            stop if duration is None else min(stop, duration),
            h,
            seed=seed,
            threads=threads,
            progress=progress,
        )
        v, i = result.traces["v"], result.traces["i"]
        for k, name in enumerate(names):
            shown = v.times <= PATTERNS[name].stop
            # the program draws a spike at the start of its step
            times = result.spikes[CELLS][k] - h
            spikes[name] = times[times <= PATTERNS[name].stop + 1e-9]
            traces[name] = (v.times[shown], v.values[shown, k], i.values[shown, k])
    fine = ns.simulate(
        _network(list(PATTERNS), 0.01, p.v_peak), 400.0, 0.01, threads=threads, progress=progress
    )
    measured = _features(spikes, traces)
    for k, (name, row) in enumerate(PATTERNS.items()):
        measured[f"fine_{name}_spikes"] = float(np.sum(fine.spikes[CELLS][k] <= row.stop))
    return Outcome(measured, {"spikes": spikes, "traces": traces}, p)


def _bursts(times: np.ndarray) -> list[int]:
    """Return the numbers of spikes in runs of intervals shorter than 20 ms."""
    if not times.size:
        return []
    return [len(part) for part in np.split(times, np.flatnonzero(np.diff(times) >= 20.0) + 1)]


def _features(s: dict[str, np.ndarray], traces: dict[str, Any]) -> dict[str, float]:
    nan = float("nan")

    def ratio(name: str, above: int, below: int) -> float:
        gaps = np.diff(s[name])
        return float(gaps[above] / gaps[below]) if gaps.size > 1 else nan

    def within(name: str, begin: float, end: float = np.inf) -> int:
        return int(np.sum((s[name] >= begin) & (s[name] < end)))

    def after(name: str, begin: float) -> float:
        return float(s[name][0] - begin) if s[name].size else nan

    later = set(_bursts(s["tonic_bursting"])[1:])
    mixed = _bursts(s["mixed_mode"]) or [0]
    out = {
        f"{name}_spikes": len(s[name])
        for name in (
            "tonic_spiking",
            "phasic_spiking",
            "phasic_bursting",
            "adaptation",
            "class_1",
            "class_2",
            "spike_latency",
            "subthreshold_oscillation",
            "rebound_spike",
            "rebound_burst",
            "after_potential",
        )
    }
    out |= {
        "tonic_spiking_steadiness": ratio("tonic_spiking", -1, -2),
        "tonic_bursting_bursts": len(_bursts(s["tonic_bursting"])),
        "tonic_bursting_per_burst": later.pop() if len(later) == 1 else nan,
        "phasic_bursting_bursts": len(_bursts(s["phasic_bursting"])),
        "mixed_mode_burst": mixed[0],
        "mixed_mode_single": len(mixed) - 1 if set(mixed[1:]) == {1} else nan,
        "adaptation_ratio": ratio("adaptation", -1, 0),
        "class_1_range": ratio("class_1", 0, -1),
        "class_2_range": ratio("class_2", 0, -1),
        "spike_latency_delay": after("spike_latency", 10.0),
        "subthreshold_oscillation_period": _oscillation(*traces["subthreshold_oscillation"][:2]),
        "resonator_first_pair": within("resonator", 0, 280),
        "resonator_second_pair": within("resonator", 320),
        "integrator_first_pair": within("integrator", 0, 70),
        "integrator_second_pair": within("integrator", 70),
        "rebound_spike_delay": after("rebound_spike", 25.0),
        "threshold_variability_alone": within("threshold_variability", 0, 70),
        "threshold_variability_after": within("threshold_variability", 80),
        "bistability_between": within("bistability", 37.5, 216),
        "bistability_after": within("bistability", 216),
        "after_potential_height": _after_potential(*traces["after_potential"][:2], s["after_potential"]),
        "accommodation_slow": within("accommodation", 0, 300),
        "accommodation_fast": within("accommodation", 300),
        "inhibition_spiking_during": within("inhibition_spiking", 50, 250),
        "inhibition_spiking_outside": within("inhibition_spiking", 0, 50) + within("inhibition_spiking", 250),
        "inhibition_bursting_bursts": len(_bursts(s["inhibition_bursting"])),
        "inhibition_bursting_spikes": within("inhibition_bursting", 50, 250),
    }
    return {name: float(value) for name, value in out.items()}


def _oscillation(t: np.ndarray, v: np.ndarray) -> float:
    """Return the mean interval (ms) between the maxima of v from 60 ms on."""
    k = np.flatnonzero((v[1:-1] > v[:-2]) & (v[1:-1] >= v[2:]) & (t[1:-1] > 60.0)) + 1
    if k.size < 2:
        return float("nan")
    shift = 0.5 * (v[k - 1] - v[k + 1]) / (v[k - 1] - 2 * v[k] + v[k + 1])
    return float(np.mean(np.diff(t[k] + shift * (t[1] - t[0]))))


def _after_potential(t: np.ndarray, v: np.ndarray, spikes: np.ndarray) -> float:
    """Return the highest v (mV) later than 1 ms after the first spike, above the initial v."""
    late = t > spikes[0] + 1.0 if spikes.size else np.zeros(t.size, dtype=bool)
    return float(v[late].max() - v[0]) if late.any() else float("nan")


def figure(outcome: Outcome):
    """Return the figure of the paper: twenty panels, voltage above its current."""
    fig, axes = ns.plot.figure(5, 4, width=7.2, height=7.6)
    blue, grey = ns.plot.PALETTE[0], "#595959"
    for k, (ax, (name, row)) in enumerate(zip(np.ravel(axes), PATTERNS.items())):
        t, v, i = outcome.results["traces"][name]
        # the trace holds what is left after a reset: each spike gets its peak back
        peaks = outcome.results["spikes"][name] + (t[1] - t[0])
        at = np.searchsorted(t, peaks - 1e-9)
        ax.plot(np.insert(t, at, peaks), np.insert(v, at, outcome.parameters.v_peak), color=blue, lw=0.8)
        ax.plot(t, -118.0 + 14.0 * (i - i.min()) / (np.ptp(i) or 1.0), color=grey, lw=0.8)
        title(ax, f"{row.letter}  {TITLES[name]}")
        ax.set(xlim=(0, row.stop), ylim=(-122, 36), yticks=[-80, -40, 0])
        ax.tick_params(labelleft=k % 4 == 0)
        if k % 4 == 0:
            ax.set_ylabel("v (mV)")
        if k >= 16:
            ax.set_xlabel("Time (ms)")
    axes[0, 0].annotate(
        "current",
        xy=(1.0, -106),
        xytext=(2, 1),
        textcoords="offset points",
        fontsize=6,
        color=grey,
        xycoords=axes[0, 0].get_yaxis_transform(),
        ha="right",
        va="bottom",
    )
    return fig
