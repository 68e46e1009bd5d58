"""Sparsely connected excitatory and inhibitory integrate-and-fire neurons, and the four states of Brunel (2000).

    tau_m dv/dt = -v,   v <- v + j at a spike of an excitatory neuron or from outside, v <- v - g j of an inhibitory one
    spike if v > v_th:  v <- v_reset, held for t_ref

v in mV from rest, times in ms. Each of 12,500 neurons has c_e = 1000 excitatory and c_i = 250 inhibitory inputs drawn at
random, all with the same delay, and c_e inputs from outside which fire as Poisson processes at eta nu_thr each,
nu_thr = v_th/(j c_e tau_m): at eta = 1 the mean of the input from outside is the threshold. Model A: the same constants for
excitatory and inhibitory neurons. All depends on g and eta (figure 8):

    A  g 3, eta 2      synchronous regular (SR): the neurons fire like clocks, in step or in a few groups
    B  g 6, eta 4      synchronous irregular, fast oscillation (SI fast): the population oscillates, the neurons are irregular
    C  g 5, eta 2      asynchronous irregular (AI)
    D  g 4.5, eta 0.9  synchronous irregular, slow oscillation (SI slow)

The stationary rate is the one that agrees with itself in Siegert's formula (see _mean_field) with

    mu      = tau_m (c_e j (nu_ext + nu) - c_i g j nu)
    sigma^2 = tau_m (c_e j^2 (nu_ext + nu) + c_i g^2 j^2 nu)

v_reset is 10 mV here as in the paper; with 0 mV (NEST's example) the rates are others.

Source: N. Brunel (2000), doi:10.1023/A:1008925309027.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

import neurosim as ns
from neurosim.published import Number, Outcome, Reference

from ._figures import legend, letters, title
from ._mean_field import siegert, zeros

#: the four states: title, g, eta
STATES: dict[str, tuple[str, float, float]] = {
    "sr": ("SR", 3.0, 2.0),
    "si_fast": ("SI, fast", 6.0, 4.0),
    "ai": ("AI", 5.0, 2.0),
    "si_slow": ("SI, slow", 4.5, 0.9),
}
#: ms left out of all numbers
SETTLING = 200.0

_SIEGERT = "Siegert's formula with the paper's constants (its equation 21), made to agree with itself; rounding of the digits"
REFERENCE = Reference(
    citation="N. Brunel (2000), Dynamics of sparsely connected networks of excitatory and inhibitory spiking neurons, "
    "J. Comput. Neurosci. 8, 183-208",
    doi="10.1023/A:1008925309027",
    numbers={
        "theory_si_fast": Number(55.84, 0.005, "Hz", f"{_SIEGERT}."),
        "theory_ai": Number(37.95, 0.005, "Hz", f"{_SIEGERT}."),
        "theory_si_slow": Number(6.52, 0.005, "Hz", f"{_SIEGERT}."),
        "rate_si_fast": Number(60.7, 2.0, "Hz", "Simulation of the paper (figure 8B). Rates of a second differ by 0.5 Hz "
                               "between seeds here, by 8 % from theory in the paper: 3 %."),
        "rate_ai": Number(37.7, 1.0, "Hz", "Simulation of the paper (figure 8C); Brian2, NEST and ANNarchy give 36.7 to 37.7 "
                          "Hz for this network, our seeds 0 to 4 36.9 to 37.4: their range."),
        "rate_si_slow": Number(5.5, 1.0, "Hz", "Simulation of the paper (figure 8D). A second holds some 20 periods of unequal "
                               "height: seeds 0 to 4 give 5.10 +- 0.34, of which this is three."),
        "cv_sr": Number(0.0, 0.02, "", "Synchronous regular: CV of the intervals near 0 (figure 8A)."),
        "cv_ai": Number(0.40, 0.02, "", "CV of the intervals, mean over excitatory neurons; the paper prints none, Brian2, "
                        "NEST, ANNarchy and BrainPy give 0.40 (benchmarks/networks.py)."),
    },
)


def _unit(default: float, unit: str):
    return field(default=default, metadata={"unit": unit})


@dataclass(frozen=True)
class Parameters:
    """g: inhibitory over excitatory weight, 5. eta: rate from outside over that which reaches the threshold, 2.

    With these two values all four states of `STATES` are run, with others, or if `only` is true, just the one given. n_e, n_i:
    excitatory and inhibitory neurons, 10,000 and 2,500. c_e, c_i: inputs of a neuron from each, 1000 and 250. j: excitatory
    weight (mV), 0.1. tau_m: membrane time constant (ms), 20. v_th, v_reset: threshold and reset (mV from rest), 20 and 10.
    t_ref: refractory period (ms), 2. delay: (ms), 1.5. dt: time step (ms), 0.1.
    """

    g: float = 5.0
    eta: float = 2.0
    only: bool = False
    n_e: int = 10_000
    n_i: int = 2_500
    c_e: int = 1_000
    c_i: int = 250
    j: float = _unit(0.1, "mV")
    tau_m: float = _unit(20.0, "ms")
    v_th: float = _unit(20.0, "mV")
    v_reset: float = _unit(10.0, "mV")
    t_ref: float = _unit(2.0, "ms")
    delay: float = _unit(1.5, "ms")
    dt: float = _unit(0.1, "ms")


def build(parameters: Parameters = Parameters()) -> ns.Network:
    """Return the network for g and eta, for runs with ``dt=parameters.dt``."""
    p = parameters
    cell = ns.NeuronModel.from_equations(
        "dv/dt = -v/tau_m : mV (unless refractory)", threshold="v > v_th", reset="v = v_reset", refractory="t_ref",
        parameters=dict(tau_m=p.tau_m, v_th=p.v_th, v_reset=p.v_reset, t_ref=p.t_ref), name="brunel")
    exc, inh = ns.Population(p.n_e, cell, name="E"), ns.Population(p.n_i, cell, name="I")
    both = [exc, inh]
    return ns.Network(
        both,
        projections=[ns.Projection(exc, both, ns.FixedInDegree(p.c_e), ns.Delta(p.j), delay=p.delay),
                     ns.Projection(inh, both, ns.FixedInDegree(p.c_i), ns.Delta(-p.g * p.j), delay=p.delay)],
        stimuli=[ns.PoissonInput(rate=p.c_e * outside(p), weight=p.j, target=both)])


def outside(p: Parameters) -> float:
    """Return the rate of one input from outside, eta nu_thr, in Hz."""
    return 1000.0 * p.eta * p.v_th / (p.j * p.c_e * p.tau_m)


def stationary_rate(p: Parameters) -> float:
    """Return the rate that agrees with itself in Siegert's formula (Hz): the lowest if there are several, NaN if none."""
    tau = p.tau_m / 1000.0

    def gap(nu: float) -> float:
        exc, inh = p.c_e * p.j * (outside(p) + nu), p.c_i * p.g * p.j * nu
        sigma = np.sqrt(tau * (exc * p.j + inh * p.g * p.j))
        return siegert(tau * (exc - inh), sigma, p.tau_m, p.v_th, p.v_reset, p.t_ref) - nu

    # no rate exceeds 1/t_ref
    top = 1000.0 / p.t_ref if p.t_ref > 0 else 1000.0
    found = zeros(gap, np.r_[0.0, np.geomspace(1e-3, top, 80)])
    return found[0] if found else float("nan")


def run(parameters: Parameters = Parameters(), *, duration: float | None = None, seed: int = 0, threads: int = 1,
        progress=None) -> Outcome:
    """Run the states for `duration` ms, 1200 if None; the regular one for 400 ms at most, since it repeats itself."""
    p = parameters
    every = (p.g, p.eta) == (Parameters.g, Parameters.eta) and not p.only
    names = {(g, eta): name for name, (_, g, eta) in STATES.items()}
    chosen = STATES if every else {names.get((p.g, p.eta), "own"): (f"g {p.g:g}, eta {p.eta:g}", p.g, p.eta)}
    measured: dict[str, float] = {}
    results: dict[str, object] = {}
    for name, (_, g, eta) in chosen.items():
        one = replace(p, g=g, eta=eta)
        length = 1200.0 if duration is None else duration
        result = ns.simulate(build(one), min(length, 400.0) if name == "sr" else length, p.dt, seed=seed, threads=threads,
                             progress=progress)
        measured |= {f"{key}_{name}": value for key, value in _numbers(result).items()}
        measured[f"theory_{name}"] = stationary_rate(one)
        results[name] = result
    return Outcome(measured, results, p)


def _numbers(result: ns.Result) -> dict[str, float]:
    """Return rate (Hz), CV of the intervals, frequency of the population (Hz), mean correlation of pairs in bins of 2 ms."""
    spikes = result.spikes["E"]
    start = min(SETTLING, result.time / 2)
    segment = min(256.0, (result.time - start) / 2)
    frequency, power = ns.analysis.population_spectrum(spikes, bin=0.5, segment=segment, start=start)
    seen = frequency > 5.0
    few = np.arange(min(spikes.size, 300))
    pairs = ns.analysis.pairwise_correlations(spikes, 2.0, start, neurons=few)
    cv = spikes.cv_isi(start)
    return {"rate": float(spikes.rates(start).mean()),
            "cv": float(np.nanmean(cv)) if np.isfinite(cv).any() else float("nan"),
            "frequency": float(frequency[seen][np.argmax(power[seen])]),
            "correlation": float(pairs.mean()) if pairs.size else float("nan")}


def figure(outcome: Outcome):
    """Return figure 8 of the paper (50 neurons and the rate of all excitatory ones), CVs, and rates beside theory."""
    p, runs = outcome.parameters, outcome.results
    blue = ns.plot.PALETTE[0]
    fig, axes = ns.plot.figure(5, 2, width=7.2, height=7.6, height_ratios=[2, 1, 2, 1, 2.2])
    places = [axes[:2, 0], axes[:2, 1], axes[2:4, 0], axes[2:4, 1]]
    for pair, letter, (name, result) in zip(places, "abcd", runs.items()):
        label, g, eta = STATES.get(name, ("", p.g, p.eta))
        length = 400.0 if name == "si_slow" else 100.0 if name in ("sr", "si_fast") else 200.0
        window = (max(0.0, result.time - length), result.time)
        ns.plot.raster(result, first=50, window=window, populations=["E"], bin=0.5, ax=pair, color=blue)
        title(pair[0], f"{label}  g {g:g}, η {eta:g}".strip())
        pair[0].set_ylabel("Neuron")
        letters(pair[:1], letter)
    for pair in places[len(runs):]:
        for ax in pair:
            ax.set_axis_off()
    cv, theory = axes[4]
    for k, (name, result) in enumerate(runs.items()):
        values = result.spikes["E"].cv_isi(min(SETTLING, result.time / 2))
        values = values[np.isfinite(values)]
        if values.size:
            cv.hist(values, bins=np.linspace(0, 1.5, 61), histtype="step", color=ns.plot.PALETTE[k], density=True,
                    label=STATES.get(name, ("own",))[0])
    cv.set(xlabel="CV of the intervals", ylabel="Density", yscale="log", xlim=(0, 1.5))
    legend(cv, "upper right")
    grid = np.concatenate([np.linspace(0.7, 1.1, 30), np.linspace(1.15, 4.4, 25)])
    for k, name in enumerate(runs):
        _, g, eta = STATES.get(name, ("", p.g, p.eta))
        rates = [stationary_rate(replace(p, g=g, eta=x)) for x in grid]
        theory.plot(grid, rates, color=ns.plot.PALETTE[k], lw=1.1, label=f"g {g:g}")
        theory.plot(eta, outcome.measured[f"rate_{name}"], marker="o", ms=4, color=ns.plot.PALETTE[k], ls="")
    theory.set(xlabel="Input from outside η", ylabel="Rate (Hz)", yscale="log", ylim=(1, 500))
    title(theory, "Siegert's stationary rate (lines), simulation (dots)")
    legend(theory, "lower right")
    letters([cv, theory], "ef")
    return fig
