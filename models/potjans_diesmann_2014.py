"""The cortical microcircuit under 1 mm2 of early sensory cortex: eight populations in four layers (Potjans & Diesmann 2014).

    tau_m dv/dt = e_l - v + tau_m/c_m (i_syn + i_dc),   di_syn/dt = -i_syn/tau_syn,   i_syn <- i_syn + w at a spike
    spike if v > v_th:  v <- v_reset, held for t_ref

v in mV, times in ms, currents in nA. 77,169 neurons and 0.3 thousand million synapses: population t gets

    S(t, s) = log(1 - p(t, s))/log(1 - 1/(n_t n_s))

synapses from population s, each from any source to any target (pairs may repeat), so that a pair is connected with the
probability p(t, s) of table 5. Weights are normal with a standard deviation of a tenth and the sign of their source; w is
chosen such that one spike moves v by 0.15 mV, -0.6 mV (inhibition), 0.3 mV (from L4E to L23E). Delays are normal, 1.5 ms
(excitation) and 0.75 ms (inhibition) with half of it as standard deviation, at least one step. Each neuron has 1500 to 2900
inputs from outside which fire at 8 Hz, as Poisson processes, or a constant current of the same mean.

`scale` is the part of the neurons, `inputs` the part of the inputs of each neuron (0: the same as `scale`; 1: all of them,
which keeps in-degrees, and makes a small network dense and more correlated). With fewer inputs weights grow by 1/sqrt(inputs)
and a constant current makes up for the mean that is missing at the rates of the full network, so that mean and variance of the
input stay (van Albada, Helias & Diesmann 2015, doi:10.1371/journal.pcbi.1004490). Correlations do not.

`theory_...` are the rates of Siegert's formula for currents of tau_syn that agree with themselves (see _mean_field).

Source: T. C. Potjans, M. Diesmann (2014), doi:10.1093/cercor/bhs358. Rates of the full network: NEST's example Potjans_2014,
10 s; judged after 500 ms as in the comparisons of simulators.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

import neurosim as ns
from neurosim.errors import ParameterError
from neurosim.published import Number, Outcome, Reference

from ._figures import legend, letters, title
from ._mean_field import settle, siegert

POPULATIONS = ("L23E", "L23I", "L4E", "L4I", "L5E", "L5I", "L6E", "L6I")
#: neurons, inputs from outside, rates of the full network (Hz)
SIZES = np.array([20_683, 5_834, 21_915, 5_479, 4_850, 1_065, 14_395, 2_948])
OUTSIDE = np.array([1600, 1500, 2100, 1900, 2000, 1900, 2900, 2100])
RATES = np.array([0.903, 2.965, 4.414, 5.876, 7.569, 8.633, 1.105, 7.829])
#: table 5: probability of a connection; rows are targets, columns sources
TABLE_5 = np.array([
    [0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0.0000, 0.0076, 0.0000],
    [0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0.0000, 0.0042, 0.0000],
    [0.0077, 0.0059, 0.0497, 0.1350, 0.0067, 0.0003, 0.0453, 0.0000],
    [0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0.0000, 0.1057, 0.0000],
    [0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0.0000],
    [0.0548, 0.0269, 0.0257, 0.0022, 0.0600, 0.3158, 0.0086, 0.0000],
    [0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252],
    [0.0364, 0.0010, 0.0034, 0.0005, 0.0277, 0.0080, 0.0658, 0.1443]])
#: mean and standard deviation of the potentials once the network has settled (mV)
SETTLED = (np.array([-68.28, -63.16, -63.33, -63.45, -63.11, -61.66, -66.72, -61.43]),
           np.array([5.36, 4.57, 4.74, 4.94, 4.94, 4.55, 5.46, 4.48]))
#: ms left out of all numbers
SETTLING = 500.0

_NEST = "Rate of the full network in NEST, 10 s. Allowed for a second of another network: 7 to 13 %, low rates 0.25 to 0.4 Hz."
REFERENCE = Reference(
    citation="T. C. Potjans, M. Diesmann (2014), The cell-type specific cortical microcircuit: relating structure and activity "
    "in a full-scale spiking network model, Cereb. Cortex 24, 785-806",
    doi="10.1093/cercor/bhs358",
    numbers={
        f"rate_{name}": Number(float(rate), tolerance, "Hz", _NEST)
        for name, rate, tolerance in zip(POPULATIONS, RATES, (0.25, 0.4, 0.5, 0.5, 1.0, 1.0, 0.35, 0.8))
    } | {
        "cv": Number(0.8, 0.15, "", "CV of the intervals, mean over all neurons with three spikes (figure 6): irregular, all "
                     "populations near 0.8."),
    },
)


def _unit(default: float, unit: str):
    return field(default=default, metadata={"unit": unit})


@dataclass(frozen=True)
class Parameters:
    """scale: part of the neurons, 1. inputs: part of the inputs of each; 0: the same as scale, 1: all.

    background: "poisson", or "dc" for a constant current of the same mean. start: potentials at the beginning, "paper" (normal,
    -58 mV with 10 mV) or "settled" (as they are later on). rate_outside: of one input from outside (Hz), 8. psp: height of an
    excitatory postsynaptic potential (mV), 0.15. g: inhibition over excitation, -4. weight_sd: standard deviation of weights
    over their mean, 0.1. delay_e, delay_i: mean delays (ms), 1.5 and 0.75. delay_sd: their standard deviation over the mean,
    0.5. c_m: (nF), 0.25. tau_m, tau_syn, t_ref: (ms), 10, 0.5, 2. e_l, v_th, v_reset: (mV), -65, -50, -65. precision: "float64"
    or "float32". dt: time step (ms), 0.1.
    """

    scale: float = 1.0
    inputs: float = 0.0
    background: str = "poisson"
    start: str = "paper"
    rate_outside: float = _unit(8.0, "Hz")
    psp: float = _unit(0.15, "mV")
    g: float = -4.0
    weight_sd: float = 0.1
    delay_e: float = _unit(1.5, "ms")
    delay_i: float = _unit(0.75, "ms")
    delay_sd: float = 0.5
    c_m: float = _unit(0.25, "nF")
    tau_m: float = _unit(10.0, "ms")
    tau_syn: float = _unit(0.5, "ms")
    t_ref: float = _unit(2.0, "ms")
    e_l: float = _unit(-65.0, "mV")
    v_th: float = _unit(-50.0, "mV")
    v_reset: float = _unit(-65.0, "mV")
    precision: str = "float64"
    dt: float = _unit(0.1, "ms")


@dataclass(frozen=True)
class Layout:
    """The circuit at a scale.

    sizes (8,): neurons. numbers (8, 8): synapses, rows are targets. weights (8, 8): mean (nA). outside (8,): Hz of all Poisson
    inputs of a neuron, of weight w_outside (nA). current (8,): constant (nA).
    """

    sizes: np.ndarray
    numbers: np.ndarray
    weights: np.ndarray
    outside: np.ndarray
    w_outside: float
    current: np.ndarray


def unit_weight(p: Parameters) -> float:
    """Return the current (nA) whose exponential response raises the potential by psp at its peak."""
    tau_m, tau_syn = p.tau_m, p.tau_syn
    peak_at = tau_m * tau_syn / (tau_m - tau_syn) * math.log(tau_m / tau_syn)
    height = tau_m * tau_syn / (p.c_m * (tau_m - tau_syn)) * (math.exp(-peak_at / tau_m) - math.exp(-peak_at / tau_syn))
    return p.psp / height


def full_numbers() -> np.ndarray:
    """Return the number of synapses of the full circuit, shape (8, 8), rows are targets."""
    return np.log1p(-TABLE_5) / np.log1p(-1.0 / np.outer(SIZES, SIZES).astype(float))


def layout(p: Parameters) -> Layout:
    """Return sizes, numbers, weights and currents of the circuit."""
    part = p.inputs or p.scale
    if not (0 < p.scale and 0 < part):
        raise ParameterError(f"scale ({p.scale:g}) and inputs ({p.inputs:g}) must be positive.")
    if p.background not in ("poisson", "dc"):
        raise ParameterError(f"background is 'poisson' or 'dc', not {p.background!r}.")
    sizes = np.maximum(np.rint(SIZES * p.scale), 1).astype(int)
    in_degrees = full_numbers() / SIZES[:, None]
    w = unit_weight(p)
    weights = np.where(np.arange(8) % 2 == 0, w, p.g * w) * np.ones((8, 1))
    weights[0, 2] *= 2.0
    seconds = p.tau_syn / 1000.0
    steady = seconds * p.rate_outside * OUTSIDE * w
    # mean that goes missing when in-degrees shrink by `part` and weights grow by its square root
    current = (1 - math.sqrt(part)) * seconds * ((in_degrees * weights) @ RATES)
    current = current + (steady if p.background == "dc" else (1 - math.sqrt(part)) * steady)
    outside = OUTSIDE * p.rate_outside * part if p.background == "poisson" else np.zeros(8)
    return Layout(sizes, np.rint(in_degrees * part * sizes[:, None]).astype(np.int64), weights / math.sqrt(part), outside,
                  w / math.sqrt(part), current)


def build(parameters: Parameters = Parameters()) -> ns.Network:
    """Return the circuit, for runs with ``dt=parameters.dt``."""
    p = parameters
    c = layout(p)
    cell = ns.NeuronModel.from_equations(
        """
        dv/dt = (e_l - v)/tau_m + (i_syn + i_dc)/c_m (unless refractory)
        di_syn/dt = -i_syn/tau_syn
        """, threshold="v > v_th", reset="v = v_reset", refractory="t_ref",
        parameters=dict(tau_m=p.tau_m, tau_syn=p.tau_syn, c_m=p.c_m, e_l=p.e_l, v_th=p.v_th, v_reset=p.v_reset, t_ref=p.t_ref,
                        i_dc=0.0), name="microcircuit")
    if p.start not in ("paper", "settled"):
        raise ParameterError(f"start is 'paper' or 'settled', not {p.start!r}.")
    mean, sd = SETTLED if p.start == "settled" else (np.full(8, -58.0), np.full(8, 10.0))
    cells = [ns.Population(int(n), cell, name=name, parameters={"i_dc": float(c.current[k])},
                           initial={"v": ns.Normal(float(mean[k]), float(sd[k]))})
             for k, (name, n) in enumerate(zip(POPULATIONS, c.sizes))]
    projections = []
    for t in range(8):
        for s in range(8):
            if c.numbers[t, s]:
                w, lag = float(c.weights[t, s]), p.delay_e if s % 2 == 0 else p.delay_i
                sign = dict(low=0.0) if w > 0 else dict(high=0.0)
                weight = ns.Normal(w, abs(w) * p.weight_sd, **sign) if p.weight_sd else w
                delay = ns.Normal(lag, lag * p.delay_sd, low=p.dt) if p.delay_sd else lag
                projections.append(ns.Projection(cells[s], cells[t], ns.FixedTotalNumber(int(c.numbers[t, s])),
                                                 ns.Delta(weight, variable="i_syn"), delay=delay))
    stimuli = [ns.PoissonInput(rate=float(rate), weight=c.w_outside, variable="i_syn", target=pop)
               for pop, rate in zip(cells, c.outside) if rate > 0]
    return ns.Network(cells, projections, stimuli=stimuli)


def stationary_rates(p: Parameters) -> np.ndarray:
    """Return the rates (Hz) that agree with themselves in Siegert's formula, shape (8,); NaN if they do not settle."""
    c = layout(p)
    in_degrees = c.numbers / c.sizes[:, None]
    # what one spike leaves behind in v
    kick, outside = c.weights * p.tau_syn / p.c_m, c.w_outside * p.tau_syn / p.c_m
    seconds = p.tau_m / 1000.0

    def rates(nu: np.ndarray) -> np.ndarray:
        mu = p.e_l + p.tau_m * c.current / p.c_m + seconds * ((in_degrees * kick) @ nu + c.outside * outside)
        variance = seconds * ((in_degrees * kick**2 * (1 + p.weight_sd**2)) @ nu + c.outside * outside**2)
        return np.array([siegert(m, s, p.tau_m, p.v_th, p.v_reset, p.t_ref, p.tau_syn) for m, s in zip(mu, np.sqrt(variance))])

    return settle(rates, RATES, pace=0.05, accuracy=1e-4, most=2000)


def run(parameters: Parameters = Parameters(), *, duration: float | None = None, seed: int = 0, threads: int = 1,
        progress=None) -> Outcome:
    """Run the circuit for `duration` ms, 5000 if None, of which the first 500 ms (or half) are left out of the numbers.

    In a short window only short intervals fit: the mean CV is 0.60 after 1.5 s and 0.76 after 5 s.
    """
    p = parameters
    result = ns.simulate(build(p), 5000.0 if duration is None else duration, p.dt, seed=seed, threads=threads,
                         dtype=p.precision, progress=progress)
    start = min(SETTLING, result.time / 2)
    measured: dict[str, float] = {}
    every = []
    for name in POPULATIONS:
        spikes = result.spikes[name]
        cv = spikes.cv_isi(start)
        every.append(cv[np.isfinite(cv)])
        pairs = ns.analysis.pairwise_correlations(spikes, 2.0, start, neurons=np.arange(min(spikes.size, 200)))
        measured |= {f"rate_{name}": float(spikes.rates(start).mean()),
                     f"cv_{name}": float(every[-1].mean()) if every[-1].size else float("nan"),
                     f"synchrony_{name}": ns.analysis.population_fano(spikes, 3.0, start),
                     f"correlation_{name}": float(pairs.mean()) if pairs.size else float("nan")}
    pooled = np.concatenate(every)
    measured["cv"] = float(pooled.mean()) if pooled.size else float("nan")
    theory = stationary_rates(p)
    measured |= {f"theory_{name}": float(rate) for name, rate in zip(POPULATIONS, theory)}
    return Outcome(measured, {"run": result}, p)


def figure(outcome: Outcome):
    """Return raster (as figure 6 of the paper), rates beside NEST and theory, distributions of rates and CVs, synchrony."""
    result, m = outcome.results["run"], outcome.measured
    start = min(SETTLING, result.time / 2)
    colors = [ns.plot.PALETTE[0] if name.endswith("E") else ns.plot.PALETTE[1] for name in POPULATIONS]
    fig, axes = ns.plot.figure(3, 2, width=7.2, height=6.4, width_ratios=[1.25, 1])
    raster, (rates, boxes, sync) = axes[0, 0], axes[:, 1]
    raster.set_subplotspec(raster.get_gridspec()[:, 0])
    for ax in axes[1:, 0]:
        ax.remove()
    # as in the paper one neuron in forty, or all of what there is of a small circuit
    part = max(0.025, min(1.0, 1500 / sum(s.size for s in result.spikes.values())))
    shown = {name: max(5, round(part * result.spikes[name].size)) for name in POPULATIONS}
    window = (max(start, result.time - 400.0), result.time)
    ns.plot.raster(result, first=shown, window=window, ax=raster, color=colors)
    raster.set_xlabel("Time (ms)")
    place = np.arange(8)
    rates.bar(place - 0.2, [m[f"rate_{name}"] for name in POPULATIONS], 0.4, color=colors, label="here")
    rates.plot(place + 0.15, RATES, ls="", marker="D", ms=3.5, color="#262626", label="NEST, full circuit")
    rates.plot(place + 0.35, [m[f"theory_{name}"] for name in POPULATIONS], ls="", marker="x", ms=4, color="#595959",
               label="mean field")
    rates.set(ylabel="Rate (Hz)")
    rates.set_xticks(place, POPULATIONS)
    legend(rates, "upper left")
    ns.plot.cv_histogram(result, ax=boxes, kind="box", window=(start, result.time), color=colors)
    sync.bar(place, [m[f"synchrony_{name}"] for name in POPULATIONS], 0.6, color=colors)
    sync.set(ylabel="Synchrony (bins of 3 ms)")
    sync.set_xticks(place, POPULATIONS)
    title(raster, f"{sum(s.size for s in result.spikes.values()):,} neurons")
    letters([raster, rates, boxes, sync])
    return fig
