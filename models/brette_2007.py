"""The benchmark networks CUBA, COBA and COBAHH of Brette et al. (2007).

4000 neurons, four fifths of them excitatory; any two are connected with the probability 0.02. Conductances (COBA, COBAHH) or
currents (CUBA) jump at a spike and decay exponentially, with 5 ms (excitation) and 10 ms (inhibition).

    CUBA    tau_m dv/dt = (e_l - v) + g_e + g_i                    g in mV, over the leak conductance;  e_l above the threshold
    COBA    c_m dv/dt = g_l (e_l - v) + g_e (e_e - v) + g_i (e_i - v) + drive
            spike if v > v_th:  v <- v_reset, held for t_ref
    COBAHH  c_m dv/dt = the same, without reset, - g_na m^3 h (v - e_na) - g_k n^4 (v - e_k)     (see ns.TraubMiles)

    dg_e/dt = -g_e/tau_e,  g_e <- g_e + w_e at an excitatory spike
    dg_i/dt = -g_i/tau_i,  g_i <- g_i + w_i at an inhibitory spike

v in mV, times in ms, currents in nA, conductances in uS. Every spike travels one step. The paper drives the networks for 50 ms
and then leaves them to themselves; here they start from random potentials and conductances. So small a COBA network falls
silent by chance sooner or later: it gets a constant current of 0.2 nA, as in the comparisons of simulators. `run` measures also
how long it lives without.

The paper prints no rates: the numbers are those in which Brian2, NEST, ANNarchy and BrainPy agree.

Source: R. Brette, M. Rudolph, T. Carnevale, M. Hines, D. Beeman et al. (2007), doi:10.1007/s10827-007-0038-6, appendix B,
benchmarks 1 to 3, after T. P. Vogels, L. F. Abbott (2005), doi:10.1523/JNEUROSCI.3508-05.2005.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

import neurosim as ns
from neurosim.errors import ParameterError, nearest
from neurosim.published import Number, Outcome, Reference

from ._figures import letters, title

KINDS = ("cuba", "coba", "cobahh")
#: ms left out of the CV
SETTLING = 100.0

_PEERS = ("Brian2, NEST, ANNarchy and BrainPy agree on it for 1 s of such networks (benchmarks/networks.py). ")
_TENTH = "A tenth: it differs by less than 0.1 between seeds here, and by more between simulators."
_SPREAD = "Networks of other seeds differ by {} (one standard deviation) here; the mean of four is compared: three of its own."
REFERENCE = Reference(
    citation="R. Brette, M. Rudolph, T. Carnevale et al. (2007), Simulation of networks of spiking neurons: a review of tools "
    "and strategies, J. Comput. Neurosci. 23, 349-398",
    doi="10.1007/s10827-007-0038-6",
    numbers={
        "rate_cuba": Number(5.5, 0.5, "Hz", _PEERS + _SPREAD.format("0.3 Hz")),
        "cv_cuba": Number(0.51, 0.05, "", f"CV of the intervals. {_PEERS}A tenth: few intervals in a second."),
        "rate_coba": Number(20.5, 2.5, "Hz", f"With a drive of 0.2 nA. {_PEERS}" + _SPREAD.format("1.6 Hz")),
        "cv_coba": Number(1.65, 0.17, "", f"CV of the intervals. {_PEERS}{_TENTH}"),
        "rate_cobahh": Number(36.5, 5.0, "Hz", _PEERS + _SPREAD.format("3 Hz")),
        "cv_cobahh": Number(2.05, 0.2, "", f"CV of the intervals. {_PEERS}{_TENTH}"),
    },
)


def _unit(default: float, unit: str):
    return field(default=default, metadata={"unit": unit})


@dataclass(frozen=True)
class Parameters:
    """kind: "cuba", "coba", "cobahh", or "all" for one after the other. networks: how many are drawn, 4; numbers are means.
    n: neurons, 4000.

    p: probability of a connection, 0.02. inputs: expected inputs of a neuron; 0: what n and p make; given, p is inputs/n.
    tau_e, tau_i: decay of excitation and inhibition (ms), 5 and 10. drive: constant current of COBA (nA), 0.2. delay: of all
    spikes (ms); 0: one step. dt: time step (ms), 0.1. Of CUBA: w_e_cuba, w_i_cuba: weights (mV), 1.62 and -9. e_l_cuba (mV):
    -49. Of the others: w_e, w_i: weights (uS), 0.006 and 0.067. e_e, e_i: reversal potentials (mV), 0 and -80. c_m: (nF), 0.2.
    g_l: (uS), 0.01. e_l: (mV), -60. Of CUBA and COBA: v_th, v_reset: (mV), -50 and -60. t_ref: (ms), 5.
    """

    kind: str = "all"
    networks: int = 4
    n: int = 4_000
    p: float = 0.02
    inputs: float = 0.0
    tau_e: float = _unit(5.0, "ms")
    tau_i: float = _unit(10.0, "ms")
    drive: float = _unit(0.2, "nA")
    delay: float = _unit(0.0, "ms")
    dt: float = _unit(0.1, "ms")
    w_e_cuba: float = _unit(1.62, "mV")
    w_i_cuba: float = _unit(-9.0, "mV")
    e_l_cuba: float = _unit(-49.0, "mV")
    w_e: float = _unit(0.006, "uS")
    w_i: float = _unit(0.067, "uS")
    e_e: float = _unit(0.0, "mV")
    e_i: float = _unit(-80.0, "mV")
    c_m: float = _unit(0.2, "nF")
    g_l: float = _unit(0.01, "uS")
    e_l: float = _unit(-60.0, "mV")
    v_th: float = _unit(-50.0, "mV")
    v_reset: float = _unit(-60.0, "mV")
    t_ref: float = _unit(5.0, "ms")


_DECAY = """
    dg_e/dt = -g_e/tau_e
    dg_i/dt = -g_i/tau_i
"""


def _cell(p: Parameters) -> ns.NeuronModel:
    """Return the neuron, which holds the sums of its synapses in g_e and g_i."""
    shared = dict(tau_e=p.tau_e, tau_i=p.tau_i)
    spikes = dict(threshold="v > v_th", reset="v = v_reset", refractory="t_ref")
    levels = dict(v_th=p.v_th, v_reset=p.v_reset, t_ref=p.t_ref)
    if p.kind == "cuba":
        return ns.NeuronModel.from_equations(
            "dv/dt = (e_l - v + g_e + g_i)/tau_m (unless refractory)" + _DECAY, **spikes,
            parameters=dict(tau_m=p.c_m / p.g_l, e_l=p.e_l_cuba, **levels, **shared),
            initial=dict(v=ns.Uniform(p.v_reset, p.v_th)), name="cuba")
    # the state from which the networks of the paper's authors start: neurons below threshold, conductances near their means
    start = dict(v=ns.Normal(p.e_l - 5.0, 5.0), g_e=ns.Normal(4 * p.g_l, 1.5 * p.g_l, low=0.0),
                 g_i=ns.Normal(20 * p.g_l, 12 * p.g_l, low=0.0))
    passive = "g_l*(e_l - v) + g_e*(e_e - v) + g_i*(e_i - v)"
    constants = dict(c_m=p.c_m, g_l=p.g_l, e_l=p.e_l, e_e=p.e_e, e_i=p.e_i, **shared)
    if p.kind == "coba":
        return ns.NeuronModel.from_equations(
            f"dv/dt = ({passive} + drive)/c_m (unless refractory)" + _DECAY, **spikes,
            parameters=dict(drive=p.drive, **levels, **constants), initial=start, name="coba")
    if p.kind != "cobahh":
        raise ParameterError(f"There is no network {p.kind!r}.{nearest(p.kind, KINDS)} Known: {', '.join(KINDS)}, all.")
    return ns.NeuronModel.from_equations(
        f"""
        s = v - v_t
        dv/dt = ({passive} - g_na*m**3*h*(v - e_na) - g_k*n**4*(v - e_k))/c_m
        alpha_m = 1.28/exprel((13 - s)/4)
        beta_m = 1.4/exprel((s - 40)/5)
        alpha_h = 0.128*exp((17 - s)/18)
        beta_h = 4/(1 + exp((40 - s)/5))
        alpha_n = 0.16/exprel((15 - s)/5)
        beta_n = 0.5*exp((10 - s)/40)
        dm/dt = alpha_m*(1 - m) - beta_m*m
        dh/dt = alpha_h*(1 - h) - beta_h*h
        dn/dt = alpha_n*(1 - n) - beta_n*n
        """ + _DECAY, threshold="v > level", refractory="t_ref",
        parameters=dict(g_na=20.0, g_k=6.0, e_na=50.0, e_k=-90.0, v_t=-63.0, level=-20.0, t_ref=3.0, **constants),
        initial=start, name="cobahh")


def build(parameters: Parameters = Parameters()) -> ns.Network:
    """Return one of the networks ("all": COBA), for runs with ``dt=parameters.dt``; v of three neurons is recorded."""
    p = replace(parameters, kind="coba") if parameters.kind == "all" else parameters
    n_e = p.n * 4 // 5
    exc, inh = ns.Population(n_e, _cell(p), name="E"), ns.Population(p.n - n_e, _cell(p), name="I")
    both = [exc, inh]
    rule = ns.Bernoulli(p.inputs / p.n if p.inputs else p.p, autapses=False)
    w_e, w_i = (p.w_e_cuba, p.w_i_cuba) if p.kind == "cuba" else (p.w_e, p.w_i)
    delay = p.delay or p.dt
    return ns.Network(
        both,
        projections=[ns.Projection(exc, both, rule, ns.Delta(w_e, variable="g_e"), delay=delay),
                     ns.Projection(inh, both, rule, ns.Delta(w_i, variable="g_i"), delay=delay)],
        probes=[ns.Probe(exc, "v", neurons=[0, 1, 2], name="v")])


def run(parameters: Parameters = Parameters(), *, duration: float | None = None, seed: int = 0, threads: int = 1,
        progress=None) -> Outcome:
    """Run the networks for `duration` ms, 1000 if None; those of one kind have the seeds `seed`, `seed` + 1, ..."""
    p = parameters
    options = dict(dt=p.dt, threads=threads, progress=progress)
    length = 1000.0 if duration is None else duration
    measured: dict[str, float] = {}
    results: dict[str, object] = {}
    for kind in KINDS if p.kind == "all" else (p.kind,):
        net = build(replace(p, kind=kind))
        rows = []
        for k in range(p.networks):
            result = ns.simulate(net, length, seed=seed + k, **options)
            results.setdefault(kind, result)
            rows.append(_numbers(result))
        measured |= {f"{key}_{kind}": float(np.mean([row[key] for row in rows])) for key in rows[0]}
        measured[f"rate_{kind}_spread"] = float(np.std([row["rate"] for row in rows]))
    if p.kind == "all":
        alone = ns.simulate(build(replace(p, kind="coba", drive=0.0)), length, seed=seed, **options)
        last = max((s.times[-1] for s in alone.spikes.values() if len(s)), default=0.0)
        measured["life_without_drive"] = float(last)
        measured["rate_without_drive"] = _numbers(alone)["rate"]
    return Outcome(measured, results, p)


def _numbers(result: ns.Result) -> dict[str, float]:
    """Return rate (Hz) and CV of the intervals, means over all neurons, and the mean correlation of pairs in bins of 5 ms."""
    spikes, start = list(result.spikes.values()), min(SETTLING, result.time / 2)
    cv = np.concatenate([s.cv_isi(start) for s in spikes])
    pairs = ns.analysis.pairwise_correlations(spikes[0], 5.0, start, neurons=np.arange(min(spikes[0].size, 300)))
    return {"rate": 1000.0 * sum(map(len, spikes)) / sum(s.size for s in spikes) / result.time,
            "cv": float(np.nanmean(cv)) if np.isfinite(cv).any() else float("nan"),
            "correlation": float(pairs.mean()) if pairs.size else float("nan")}


def figure(outcome: Outcome):
    """Return raster, population rate, potentials, and CVs of each network."""
    runs = outcome.results
    fig, axes = ns.plot.figure(4, len(runs), width=2.4 * max(len(runs), 2), height=6.6, height_ratios=[2.2, 1, 1.6, 1.4])
    for column, (kind, result) in zip(axes.T, runs.items()):
        window = (max(0.0, result.time - 500.0), result.time)
        ns.plot.raster(result, first={"E": 200, "I": 50}, window=window, ax=column[:2])
        title(column[0], kind.upper())
        trace, spikes = result.traces["v"], result.spikes["E"]
        peak = None if kind == "cobahh" else 0.0
        ns.plot.voltage(trace, spikes if peak is not None else None, neurons=[0], ax=column[2], spike_height=peak,
                        color=ns.plot.PALETTE[0])
        column[2].set(xlim=window, xlabel="Time (ms)", ylabel="v (mV)")
        ns.plot.cv_histogram(result, ax=column[3], window=(min(SETTLING, result.time / 2), result.time))
    letters(axes[0])
    return fig
