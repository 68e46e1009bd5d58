"""Competitive Hebbian learning: STDP parts the synapses of one neuron into weak and strong ones (Song, Miller and Abbott 2000).

    tau_m dv/dt = v_rest - v + g_ex (e_ex - v) + g_in (e_in - v),      v > v_th:  v <- v_reset
    tau_ex dg_ex/dt = -g_ex,    tau_in dg_in/dt = -g_in                (conductances in units of the leak)
    source spikes:   g_ex <- g_ex + w,  w <- w - a_minus y g_max       tau_minus dy/dt = -y,  y <- y + 1 at spikes of the neuron
    neuron spikes:   w <- w + a_plus x g_max                           tau_plus dx/dt = -x,   x <- x + 1 at spikes of the source
    0 <= w <= g_max

One neuron has n_ex = 1000 excitatory synapses, each with a Poisson source of its own, and n_in = 200 inhibitory ones of fixed
weight.  Depression is stronger than potentiation (a_minus/a_plus = 1.05): inputs that do not help to fire the neuron lose,
until it fires so rarely and irregularly that those which arrive just before a spike gain.  The result is the same from any
start:

- the weights part into a weak and a strong group, without any difference between the inputs (figure 2);
- the faster the inputs, the fewer synapses are strong, so that the rate of the neuron hardly follows that of its inputs;
- excitation is brought to balance inhibition: irregular firing;
- of inputs with and without a common rate those with it win (`correlated`), though all fire at the same mean rate.

Two spikes in one step count as source first, which favours potentiation by about dt; the balance of a_plus and a_minus is
1 ms wide (0.05 tau), so that dt must be well below: 0.1 ms.

Source: S. Song, K. D. Miller, L. F. Abbott (2000), doi:10.1038/78829.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

import neurosim as ns
from neurosim.published import Number, Outcome, Reference

from ._figures import letters, title

_BRIAN2 = "Brian2 2.9 with the same equations, parameters and first weights, another seed, last fifth of the run"
REFERENCE = Reference(
    citation="S. Song, K. D. Miller, L. F. Abbott (2000), Competitive Hebbian learning through spike-timing-dependent synaptic "
    "plasticity, Nat. Neurosci. 3, 919-926",
    doi="10.1038/78829",
    numbers={
        "rate_20": Number(16.8, 4.0, "Hz", f"{_BRIAN2} of 200 s. Fifths of a run differ by 1 to 2 Hz."),
        "cv_20": Number(0.77, 0.07, "", f"{_BRIAN2}; irregular, as figure 2 has it."),
        "weak_20": Number(0.617, 0.06, "", f"{_BRIAN2}: share of weights below 0.2 g_max."),
        "strong_20": Number(0.140, 0.05, "", f"{_BRIAN2}: share above 0.8 g_max; with it most weights lie near a bound."),
        "mean_weight_20": Number(0.281, 0.015, "", f"{_BRIAN2}: over g_max."),
        "rate_40": Number(19.5, 4.0, "Hz", f"{_BRIAN2} of 100 s: twice the input, about the same rate."),
        "cv_40": Number(0.78, 0.07, "", f"{_BRIAN2}."),
        "weak_40": Number(0.825, 0.06, "", f"{_BRIAN2}: the faster the inputs, the fewer synapses are strong."),
        "strong_40": Number(0.059, 0.03, "", f"{_BRIAN2}."),
        "mean_weight_40": Number(0.145, 0.012, "", f"{_BRIAN2}."),
    },
)
INPUTS, CELL, SYNAPSES = "inputs", "cell", "inputs->cell"


def _unit(default: float, unit: str):
    return field(default=default, metadata={"unit": unit})


@dataclass(frozen=True)
class Parameters:
    """rates: of the inputs (Hz), one run for each: 10, 20 and 40. n_ex, n_in: excitatory and inhibitory inputs, 1000, 200.

    rate_in: of an inhibitory input (Hz), 10. g_max, g_in: highest excitatory and the inhibitory weight (leak conductances),
    0.015 and 0.05. start: the weights begin spread between 0 and g_max with the mean g_max start/rate (Hz), 7.5; below it,
    at g_max. a_plus: potentiation by a pair (of g_max), 0.005. ratio: a_minus/a_plus, 1.05. tau_plus, tau_minus: windows
    (ms), 20. tau_m: membrane time constant (ms), 20. tau_ex, tau_in: of the conductances (ms), 5. v_rest, v_th, v_reset:
    resting potential, threshold, reset (mV), -70, -54, -60. e_ex, e_in: reversal potentials (mV), 0 and -70. common: half
    the inputs share a rate that varies by this part of its mean (standard deviation) in the last run, 0.3; 0: no such run.
    tau_common: its correlation time (ms), 20. dt: time step (ms), 0.1.
    """

    rates: tuple[float, ...] = (10.0, 20.0, 40.0)
    n_ex: int = 1000
    n_in: int = 200
    rate_in: float = _unit(10.0, "Hz")
    g_max: float = 0.015
    g_in: float = 0.05
    start: float = _unit(7.5, "Hz")
    a_plus: float = 0.005
    ratio: float = 1.05
    tau_plus: float = _unit(20.0, "ms")
    tau_minus: float = _unit(20.0, "ms")
    tau_m: float = _unit(20.0, "ms")
    tau_ex: float = _unit(5.0, "ms")
    tau_in: float = _unit(5.0, "ms")
    v_rest: float = _unit(-70.0, "mV")
    v_th: float = _unit(-54.0, "mV")
    v_reset: float = _unit(-60.0, "mV")
    e_ex: float = _unit(0.0, "mV")
    e_in: float = _unit(-70.0, "mV")
    common: float = 0.3
    tau_common: float = _unit(20.0, "ms")
    dt: float = _unit(0.1, "ms")


def build(parameters: Parameters = Parameters(), *, common: float = 0.0, every: float = 1000.0) -> ns.Network:
    """Return the neuron with inputs at the first of the rates, for runs with ``dt=parameters.dt``.

    common: part of its mean by which the common rate of the first half of the inputs varies; every: ms between samples of
    the weights.
    """
    p = parameters
    cell = ns.NeuronModel.from_equations(
        """
        dv/dt = (v_rest - v + g_ex*(e_ex - v) + g_in*(e_in - v))/tau_m
        dg_ex/dt = -g_ex/tau_ex
        dg_in/dt = -g_in/tau_in
        """,
        threshold="v > v_th", reset="v = v_reset", initial={"v": "v_rest"}, name="song",
        parameters={k: getattr(p, k) for k in ("v_rest", "v_th", "v_reset", "e_ex", "e_in", "tau_m", "tau_ex", "tau_in")})
    source = ns.NeuronModel.from_equations("", threshold="rand() < (rate + i)*dt/1000", edge=False, inputs=["i"],
                                           parameters={"rate": p.rates[0]}, name="source")
    inputs, neuron = ns.Population(p.n_ex, source, name=INPUTS), ns.Population(1, cell, name=CELL)
    rule = ns.STDP(a_plus=p.a_plus, a_minus=p.ratio * p.a_plus, tau_plus=p.tau_plus, tau_minus=p.tau_minus, w_max=p.g_max)
    synapses = ns.Projection(inputs, neuron, ns.AllToAll(), ns.Delta(first_weights(p), variable="g_ex"), delay=p.dt,
                             plasticity=rule, name=SYNAPSES)
    populations, projections = [inputs, neuron], [synapses]
    if common:
        signal = ns.NeuronModel.from_equations("ds/dt = -s/tau + sqrt(2/tau)*xi", parameters={"tau": p.tau_common},
                                               name="signal")
        leader = ns.Population(1, signal, name="signal")
        populations.append(leader)
        half = (np.arange(p.n_ex) < p.n_ex // 2)[None, :].astype(float)
        projections.append(ns.GradedProjection(leader, inputs, half, variable="s", weight=common * p.rates[0]))
    return ns.Network(
        populations, projections=projections, record_spikes=[neuron],
        # 200 Poisson processes are one of 200 times the rate
        stimuli=[ns.PoissonInput(rate=p.n_in * p.rate_in, weight=p.g_in, variable="g_in", target=neuron)],
        probes=[ns.Probe(synapses, "w", every=every, name="w")])


def first_weights(p: Parameters) -> np.ndarray:
    """Return the weights at the beginning: g_max U^(rate/start - 1), which has the mean g_max start/rate for U uniform."""
    # multiples of the golden ratio are spread evenly, and alike among all parts of the inputs
    u = (np.arange(p.n_ex) + 0.5) * 0.6180339887498949 % 1.0
    return p.g_max * u ** max(0.0, p.rates[0] / p.start - 1.0)


def run(parameters: Parameters = Parameters(), *, duration: float | None = None, seed: int = 0, threads: int = 1,
        progress=None) -> Outcome:
    """Run each rate, and the inputs with a common rate, for `duration` ms each; the last fifth is measured.

    None: for the time in which an input gives 4000 spikes, 100 s at 40 Hz.
    """
    p = parameters
    cases = [(f"{rate:g}", replace(p, rates=(rate,)), 0.0) for rate in p.rates]
    if p.common:
        cases.append(("correlated", replace(p, rates=p.rates[:1]), p.common))
    measured: dict[str, float] = {}
    results: dict[str, ns.Result] = {}
    for name, one, common in cases:
        length = round(4e6 / one.rates[0]) if duration is None else duration
        every = max(p.dt, round(length / 100 / p.dt) * p.dt)
        result = ns.simulate(build(one, common=common, every=every), length, p.dt, seed=seed, threads=threads,
                             progress=progress)
        w = result.connections[SYNAPSES].weight / p.g_max
        late = 0.8 * result.time
        spikes = result.spikes[CELL]
        measured |= {f"rate_{name}": float(spikes.rates(late)[0]), f"cv_{name}": float(spikes.cv_isi(late)[0]),
                     f"early_rate_{name}": float(spikes.rates(0.0, min(result.time, 1000.0))[0]),
                     f"weak_{name}": float(np.mean(w < 0.2)), f"strong_{name}": float(np.mean(w > 0.8)),
                     f"mean_weight_{name}": float(w.mean())}
        if common:
            half = p.n_ex // 2
            measured |= {"common_weight": float(w[:half].mean()), "own_weight": float(w[half:].mean())}
        results[name] = result
    if len(p.rates) > 1:
        # 1 if the rate of the neuron grew as that of its inputs
        low, high = p.rates[0], p.rates[-1]
        measured["rate_gain"] = float(np.log(max(measured[f"rate_{high:g}"], 1e-3) / max(measured[f"rate_{low:g}"], 1e-3))
                                      / np.log(high / low))
    return Outcome(measured, results, p)


def figure(outcome: Outcome):
    """Return weights before and after, their course, rate and irregularity against the inputs, and the correlated inputs."""
    p, found, m = outcome.parameters, outcome.results, outcome.measured
    names = [f"{rate:g}" for rate in p.rates]
    middle = names[len(names) // 2]
    fig, axes = ns.plot.figure(2, 3, width=7.2, height=4.4)
    bins = np.linspace(0, 1, 26)
    ax = axes[0, 0]
    ns.plot.weight_histogram(found[middle].connections[SYNAPSES].weight / p.g_max,
                             before=found[middle].traces["w"].values[0] / p.g_max, bins=bins, ax=ax, log_counts=True)
    ax.set_xlabel("Weight / g_max")
    ax = axes[0, 1]
    trace = found[middle].traces["w"]
    ns.plot.weight_evolution(trace, ax=ax, kind="density", bins=30)
    ax.set_ylabel("Weight (leaks)")
    ax = axes[0, 2]
    for k, name in enumerate(names):
        w = np.sort(found[name].connections[SYNAPSES].weight / p.g_max)
        ax.plot(w, np.linspace(0, 1, w.size), color=ns.plot.PALETTE[k], lw=1.1, label=f"{name} Hz")
    ax.set(xlabel="Weight / g_max", ylabel="Share of synapses below", xlim=(0, 1), ylim=(0, 1))
    ax.legend(frameon=False, fontsize=6, loc="lower right")
    title(ax, "Inputs at")
    ax = axes[1, 0]
    for k, name in enumerate(names):
        spikes = found[name].spikes[CELL]
        edges = np.linspace(0, found[name].time, 41)
        rate = np.histogram(spikes.times, edges)[0] / np.diff(edges) * 1000
        ax.plot((edges[1:] + edges[:-1]) / 2000, rate, color=ns.plot.PALETTE[k], lw=1.1, label=f"{name} Hz")
    ax.set(xlabel="Time (s)", ylabel="Rate of the neuron (Hz)", yscale="log")
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter("{x:g}")
    ax = axes[1, 1]
    rates = np.array(p.rates)
    ax.plot(rates, [m[f"rate_{n}"] for n in names], "o-", color=ns.plot.PALETTE[0], ms=3, lw=1.1)
    ax.set(xlabel="Rate of the inputs (Hz)", ylabel="Rate of the neuron (Hz)", xlim=(0, 1.2 * rates.max()),
           ylim=(0, 1.3 * max(m[f"rate_{n}"] for n in names) or 1.0))
    for n, x in zip(names, rates):
        ax.annotate(f"CV {m[f'cv_{n}']:.2f}", (x, m[f"rate_{n}"]), xytext=(0, 5), textcoords="offset points", fontsize=6,
                    ha="center", color="#595959")
    title(ax, "After learning")
    ax = axes[1, 2]
    if "correlated" in found:
        w = found["correlated"].connections[SYNAPSES].weight / p.g_max
        half = p.n_ex // 2
        ax.hist([w[:half], w[half:]], bins=bins, color=[ns.plot.PALETTE[1], "#8C8C8C"],
                label=["common rate", "rates of their own"], histtype="stepfilled", alpha=0.6)
        ax.set(xlabel="Weight / g_max", ylabel="Number of connections", xlim=(0, 1))
        ax.legend(frameon=False, fontsize=6, loc="upper center")
    else:
        ax.set_axis_off()
    letters(axes.ravel(), "abcdef")
    return fig
