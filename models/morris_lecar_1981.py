"""The barnacle muscle fibre of Morris and Lecar (1981), with the parameter sets of Rinzel and Ermentrout.

    c_m dv/dt = i - g_l (v - e_l) - g_ca m_inf(v) (v - e_ca) - g_k w (v - e_k)
    dw/dt     = phi cosh((v - v_3)/(2 v_4)) (w_inf(v) - w)
    m_inf = (1 + tanh((v - v_1)/v_2))/2,   w_inf = (1 + tanh((v - v_3)/v_4))/2

v in mV, i in uA/cm2, conductances in mS/cm2, time in ms. Two sets of parameters, two ways in which firing
sets in:

    hopf   type II: rest loses stability at a subcritical Hopf point, firing begins at a rate above zero,
           and rest and firing coexist at both ends of the window of firing
    snlc   type I: rest and a saddle meet and vanish on the limit cycle, and the rate grows from zero as
           sqrt(i - i_c)

Source: C. Morris, H. Lecar (1981), doi:10.1016/S0006-3495(81)84782-0. Parameter sets and bifurcations: J.
Rinzel, B. Ermentrout (1998), Analysis of neural excitability and oscillations, in C. Koch, I. Segev, Methods
in Neuronal Modeling, 2nd edition, MIT Press, chapter 7.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

import neurosim as ns
from neurosim.published import Number, Outcome, Reference

from ._dynamics import growth_rates, rest, steady_rates, zero_of_curve
from ._figures import legend, letters, mark, title

_TWIN = "also by root finder or DOP853 in tests/models"
REFERENCE = Reference(
    citation="C. Morris, H. Lecar (1981), Voltage oscillations in the barnacle giant muscle fiber, Biophys. "
    "J. 35, 193-213",
    doi="10.1016/S0006-3495(81)84782-0",
    numbers={
        "hopf_low": Number(
            93.86,
            0.02,
            "uA/cm2",
            f"Rinzel & Ermentrout, chapter 7; {_TWIN}: 93.858. Growth rates are fitted to 0.02 %.",
        ),
        "hopf_high": Number(
            212.0,
            0.1,
            "uA/cm2",
            f"Rinzel & Ermentrout, chapter 7; {_TWIN}: 212.019; half a unit of the printed digits and the "
            "fit.",
        ),
        "firing_from": Number(
            88.3,
            0.05,
            "uA/cm2",
            f"Rinzel & Ermentrout: stable oscillations begin at 88.3 ({_TWIN}: 88.29); rounding, and "
            "currents 0.02 apart.",
        ),
        "firing_to": Number(
            217.0, 0.5, "uA/cm2", f"Rinzel & Ermentrout: and end at 217 ({_TWIN}: 216.9); rounding."
        ),
        "rate_hopf_90": Number(
            9.7345, 0.002, "Hz", f"Rate at 90 uA/cm2, {_TWIN}; spikes are timed to dt = 0.05 ms."
        ),
        "rate_hopf_150": Number(15.1145, 0.004, "Hz", f"Rate at 150 uA/cm2, {_TWIN}."),
        "saddle_node": Number(
            39.963,
            0.002,
            "uA/cm2",
            f"Rinzel & Ermentrout give 40; the maximum of the steady current is 39.9632 ({_TWIN}). Where "
            "the squared rate, fitted by a parabola, vanishes.",
        ),
        "exponent": Number(
            0.5,
            0.01,
            "",
            "Square-root law of a saddle node on a limit cycle: slope of log rate against log(i - i_c) for "
            "i - i_c from 0.005 to 0.05; the next term of the expansion is of order i - i_c.",
        ),
        "rate_snlc_42": Number(6.8791, 0.001, "Hz", f"Rate at 42 uA/cm2, {_TWIN}."),
        "fixed_points_30": Number(
            3,
            0,
            "",
            "At 30 uA/cm2 the snlc set has a stable node, a saddle and an unstable point (Rinzel & "
            "Ermentrout, chapter 7).",
        ),
    },
)

CELLS = "fibre"


def _unit(default: float, unit: str):
    return field(default=default, metadata={"unit": unit})


@dataclass(frozen=True)
class Parameters:
    """The set of parameters of the main network, and the protocol.

    kind: "hopf" or "snlc". current: step of the main network (uA/cm2), 95. dt: time step (ms), 0.05.
    rate_duration: length of the runs in which rates are measured (ms), 6000.
    """

    kind: str = "hopf"
    current: float = _unit(95.0, "uA/cm2")
    dt: float = _unit(0.05, "ms")
    rate_duration: float = _unit(6000.0, "ms")


def plane(kind: str, current: float):
    """Return the phase plane of a set of parameters at a current (uA/cm2)."""
    return ns.analysis.phase_plane(
        ns.MorrisLecar(kind), ranges=((-75.0, 55.0), (-0.08, 0.7)), inputs={"i": current}
    )


def build(parameters: Parameters = Parameters()) -> ns.Network:
    """Return one fibre at rest that gets the step of current from 50 ms on; v and w are recorded."""
    cells = ns.Population(1, ns.MorrisLecar(parameters.kind), name=CELLS, initial=_start(parameters.kind))
    every = max(1, round(0.5 / parameters.dt)) * parameters.dt
    return ns.Network(
        [cells],
        stimuli=[ns.Step(parameters.current, target=cells, start=50.0)],
        probes=[ns.Probe(cells, x, every=every, name=x) for x in ("v", "w")],
    )


def _start(kind: str) -> dict[str, float]:
    return {name: float(value[0]) for name, value in rest(ns.MorrisLecar(kind), 0.0).items()}


def run(
    parameters: Parameters = Parameters(),
    *,
    duration: float | None = None,
    seed: int = 0,
    threads: int = 1,
    progress=None,
) -> Outcome:
    """Run all experiments of this module; `duration` (ms) is that of the main network, 600 if None."""
    p = parameters
    options = dict(dt=p.dt, threads=threads, progress=progress, method="rk4")
    main = ns.simulate(build(p), 600.0 if duration is None else duration, seed=seed, **options)
    measured, results = {}, {"main": main}
    for experiment in (_hopf, _window, _type_one, _phase):
        numbers, kept = experiment(p, options)
        measured |= numbers
        results |= kept
    return Outcome(measured, results, p)


def _simulate(kind: str, current, duration: float, options: dict, probes=(), **values):
    cells = ns.Population(
        np.size(current),
        ns.MorrisLecar(kind),
        name=CELLS,
        initial=values.pop("initial", {}),
        parameters=values,
    )
    net = ns.Network(
        [cells], stimuli=[ns.DC(current, target=cells)], probes=[ns.Probe(cells, x, name=x) for x in probes]
    )
    return ns.simulate(net, duration, **options)


def _hopf(p: Parameters, options: dict):
    """Growth rate of oscillations of a microvolt around rest, on both sides of each Hopf point."""
    measured = {}
    for name, current in (
        ("hopf_low", np.linspace(93.0, 94.6, 5)),
        ("hopf_high", np.linspace(210.0, 214.0, 5)),
    ):
        point = rest(ns.MorrisLecar("hopf"), current)
        start = {"v": point["v"] + 1e-3, "w": point["w"]}
        trace = _simulate("hopf", current, 900.0, options, ["v"], initial=start).traces["v"]
        late = trace.times > 100.0
        measured[name] = zero_of_curve(
            current, growth_rates(trace.times[late], trace.values[late] - point["v"])
        )
    return measured, {}


def _window(p: Parameters, options: dict):
    """Where firing goes on: begun on the limit cycle of 150 or 210 uA/cm2, and, for comparison, near rest."""
    cycle = _simulate("hopf", np.array([150.0, 210.0]), 500.0, options, initial=_start("hopf"))
    low, high = np.arange(88.2, 88.4, 0.02), np.arange(216.0, 217.9, 0.1)
    curve = np.r_[np.arange(80.0, 100.0, 1.0), np.arange(100.0, 230.1, 5.0)]
    current = np.r_[low, high, [90.0, 150.0], curve]
    point = rest(ns.MorrisLecar("hopf"), current)
    # the last oscillations stay above 0 mV: a spike is what passes 2 mV above rest, upwards
    level = np.maximum(point["v"] + 2.0, 0.0)
    start = {x: cycle.final(CELLS, x)[(current > 150.0).astype(int)] for x in ("v", "w")}
    near = {"v": point["v"] + 0.1, "w": point["w"]}
    fired, still = (
        _simulate("hopf", current, p.rate_duration, options, initial=x, v_th=level).spikes[CELLS]
        for x in (start, near)
    )
    rate, from_rest = (steady_rates(x, 0.7 * p.rate_duration) for x in (fired, still))
    n, m = low.size, low.size + high.size
    going_low, going_high = low[rate[:n] > 0], high[rate[n:m] > 0]
    measured = {
        "firing_from": float(going_low.min() - 0.01) if going_low.size else float("nan"),
        "firing_to": float(going_high.max() + 0.05) if going_high.size else float("nan"),
        "rate_hopf_90": float(rate[m]),
        "rate_hopf_150": float(rate[m + 1]),
    }
    return measured, {"hopf_current": curve, "hopf_rate": rate[m + 2 :], "hopf_rate_rest": from_rest[m + 2 :]}


def _type_one(p: Parameters, options: dict):
    """Rates close to the saddle node, where f^2 = s (i - i_c) + ..., and further away."""
    near = REFERENCE.numbers["saddle_node"].value + np.geomspace(0.005, 0.1, 8)
    curve = np.r_[np.arange(30.0, 40.0, 2.0), np.arange(40.0, 90.1, 1.0)]
    # the lowest of these rates is about 1 Hz
    spikes = _simulate(
        "snlc", np.r_[near, 42.0, curve], 2.0 * p.rate_duration, options, initial=_start("snlc")
    ).spikes[CELLS]
    rate = steady_rates(spikes, 500.0)
    close = rate[:8]
    saddle_node = exponent = float("nan")
    if np.all(close > 0):
        # current as a parabola of f^2: its value at f = 0 is where firing begins
        saddle_node = float(np.polyfit(close**2, near, 2)[-1])
        exponent = float(np.polyfit(np.log(near - saddle_node), np.log(close), 1)[0])
    return (
        {"saddle_node": saddle_node, "exponent": exponent, "rate_snlc_42": float(rate[8])},
        {"snlc_current": curve, "snlc_rate": rate[9:], "near_current": near, "near_rate": close},
    )


def _phase(p: Parameters, options: dict):
    """Trajectories for the phase planes, from both sides of what separates rest from firing."""
    traces = {}
    for kind, current, v, w in (("hopf", 90.0, (-35.0, 0.0), 0.13), ("snlc", 30.0, (-26.0, -15.0), 0.005)):
        found = _simulate(
            kind, np.full(2, current), 400.0, options, ["v", "w"], initial={"v": np.array(v), "w": w}
        ).traces
        traces[f"path_{kind}"] = [(found["v"].values[:, k], found["w"].values[:, k]) for k in range(2)]
        traces[f"plane_{kind}"] = plane(kind, current)
    return {"fixed_points_30": float(len(traces["plane_snlc"].fixed_points))}, traces


def figure(outcome: Outcome):
    """Return the figure: phase planes above, rates and voltage below."""
    r, p, m = outcome.results, outcome.parameters, outcome.measured
    colors = ns.plot.PALETTE
    fig, axes = ns.plot.figure(2, 3, width=7.2, height=5.0)
    (a, b, c), (d, e, f) = axes

    for ax, kind, current in ((a, "hopf", 90), (d, "snlc", 30)):
        ns.plot.phase_plane(r[f"plane_{kind}"], r[f"path_{kind}"], ax=ax)
        ax.set(xlabel="v (mV)", ylabel="w")
        ax.text(
            0.97,
            0.02,
            f"{kind}, {current} µA/cm²",
            transform=ax.transAxes,
            ha="right",
            va="bottom",
            fontsize=6.5,
        )

    ns.plot.fi_curve(
        r["hopf_current"], r["hopf_rate"], ax=b, unit="uA/cm2", color=colors[0], label="from the cycle"
    )
    ns.plot.fi_curve(
        r["hopf_current"], r["hopf_rate_rest"], ax=b, unit="uA/cm2", color=colors[1], label="from rest"
    )
    b.lines[-1].set(marker="", ls="--")
    b.lines[0].set(marker="")
    for x, name, side in ((m["hopf_low"], "Hopf", False), (m["hopf_high"], "Hopf", True)):
        mark(b, x, name, y=0.25, left=side)
    ns.plot.fi_curve(r["snlc_current"], r["snlc_rate"], ax=e, unit="uA/cm2", color=colors[0])
    e.lines[0].set(marker="")
    mark(e, m["saddle_node"], "saddle node", y=0.9)
    title(e, "snlc: type I")

    distance = r["near_current"] - m["saddle_node"]
    f.plot(
        distance,
        r["near_rate"],
        ls="",
        marker="o",
        ms=3.6,
        mfc="none",
        mec="#262626",
        mew=0.7,
        label="measured",
    )
    line = np.geomspace(0.8 * distance[0], 1.25 * distance[-1], 50)
    f.plot(
        line, r["near_rate"][0] * np.sqrt(line / distance[0]), color=colors[1], lw=1.0, label="square root"
    )
    f.set(xscale="log", yscale="log", xlabel="Distance to saddle node (µA/cm²)", ylabel="Firing rate (Hz)")
    f.yaxis.set_minor_formatter("{x:g}")
    f.set_yticks([1, 2, 5], ["1", "2", "5"])
    f.tick_params(axis="y", which="minor", labelleft=False)
    legend(f, "upper left")
    title(f, f"Exponent {m['exponent']:.3f}")

    ns.plot.voltage(r["main"].traces["v"], ax=c, color=colors[0])
    title(c, f"{p.kind}: step to {p.current:g} µA/cm²")
    letters((a, b, c, d, e, f))
    return fig
