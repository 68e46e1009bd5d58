"""The squid giant axon of Hodgkin and Huxley (1952).

    c_m dv/dt = i - g_na m^3 h (v - e_na) - g_k n^4 (v - e_k) - g_l (v - e_l)
    dx/dt     = alpha_x(v) (1 - x) - beta_x(v) x,                             x in {m, h, n}

    alpha_m = 0.1 (v + 40)/(1 - exp(-(v + 40)/10))     beta_m = 4 exp(-(v + 65)/18)
    alpha_h = 0.07 exp(-(v + 65)/20)                   beta_h = 1/(1 + exp(-(v + 35)/10))
    alpha_n = 0.01 (v + 55)/(1 - exp(-(v + 55)/10))    beta_n = 0.125 exp(-(v + 65)/80)

v in mV, i in uA/cm2, conductances in mS/cm2, rates in 1/ms at 6.3 degrees. The paper counts depolarisation
downwards from rest, V = -65 - v; the signs here are the modern ones.

Measured: the resting state; threshold, height and undershoot of the action potential after a brief shock
(Fig. 12); anode break excitation (Fig. 22); currents in a voltage clamp (eqs. 7 to 20); firing rate against
current; the current from which the axon is bistable; both Hopf points. The paper itself had no computer for
the last three: they are computed from its equations.

Source: A. L. Hodgkin, A. F. Huxley (1952), doi:10.1113/jphysiol.1952.sp004764. Type II onset and hysteresis:
J. Rinzel, R. N. Miller (1980), Numerical calculation of stable and unstable periodic solutions to the
Hodgkin-Huxley equations, Math. Biosci. 49, 27-59, doi:10.1016/0025-5564(80)90109-1.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

import neurosim as ns
from neurosim.published import Number, Outcome, Reference

from ._dynamics import growth_rates, rest, steady_rates, zero_of_curve
from ._figures import legend, letters, mark, title

_EQUATIONS = "of the paper's equations, by DOP853 or a root finder in tests/models; "
REFERENCE = Reference(
    citation="A. L. Hodgkin, A. F. Huxley (1952), A quantitative description of membrane current and its "
    "application to conduction and excitation in nerve, J. Physiol. 117, 500-544",
    doi="10.1113/jphysiol.1952.sp004764",
    numbers={
        "rest_v": Number(
            -64.9964,
            2e-4,
            "mV",
            f"Resting potential {_EQUATIONS}half the last digit and rounding. The paper chose e_l such that "
            "the resting current is zero.",
        ),
        "rest_m": Number(0.05296, 1e-5, "", "m_inf at rest; rounding of the digits given."),
        "rest_h": Number(0.59599, 1e-5, "", "h_inf at rest; rounding of the digits given."),
        "rest_n": Number(0.31773, 1e-5, "", "n_inf at rest; rounding of the digits given."),
        "shock_threshold": Number(
            6.5,
            0.5,
            "mV",
            "Fig. 12: an instantaneous depolarisation of 6 mV fails, one of 7 mV makes an action potential.",
        ),
        "spikes_fig12": Number(
            3, 0, "", "Fig. 12: shocks of 90, 15 and 7 mV each make one action potential, 6 mV none."
        ),
        "spike_height": Number(
            100.0,
            10.0,
            "mV",
            "Fig. 12, 15 mV: top of the action potential above rest; read from the figure to 10 mV.",
        ),
        "anode_break_spikes": Number(1, 0, "", "Fig. 22: one action potential after release from -30 mV."),
        "clamp_peak_na": Number(
            -1456.84,
            0.05,
            "uA/cm2",
            "Peak of g_na m^3 h (v - e_na) for a step from -65 to 0 mV with the gates of eqs. 11, 12 in "
            "closed form; samples every 0.01 ms.",
        ),
        "clamp_steady_k": Number(
            1890.29, 0.01, "uA/cm2", "g_k n_inf^4 (v - e_k) at 0 mV, closed form (eq. 6)."
        ),
        "clamp_reversal": Number(
            50.0,
            0.1,
            "mV",
            "E_Na = 50 mV (V_Na = -115 mV in the paper, Table 3): where the peak sodium current vanishes, "
            "interpolated between steps 10 mV apart.",
        ),
        "onset_spikes_2": Number(
            0, 0, "", f"Spikes after a step from rest to 2 uA/cm2, 2 s, {_EQUATIONS}a count."
        ),
        "onset_spikes_3": Number(1, 0, "", "The same at 3 uA/cm2."),
        "onset_spikes_6_25": Number(8, 0, "", "The same at 6.25 uA/cm2: eight, then silence."),
        "rate_6_30": Number(52.4, 0.05, "Hz", f"Endless firing at 6.30 uA/cm2 {_EQUATIONS}rounding."),
        "rate_10": Number(68.3, 0.05, "Hz", f"At 10 uA/cm2 {_EQUATIONS}rounding."),
        "rate_20": Number(86.5, 0.05, "Hz", f"At 20 uA/cm2 {_EQUATIONS}rounding."),
        "rate_50": Number(117.0, 0.5, "Hz", f"At 50 uA/cm2 {_EQUATIONS}rounding."),
        "firing_until": Number(
            6.2603,
            0.002,
            "uA/cm2",
            f"Lowest current at which repetitive firing goes on (fold of the limit cycles) {_EQUATIONS}the "
            "currents tried are 0.002 apart.",
        ),
        "hopf_low": Number(
            9.775,
            0.002,
            "uA/cm2",
            "Rest loses stability: eigenvalues of the Jacobian of the paper's equations; growth rates are "
            "fitted to 0.2 %. Rinzel & Miller (1980) find the same two points for their e_l.",
        ),
        "hopf_high": Number(
            154.52, 0.02, "uA/cm2", "Rest regains stability (depolarisation block); as hopf_low."
        ),
    },
)

CELLS = "axon"


def _unit(default: float, unit: str):
    return field(default=default, metadata={"unit": unit})


@dataclass(frozen=True)
class Parameters:
    """Constants of the membrane (Table 3 of the paper) and the protocol.

    c_m: capacitance (uF/cm2), 1. g_na, g_k, g_l: maximal conductances (mS/cm2), 120, 36, 0.3.
    e_na, e_k, e_l: reversal potentials (mV), 50, -77, -54.387.
    current: step of the main network (uA/cm2), 10. dt: time step (ms), 0.01.
    rate_duration: length of the runs in which rates are measured (ms), 2000.
    """

    c_m: float = _unit(1.0, "uF/cm2")
    g_na: float = _unit(120.0, "mS/cm2")
    g_k: float = _unit(36.0, "mS/cm2")
    g_l: float = _unit(0.3, "mS/cm2")
    e_na: float = _unit(50.0, "mV")
    e_k: float = _unit(-77.0, "mV")
    e_l: float = _unit(-54.387, "mV")
    current: float = _unit(10.0, "uA/cm2")
    dt: float = _unit(0.01, "ms")
    rate_duration: float = _unit(2000.0, "ms")


_GATES = """
    alpha_m = 1/exprel(-(v + 40)/10)
    beta_m = 4*exp(-(v + 65)/18)
    alpha_h = 0.07*exp(-(v + 65)/20)
    beta_h = 1/(1 + exp(-(v + 35)/10))
    alpha_n = 0.1/exprel(-(v + 55)/10)
    beta_n = 0.125*exp(-(v + 65)/80)
    i_na = g_na*m**3*h*(v - e_na)
    i_k = g_k*n**4*(v - e_k)
    dm/dt = alpha_m*(1 - m) - beta_m*m
    dh/dt = alpha_h*(1 - h) - beta_h*h
    dn/dt = alpha_n*(1 - n) - beta_n*n
"""


def _model(p: Parameters) -> ns.NeuronModel:
    return ns.HodgkinHuxley(c_m=p.c_m, g_na=p.g_na, g_k=p.g_k, g_l=p.g_l, e_na=p.e_na, e_k=p.e_k, e_l=p.e_l)


def _axons(p: Parameters, size: int = 1, **values) -> ns.Population:
    """Return axons at rest; `values` are other initial values."""
    at_rest = {name: float(value[0]) for name, value in rest(_model(p), 0.0).items()}
    return ns.Population(size, _model(p), name=CELLS, initial={**at_rest, **values})


def _clamped(p: Parameters, holding: float) -> ns.NeuronModel:
    """Return the gates alone, steady at `holding` (mV): v is an input, so that a stimulus holds it."""
    model = ns.NeuronModel.from_equations(
        _GATES,
        parameters=dict(g_na=p.g_na, g_k=p.g_k, e_na=p.e_na, e_k=p.e_k),
        inputs=["v"],
        name="hodgkin_huxley_clamped",
    )
    return model.with_parameters(**ns.analysis.fixed_point(model, inputs={"v": holding}).values)


def build(parameters: Parameters = Parameters()) -> ns.Network:
    """Return one axon at rest that gets the step of current from 5 ms on; v, m, h and n are recorded."""
    axon = _axons(parameters)
    probes = [ns.Probe(axon, x, every=_every(parameters, 0.05), name=x) for x in ("v", "m", "h", "n")]
    return ns.Network([axon], stimuli=[ns.Step(parameters.current, target=axon, start=5.0)], probes=probes)


def _every(p: Parameters, interval: float) -> float:
    return max(1, round(interval / p.dt)) * p.dt


def run(
    parameters: Parameters = Parameters(),
    *,
    duration: float | None = None,
    seed: int = 0,
    threads: int = 1,
    progress=None,
) -> Outcome:
    """Run all experiments of this module; `duration` (ms) is that of the main network, 60 if None."""
    p = parameters
    options = dict(dt=p.dt, threads=threads, progress=progress, method="rk4")
    main = ns.simulate(build(p), 60.0 if duration is None else duration, seed=seed, **options)
    measured, results = {}, {"main": main}
    for experiment in (_rest, _shocks, _anode_break, _clamp, _firing, _bistability, _hopf):
        numbers, kept = experiment(p, options)
        measured |= numbers
        results |= kept
    numbers, kept = _ramp(p, options, seed)
    return Outcome(measured | numbers, results | kept, p)


def _rest(p: Parameters, options: dict):
    axon = _axons(p, v=-70.0, m=0.1, h=0.5, n=0.3)
    # an array, as in the experiments below, so that one compiled step serves them all
    result = ns.simulate(ns.Network([axon], stimuli=[ns.DC(np.zeros(1), target=axon)]), 400.0, **options)
    return {f"rest_{x}": float(result.final(CELLS, x)[0]) for x in ("v", "m", "h", "n")}, {}


def _shocks(p: Parameters, options: dict):
    """A brief shock displaces v at once and leaves the gates as they are."""
    v_rest = float(rest(_model(p), 0.0)["v"][0])
    paper, fine = np.array([90.0, 15.0, 7.0, 6.0]), np.round(np.arange(5.0, 8.005, 0.01), 2)
    shock = np.concatenate([paper, fine])
    axon = _axons(p, shock.size, v=v_rest + shock)
    probe = ns.Probe(axon, "v", neurons=np.arange(4), name="v")
    result = ns.simulate(ns.Network([axon], probes=[probe]), 25.0, **options)
    v = result.traces["v"]
    # the strongest shock begins above the threshold of the spike detector
    high = np.array([v.values[:, k].max() > 0.0 for k in range(4)])
    fired = result.spikes[CELLS].counts()[4:] > 0
    first = fine[fired].min() if fired.any() else np.nan
    height = float(v.values[:, 1].max() - v_rest)
    measured = {
        "shock_threshold": float(first) - 0.005,
        "spikes_fig12": float(high.sum()),
        "spike_height": height,
        "spike_undershoot": float(v_rest - v.values[:, 1].min()),
        "spike_peak_time": float(v.times[v.values[:, 1].argmax()]),
    }
    return measured, {"shocks": v, "shock_sizes": paper}


def _anode_break(p: Parameters, options: dict):
    """Held 30 mV below rest until the gates are steady, then released."""
    held = float(rest(_model(p), 0.0)["v"][0]) - 30.0
    # without initial values of its own, a gate begins at its steady state for the initial v
    axon = ns.Population(1, _model(p), name=CELLS, initial={"v": held})
    net = ns.Network([axon], probes=[ns.Probe(axon, "v", every=_every(p, 0.05), name="v")])
    result = ns.simulate(net, 40.0, **options)
    return {"anode_break_spikes": float(len(result.spikes[CELLS]))}, {"anode_break": result.traces["v"]}


def _clamp(p: Parameters, options: dict):
    steps = np.arange(-50.0, 81.0, 10.0)
    holding = -65.0
    cells = ns.Population(steps.size, _clamped(p, holding), name="clamp")
    net = ns.Network(
        [cells],
        stimuli=[ns.DC(steps, target=cells)],
        probes=[ns.Probe(cells, name, name=name) for name in ("i_na", "i_k")],
    )
    result = ns.simulate(net, 40.0, **{**options, "method": "exponential_euler"})
    i_na, i_k = result.traces["i_na"], result.traces["i_k"]
    peak = np.take_along_axis(i_na.values, np.abs(i_na.values).argmax(0)[np.newaxis], 0)[0]
    at = int(np.flatnonzero(steps == 0.0)[0])
    last = int(np.flatnonzero((peak[:-1] < 0) & (peak[1:] >= 0))[-1])
    reversal = steps[last] - peak[last] * (steps[last + 1] - steps[last]) / (peak[last + 1] - peak[last])
    measured = {
        "clamp_peak_na": float(peak[at]),
        "clamp_steady_k": float(i_k.values[-1, at]),
        "clamp_reversal": float(reversal),
    }
    return measured, {
        "clamp_steps": steps,
        "clamp_na": i_na,
        "clamp_k": i_k,
        "clamp_peak": peak,
        "clamp_steady": i_k.values[-1],
    }


def _firing(p: Parameters, options: dict):
    named = {"2": 2.0, "3": 3.0, "6_25": 6.25, "6_30": 6.30, "10": 10.0, "20": 20.0, "50": 50.0}
    current = np.concatenate([list(named.values()), np.arange(0.0, 15.0, 0.25), np.arange(15.0, 175.1, 2.5)])
    axon = _axons(p, current.size)
    net = ns.Network([axon], stimuli=[ns.DC(current, target=axon)])
    spikes = ns.simulate(net, p.rate_duration, **options).spikes[CELLS]
    rate, count = steady_rates(spikes, 0.25 * p.rate_duration), spikes.counts()
    place = {name: k for k, name in enumerate(named)}
    measured = {f"onset_spikes_{x}": float(count[place[x]]) for x in ("2", "3", "6_25")}
    measured |= {f"rate_{x}": float(rate[place[x]]) for x in ("6_30", "10", "20", "50")}
    order = np.argsort(current[len(named) :], kind="stable") + len(named)
    return measured, {"fi_current": current[order], "fi_rate": rate[order]}


def _bistability(p: Parameters, options: dict):
    """Firing is carried from 6.5 uA/cm2 to lower currents: where does it go on?"""
    axon = _axons(p)
    cycle = ns.simulate(ns.Network([axon], stimuli=[ns.DC(np.array([6.5]), target=axon)]), 500.0, **options)
    start = {x: float(cycle.final(CELLS, x)[0]) for x in ("v", "m", "h", "n")}
    current = np.round(np.arange(6.24, 6.2901, 0.002), 4)
    axon = _axons(p, current.size, **start)
    spikes = ns.simulate(ns.Network([axon], stimuli=[ns.DC(current, target=axon)]), 3000.0, **options).spikes[
        CELLS
    ]
    going = current[steady_rates(spikes, 2500.0) > 0]
    return {"firing_until": float(going.min()) - 0.001 if going.size else float("nan")}, {}


def _hopf(p: Parameters, options: dict):
    """Growth rate of oscillations of a microvolt around the fixed point, on both sides of each Hopf point."""
    measured = {}
    for name, current in (
        ("hopf_low", np.linspace(9.4, 10.2, 5)),
        ("hopf_high", np.linspace(152.0, 157.0, 5)),
    ):
        point = rest(_model(p), current)
        axon = _axons(p, current.size, **{**point, "v": point["v"] + 1e-3})
        net = ns.Network(
            [axon], stimuli=[ns.DC(current, target=axon)], probes=[ns.Probe(axon, "v", name="v")]
        )
        v = ns.simulate(net, 250.0, **options).traces["v"]
        late = v.times > 50.0
        growth = growth_rates(v.times[late], v.values[late] - point["v"])
        measured[name] = zero_of_curve(current, growth)
    return measured, {}


def _ramp(p: Parameters, options: dict, seed: int):
    """Up and down slowly: weak noise lets the axon leave rest soon after it has become unstable."""
    top, half = 13.0, 2000.0
    axon = _axons(p, **{x: float(y[0]) for x, y in rest(_model(p), 4.0).items()})
    up = ns.Ramp(first=4.0, last=top, target=axon, start=0.0, stop=half)
    down = ns.Ramp(first=0.0, last=4.0 - top, target=axon, start=half, stop=2 * half)
    net = ns.Network([axon], stimuli=[up, down, ns.WhiteNoise(sigma=0.02, target=axon)])
    times = ns.simulate(net, 2 * half, seed=seed, **options).spikes[CELLS].times
    current = np.interp(times, [0.0, half, 2 * half], [4.0, top, 4.0])
    measured = {"ramp_onset": float(current[0]), "ramp_offset": float(current[-1])} if times.size else {}
    return measured, {"ramp_times": times, "ramp_current": current, "ramp_turn": half}


def figure(outcome: Outcome):
    """Return the figure: action potential and gates, shocks, voltage clamp, rates, hysteresis."""
    r, p = outcome.results, outcome.parameters
    colors = ns.plot.PALETTE
    fig, axes = ns.plot.figure(2, 3, width=7.2, height=4.6)
    main, (a, b, c), (d, e, f) = r["main"].traces, axes[0], axes[1]

    ns.plot.voltage(main["v"], ax=a, color=colors[0])
    title(a, f"Step to {p.current:g} µA/cm²")
    ns.plot.gates({x: main[x] for x in "mhn"}, ax=d)

    v = r["shocks"]
    for k, size in enumerate(r["shock_sizes"]):
        b.plot(v.times, v.values[:, k], color=colors[k], label=f"{size:g} mV", lw=1.1)
    b.plot(
        r["anode_break"].times,
        r["anode_break"].values[:, 0],
        color=colors[7],
        ls="--",
        lw=1.0,
        label="anode break",
    )
    b.set(
        xlim=(0, 18),
        ylim=(-100, 55),
        xlabel="Time after shock or release (ms)",
        ylabel="Membrane potential (mV)",
    )
    legend(b, "upper right")
    title(b, "Brief shocks, release from −30 mV")

    steps, na, k_ = r["clamp_steps"], r["clamp_na"], r["clamp_k"]
    shown = na.times <= 10.0
    for n, color in zip((9, 5, 2, 0), (colors[1], colors[2], colors[0], colors[5])):
        total = (na.values + k_.values)[shown, n] / 1000
        e.plot(na.times[shown], total, color=color, lw=1.1)
        e.text(10.15, total[-1], f"{steps[n]:g} mV".replace("-", "−"), fontsize=6, color=color, va="center")
    e.set(xlim=(0, 12), xticks=(0, 5, 10), xlabel="Time after step (ms)", ylabel="Ionic current (mA/cm²)")
    title(e, "Voltage clamp from −65 mV")

    known = ((10, 20, 50), [REFERENCE.numbers[f"rate_{x}"].value for x in (10, 20, 50)], "DOP853")
    ns.plot.fi_curve(r["fi_current"], r["fi_rate"], ax=c, unit="uA/cm2", reference=known)
    m = outcome.measured
    c.axvspan(m["firing_until"], m["hopf_low"], color=colors[4], alpha=0.35, lw=0)
    c.annotate(
        "bistable",
        xy=(9.0, 20.0),
        xytext=(30.0, 20.0),
        fontsize=6,
        va="center",
        arrowprops=dict(arrowstyle="-", lw=0.6),
    )

    t, i, turn = r["ramp_times"], r["ramp_current"], r["ramp_turn"]
    rise, fall = t < turn, t >= turn
    for side, color, style, name in (
        (fall, colors[1], "-", "current falls"),
        (rise, colors[0], "--", "current rises"),
    ):
        x, y = i[side][1:], 1000 / np.diff(t[side])
        # silence is drawn as well: it is half of the loop
        x, y = (
            (np.r_[4.0, x[0], x], np.r_[0.0, 0.0, y])
            if side is rise
            else (np.r_[x, x[-1], 4.0], np.r_[y, 0.0, 0.0])
        )
        f.plot(x, y, color=color, ls=style, lw=1.1, label=name)
    mark(f, m["firing_until"], "fold", y=0.1)
    mark(f, m["hopf_low"], "Hopf", y=0.1, left=True)
    f.set(
        xlim=(4.0, 13.0), ylim=(-2, 100), xlabel="Current of a slow ramp (µA/cm²)", ylabel="1/interval (Hz)"
    )
    legend(f, "upper right")
    letters((a, b, c, d, e, f))
    return fig
