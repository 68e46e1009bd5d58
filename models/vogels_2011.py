"""Plasticity of inhibitory synapses balances excitation, in one neuron and in a network (Vogels et al. 2011).

    c_m dv/dt = g_l (e_l - v) + g_e (e_e - v) + g_i (e_i - v) + current,    v > v_th:  v <- e_l, held for t_ref
    tau_e dg_e/dt = -g_e,    tau_i dg_i/dt = -g_i                            (kicks at spikes that arrive)
    tau_stdp dx/dt = -x (source)    tau_stdp dy/dt = -y (target)
    inhibitory source spikes:   g_i <- g_i + w,  x <- x + 1,  w <- w + eta (y - 2 rho_0 tau_stdp)
    target spikes:                               y <- y + 1,  w <- w + eta x,               w >= 0

v in mV, conductances in nS, currents in pA, c_m in pF.  A weight stands still where its target fires at rho_0.

Feed-forward: a neuron has n_channels groups of excitatory and inhibitory inputs; the sources of a group share a fluctuating
rate.  Excitatory weights are tuned to one group; inhibitory ones begin at 0 and learn the same tuning: detailed balance.

Recurrent: n_e excitatory and n_i inhibitory neurons connected at random with probability p.  Without inhibition of the
excitatory neurons the network fires fast and in synchrony; plasticity of these synapses brings it to rho_0, asynchronous and
irregular.

The learning rates here are higher than in the paper, so that balance is reached in a minute of the model's time; the state that
is reached does not depend on them.

Source: T. P. Vogels, H. Sprekeler, F. Zenke, C. Clopath, W. Gerstner (2011), doi:10.1126/science.1211095.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

import neurosim as ns
from neurosim.published import Number, Outcome, Reference

from ._figures import legend, letters, title

REFERENCE = Reference(
    citation="T. P. Vogels, H. Sprekeler, F. Zenke, C. Clopath, W. Gerstner (2011), Inhibitory plasticity balances excitation "
    "and inhibition in sensory pathways and memory networks, Science 334, 1569-1573",
    doi="10.1126/science.1211095",
    numbers={
        "rate_single": Number(5.0, 1.5, "Hz", "rho_0, where the mean change of the weights vanishes. Spikes come in "
                              "clusters, while the preferred channel is up: 90 in 18 s are not independent."),
        "detailed_balance": Number(1.0, 0.15, "", "Figure 1: inhibitory weights take the tuning of the excitatory ones: "
                                   "correlation over eight channels, lowered by chance in a minute of input."),
        "rate_after": Number(3.0, 1.0, "Hz", "rho_net; above it as long as weights still grow, and because spikes of sources "
                             "and targets are not independent."),
        "cv_after": Number(1.0, 0.2, "", "Figure 3: asynchronous irregular; CV of the intervals near 1."),
        "pairs_after": Number(0.0, 0.02, "", "The same: correlation of spike counts of pairs in 5 ms near 0."),
    },
)
CELL, PLASTIC = "cell", "I->E"


def _unit(default: float, unit: str):
    return field(default=default, metadata={"unit": unit})


@dataclass(frozen=True)
class Parameters:
    """Neurons: g_l (nS), 10; c_m (pF), 200; e_l, e_e, e_i, v_th (mV), -60, 0, -80, -50; t_ref, tau_e, tau_i (ms), 5, 5, 10.

    Rule: tau_stdp (ms), 20; w_max (nS), 100.
    Feed-forward: rho_0 (Hz), 5; eta (nS), 0.005; n_channels 8; preferred channel 5; inputs_e, inputs_i: inputs in each channel,
    100 and 25; weight (nS), 0.14, times 0.3 + 1.1/(1 + (k - preferred)^4); base, swing: rate of a source in Hz is base +
    swing times the positive part of a fluctuation of variance 1, 2 and 15; tau_signal: its correlation time (ms), 50.
    Recurrent: rho_net (Hz), 3; eta_net (nS), 0.05; n_e, n_i: 8000 and 2000; p: 0.02; w_e, w_ii (nS): 0.3 and 3; current (pA),
    200.  dt: time step (ms), 0.1; also the delay.
    """

    g_l: float = _unit(10.0, "nS")
    c_m: float = _unit(200.0, "pF")
    e_l: float = _unit(-60.0, "mV")
    e_e: float = _unit(0.0, "mV")
    e_i: float = _unit(-80.0, "mV")
    v_th: float = _unit(-50.0, "mV")
    t_ref: float = _unit(5.0, "ms")
    tau_e: float = _unit(5.0, "ms")
    tau_i: float = _unit(10.0, "ms")
    tau_stdp: float = _unit(20.0, "ms")
    w_max: float = _unit(100.0, "nS")
    rho_0: float = _unit(5.0, "Hz")
    eta: float = _unit(0.005, "nS")
    n_channels: int = 8
    preferred: int = 5
    inputs_e: int = 100
    inputs_i: int = 25
    weight: float = _unit(0.14, "nS")
    base: float = _unit(2.0, "Hz")
    swing: float = _unit(15.0, "Hz")
    tau_signal: float = _unit(50.0, "ms")
    rho_net: float = _unit(3.0, "Hz")
    eta_net: float = _unit(0.05, "nS")
    n_e: int = 8000
    n_i: int = 2000
    p: float = 0.02
    w_e: float = _unit(0.3, "nS")
    w_ii: float = _unit(3.0, "nS")
    current: float = _unit(200.0, "pA")
    dt: float = _unit(0.1, "ms")


def _cell(p: Parameters, current: float) -> ns.NeuronModel:
    names = ("g_l", "c_m", "e_l", "e_e", "e_i", "v_th", "t_ref", "tau_e", "tau_i")
    return ns.NeuronModel.from_equations(
        """
        i_e = g_e*(e_e - v)
        i_i = g_i*(e_i - v)
        dv/dt = (g_l*(e_l - v) + i_e + i_i + current)/c_m (unless refractory)
        dg_e/dt = -g_e/tau_e
        dg_i/dt = -g_i/tau_i
        """,
        threshold="v > v_th", reset="v = e_l", refractory="t_ref", name="vogels",
        parameters={k: getattr(p, k) for k in names} | {"current": current}, initial={"v": "e_l"})


def _rule(p: Parameters, rho_0: float, eta: float) -> ns.PlasticityModel:
    return ns.InhibitorySTDP(tau=p.tau_stdp, rho_0=rho_0, eta=eta, w_max=p.w_max)


def tuning(p: Parameters) -> np.ndarray:
    """Return the excitatory weight of each channel (nS)."""
    k = np.arange(1, p.n_channels + 1)
    return p.weight * (0.3 + 1.1 / (1 + (k - p.preferred) ** 4))


def build(parameters: Parameters = Parameters()) -> ns.Network:
    """Return the recurrent network with plasticity switched off (eta = 0), for runs with ``dt=parameters.dt``."""
    p = parameters
    cell = _cell(p, p.current)
    start = {"v": ns.Uniform(p.e_l, p.v_th)}
    exc, inh = (ns.Population(n, cell, name=name, initial=start) for n, name in ((p.n_e, "E"), (p.n_i, "I")))
    random = ns.Bernoulli(p.p)
    return ns.Network([exc, inh], projections=[
        ns.Projection(exc, [exc, inh], random, ns.Delta(p.w_e, variable="g_e"), delay=p.dt),
        ns.Projection(inh, inh, random, ns.Delta(p.w_ii, variable="g_i"), delay=p.dt),
        ns.Projection(inh, exc, random, ns.Delta(0.0, variable="g_i"), delay=p.dt, plasticity=_rule(p, p.rho_net, 0.0),
                      name=PLASTIC)])


def feed_forward(parameters: Parameters = Parameters(), every: float = 1000.0) -> ns.Network:
    """Return the single neuron with its channels; `every`: ms between samples of the weights."""
    p = parameters
    signal = ns.NeuronModel.from_equations("ds/dt = -s/tau + sqrt(2/tau)*xi\nup = maximum(s, 0)",
                                           parameters={"tau": p.tau_signal}, name="signal")
    source = ns.NeuronModel.from_equations("", threshold="rand() < (rate + i)*dt/1000", edge=False, inputs=["i"],
                                           parameters={"rate": p.base}, name="source")
    channels = ns.Population(p.n_channels, signal, name="channels")
    exc, inh = (ns.Population(p.n_channels * n, source, name=name) for n, name in ((p.inputs_e, "E"), (p.inputs_i, "I")))
    neuron = ns.Population(1, _cell(p, 0.0), name=CELL)
    strength = np.repeat(tuning(p), p.inputs_e)[:, None]
    plastic = ns.Projection(inh, neuron, ns.AllToAll(), ns.Delta(0.0, variable="g_i"), delay=p.dt,
                            plasticity=_rule(p, p.rho_0, p.eta), name=PLASTIC)
    spread = [ns.GradedProjection(channels, pop, np.repeat(np.eye(p.n_channels), n, axis=1), variable="up", weight=p.swing)
              for pop, n in ((exc, p.inputs_e), (inh, p.inputs_i))]
    probes = [ns.Probe(plastic, "w", every=every, name="w"),
              *(ns.Probe(neuron, x, every=10 * p.dt, name=x) for x in ("i_e", "i_i"))]
    fixed = ns.Projection(exc, neuron, ns.Matrix(strength), ns.Delta(1.0, variable="g_e"), delay=p.dt)
    return ns.Network([channels, exc, inh, neuron], projections=[*spread, plastic, fixed], probes=probes,
                      record_spikes=[neuron])


def run(parameters: Parameters = Parameters(), *, duration: float | None = None, seed: int = 0, threads: int = 1,
        progress=None) -> Outcome:
    """Run both experiments with plasticity for `duration` ms, 60 s if None; the network for 1 s without it before."""
    p = parameters
    length = 60_000.0 if duration is None else duration
    common = dict(seed=seed, threads=threads, progress=progress)
    every = max(10.0, round(length / 100 / p.dt) * p.dt)
    single = ns.simulate(feed_forward(p, every), length, p.dt, **common)
    network = build(p)
    before = ns.simulate(network, 1000.0, p.dt, **common)
    after = ns.simulate(network, length, p.dt, resume=before, changes={PLASTIC: {"eta": p.eta_net}}, **common)
    w = single.connections[PLASTIC].weight.reshape(p.n_channels, -1).mean(axis=1)
    spikes, late = single.spikes[CELL], 0.7 * length
    measured = {"rate_single": float(spikes.rates(late)[0]), "cv_single": float(spikes.cv_isi(late)[0]),
                "rate_single_early": float(spikes.rates(0.0, min(1000.0, length))[0]),
                "detailed_balance": float(np.corrcoef(w, tuning(p))[0, 1]),
                "correlation_early": _correlation(single, 0.0, min(1000.0, length)),
                "correlation_late": _correlation(single, late, length)}
    for name, result, start in (("before", before, 200.0), ("after", after, 1000.0 + 0.7 * length)):
        measured |= {f"{key}_{name}": value for key, value in _state(result, start).items()}
    return Outcome(measured, {"single": single, "before": before, "after": after}, p)


def _correlation(result: ns.Result, start: float, stop: float) -> float:
    """Return the correlation of the excitatory with the inhibitory current."""
    t = result.traces["i_e"].times
    seen = (t >= start) & (t < stop)
    currents = [result.traces[x].values[seen, 0] for x in ("i_e", "i_i")]
    return float(-np.corrcoef(*currents)[0, 1]) if min(np.ptp(x) for x in currents) > 0 else float("nan")


def _state(result: ns.Result, start: float) -> dict[str, float]:
    """Return rate, CV of the intervals, and correlation of pairs in bins of 5 ms, of the excitatory neurons."""
    spikes = result.spikes["E"].window(max(start, result.time - 10_000.0), result.time)
    pairs = ns.analysis.pairwise_correlations(spikes, 5.0, spikes.start, neurons=np.arange(min(200, spikes.size)))
    cv = spikes.cv_isi()
    return {"rate": float(spikes.rates().mean()), "rate_i": float(result.spikes["I"].rates(start).mean()),
            "cv": float(np.nanmean(cv)) if np.isfinite(cv).any() else float("nan"),
            "pairs": float(np.nanmean(pairs)) if pairs.size else float("nan")}


def figure(outcome: Outcome):
    """Return tuning and course of the weights, currents, rates, and the network before and after."""
    p, found, m = outcome.parameters, outcome.results, outcome.measured
    single, before, after = found["single"], found["before"], found["after"]
    blue, red, grey = ns.plot.PALETTE[0], ns.plot.PALETTE[1], "#8C8C8C"
    fig, axes = ns.plot.figure(3, 3, width=7.2, height=6.4)
    k = np.arange(1, p.n_channels + 1)
    ax = axes[0, 0]
    w = single.connections[PLASTIC].weight.reshape(p.n_channels, -1)
    ax.plot(k, tuning(p), "o-", color=red, ms=3, lw=1.1)
    ax.set(xlabel="Channel", ylabel="Excitatory weight (nS)", ylim=(0, None), xticks=k)
    other = ax.twinx()
    other.errorbar(k, w.mean(axis=1), w.std(axis=1), fmt="s-", color=blue, ms=3, lw=1.1, elinewidth=0.7)
    other.set_ylabel("Inhibitory weight (nS)", color=blue, fontsize=7.5)
    other.tick_params(labelsize=6.5, labelcolor=blue)
    other.set_ylim(0, None)
    other.spines["top"].set_visible(False)
    title(ax, f"Detailed balance, r = {m['detailed_balance']:.2f}")
    ax = axes[0, 1]
    trace = single.traces["w"]
    means = trace.values.reshape(len(trace.times), p.n_channels, -1).mean(axis=2)
    for c in range(p.n_channels):
        color, width = (red, 1.1) if c + 1 == p.preferred else (grey, 0.7)
        ax.plot(trace.times / 1000, means[:, c], color=color, lw=width)
    ax.set(xlabel="Time (s)", ylabel="Mean inhibitory weight (nS)")
    title(ax, "Preferred channel red")
    ax = axes[0, 2]
    edges = np.arange(0.0, single.time + 1, max(500.0, single.time / 40))
    rate = np.histogram(single.spikes[CELL].times, edges)[0] / np.diff(edges) * 1000
    ax.plot((edges[1:] + edges[:-1]) / 2000, rate, color=blue, lw=1.1)
    ax.axhline(p.rho_0, color=grey, lw=0.7, ls="--")
    ax.set(xlabel="Time (s)", ylabel="Rate (Hz)", yscale="log")
    _plain(ax)
    title(ax, "Single neuron; target dashed")
    for ax, (low, label) in zip(axes[1, :2], ((0.0, "First second"), (single.time - 1000.0, "Last second"))):
        t = single.traces["i_e"].times
        seen = (t >= low) & (t < low + 1000.0)
        e, i = (single.traces[x].values[seen, 0] / 1000 for x in ("i_e", "i_i"))
        ax.plot(t[seen] / 1000, e, color=red, lw=0.7, label="excitatory")
        ax.plot(t[seen] / 1000, i, color=blue, lw=0.7, label="inhibitory")
        ax.plot(t[seen] / 1000, e + i, color="#262626", lw=0.7, label="sum")
        ax.set(xlabel="Time (s)", ylabel="Synaptic current (nA)")
        title(ax, label)
    legend(axes[1, 1], "upper left", ncols=3)
    for ax in axes[1, :2]:
        ax.set_ylim(-0.25, 0.55)
    ax = axes[1, 2]
    spikes = np.concatenate([before.spikes["E"].times, after.spikes["E"].times])
    edges = np.arange(0.0, after.time + 1, max(100.0, after.time / 200))
    rate = np.histogram(spikes, edges)[0] / np.diff(edges) * 1000 / p.n_e
    ax.plot((edges[1:] + edges[:-1]) / 2000, rate, color=blue, lw=1.1)
    ax.axhline(p.rho_net, color=grey, lw=0.7, ls="--")
    ax.set(xlabel="Time (s)", ylabel="Mean rate (Hz)", yscale="log")
    _plain(ax)
    title(ax, "Network; plastic from 1 s")
    for ax, result, key in ((axes[2, 0], before, "before"), (axes[2, 1], after, "after")):
        low = result.time - 300.0
        part = result.spikes["E"].window(low, result.time)
        shown = part.indices < 200
        ax.plot(part.times[shown] - low, part.indices[shown], ".", ms=1.2, mew=0, color=blue)
        ax.set(xlabel="Time (ms)", ylabel="Neuron", xlim=(0, 300), ylim=(-1, 200))
        title(ax, f"{key.capitalize()}: {m[f'rate_{key}']:.1f} Hz, CV {m[f'cv_{key}']:.2f}")
    ns.plot.weight_histogram(after.connections[PLASTIC], ax=axes[2, 2], unit="nS", log_counts=True)
    letters(axes.ravel(), "abcdefghi")
    return fig


def _plain(ax) -> None:
    """Write the numbers of a logarithmic axis without powers, at 1, 2 and 5 of each decade."""
    from matplotlib.ticker import LogLocator

    ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter("")
