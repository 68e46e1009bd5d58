"""Signals that travel through a random network by strengthened synapses (Vogels & Abbott 2005).

    tau_m dv/dt = e_l - v + g_e (e_e - v) + g_i (e_i - v) + drive
    dg_e/dt = -g_e/tau_e,  g_e <- g_e + w_e at an excitatory spike
    dg_i/dt = -g_i/tau_i,  g_i <- g_i + w_i at an inhibitory spike
    spike if v > v_th:  v <- v_reset, held for t_ref

v in mV, times in ms, conductances over the leak conductance, drive (a constant current) in mV. 10,000 neurons, 8000 of them
excitatory; any two are connected with the probability 0.02. The network goes on in an asynchronous irregular state without any
noise from outside. Weights and drive are those with which later work runs this network (Zenke & Gerstner 2014,
doi:10.3389/fninf.2014.00076); without the drive it is silent after some 10 ms.

A path: layer 1 are `width` excitatory neurons, layer k + 1 are those excitatory neurons outside of earlier layers that have
most synapses from layer k, and these synapses are made `gain` times stronger. Layer 1 is driven by Poisson spikes, one source
a neuron, whose rate wanders between 0 and `rate`. What arrives is the correlation between the rate of a layer and that of the
sources, both smoothed (Gaussian, 20 ms), at the best lag. Synapses need not be added for signals to pass six layers, only
strengthened; without this nothing passes.

The rule by which the path is chosen, and its numbers, are ours. No rates of the paper are compared: the state of the network is
compared with Brian2.

Source: T. P. Vogels, L. F. Abbott (2005), doi:10.1523/JNEUROSCI.3508-05.2005.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

import neurosim as ns
from neurosim.errors import ParameterError
from neurosim.published import Number, Outcome, Reference

from ._figures import letters, title

#: ms left out of all numbers
SETTLING = 200.0
#: standard deviation of the smoothing kernel; longest lag; time between two values of the signal (ms)
SMOOTH, LONGEST, PACE = 20.0, 100, 100.0

REFERENCE = Reference(
    citation="T. P. Vogels, L. F. Abbott (2005), Signal propagation and logic gating in networks of integrate-and-fire "
    "neurons, J. Neurosci. 25, 10786-10795",
    doi="10.1523/JNEUROSCI.3508-05.2005",
    numbers={
        "rate": Number(8.4, 1.0, "Hz", "Without a path: Brian2 2.9 with the same equations, 2 s of three networks, gives 8.0, "
                       "8.4 and 8.8 Hz; 2.5 of the standard deviations between them."),
        "cv": Number(1.36, 0.1, "", "CV of the intervals without a path: the same runs of Brian2 give 1.34 to 1.38. Above 1, "
                     "as in the paper: neurons burst."),
        "layers_reached": Number(6, 0, "", "The abstract: signals are reproduced through up to six layers. Counted: layers, "
                                 "one after the other from the first, whose correlation with the signal is above 0.5."),
        "layers_without": Number(1, 0, "", "The same without strengthening: only the layer that gets the signal has it."),
    },
)


def _unit(default: float, unit: str):
    return field(default=default, metadata={"unit": unit})


@dataclass(frozen=True)
class Parameters:
    """n: neurons, 10,000. p: probability of a connection, 0.02. w_e, w_i: weights over the leak conductance, 0.4 and 5.1.

    drive: constant current times the resistance (mV), 20. layers: of the path, 6. width: neurons of a layer, 100. gain: of the
    synapses between layers, 8. rate: highest rate of a source (Hz), 200. w_source: weight of the sources, 5. wiring: seed of
    the connections and of the signal, 1. tau_m, tau_e, tau_i, t_ref: (ms), 20, 5, 10, 5. e_l, e_e, e_i, v_th, v_reset: (mV),
    -60, 0, -80, -50, -60. dt: time step (ms), 0.1.
    """

    n: int = 10_000
    p: float = 0.02
    w_e: float = 0.4
    w_i: float = 5.1
    drive: float = _unit(20.0, "mV")
    layers: int = 6
    width: int = 100
    gain: float = 8.0
    rate: float = _unit(200.0, "Hz")
    w_source: float = 5.0
    wiring: int = 1
    tau_m: float = _unit(20.0, "ms")
    tau_e: float = _unit(5.0, "ms")
    tau_i: float = _unit(10.0, "ms")
    t_ref: float = _unit(5.0, "ms")
    e_l: float = _unit(-60.0, "mV")
    e_e: float = _unit(0.0, "mV")
    e_i: float = _unit(-80.0, "mV")
    v_th: float = _unit(-50.0, "mV")
    v_reset: float = _unit(-60.0, "mV")
    dt: float = _unit(0.1, "ms")


def _connections(p: Parameters) -> tuple[np.ndarray, np.ndarray]:
    """Return sources and targets of the excitatory connections; an excitatory neuron is not connected to itself."""
    rng = np.random.default_rng(p.wiring)
    n_e = p.n * 4 // 5
    counts = rng.binomial(n_e, p.p, p.n)
    sources = np.concatenate([rng.choice(n_e, k, replace=False) for k in counts])
    targets = np.repeat(np.arange(p.n), counts)
    other = sources != targets
    return sources[other], targets[other]


def path(p: Parameters, sources: np.ndarray, targets: np.ndarray) -> list[np.ndarray]:
    """Return the neurons of each layer, ascending."""
    n_e = p.n * 4 // 5
    if p.layers * p.width > n_e:
        raise ParameterError(f"{p.layers} layers of {p.width} neurons need more than the {n_e} excitatory neurons there are.")
    rng = np.random.default_rng([p.wiring, 1])
    layers = [np.sort(rng.choice(n_e, p.width, replace=False))]
    free = np.ones(n_e, dtype=bool)
    for _ in range(p.layers - 1):
        free[layers[-1]] = False
        member = np.zeros(n_e, dtype=bool)
        member[layers[-1]] = True
        hit = targets[member[sources]]
        synapses = np.where(free, np.bincount(hit[hit < n_e], minlength=n_e), -1)
        layers.append(np.sort(np.argsort(-synapses, kind="stable")[:p.width]))
    return layers


def signal(p: Parameters, duration: float) -> np.ndarray:
    """Return the rate of the sources (Hz), one value each ms."""
    knots = np.arange(0.0, duration + 2 * PACE, PACE)
    values = np.random.default_rng([p.wiring, 2]).uniform(0.0, p.rate, knots.size)
    return np.interp(np.arange(max(1, int(np.ceil(duration)))), knots, values)


def build(parameters: Parameters = Parameters(), duration: float = 2000.0) -> ns.Network:
    """Return the network with its path, for runs of `duration` ms with ``dt=parameters.dt``; without path if `layers` is 0."""
    p = parameters
    cell = ns.NeuronModel.from_equations(
        """
        dv/dt = (e_l - v + g_e*(e_e - v) + g_i*(e_i - v) + drive)/tau_m (unless refractory)
        dg_e/dt = -g_e/tau_e
        dg_i/dt = -g_i/tau_i
        """, threshold="v > v_th", reset="v = v_reset", refractory="t_ref",
        parameters={k: getattr(p, k) for k in ("e_l", "e_e", "e_i", "drive", "tau_m", "tau_e", "tau_i", "v_th", "v_reset",
                                               "t_ref")},
        initial=dict(v=ns.Normal(p.e_l - 5.0, 5.0), g_e=ns.Normal(4.0, 1.5, low=0.0), g_i=ns.Normal(20.0, 12.0, low=0.0)),
        name="vogels_abbott")
    n_e = p.n * 4 // 5
    exc, inh = ns.Population(n_e, cell, name="E"), ns.Population(p.n - n_e, cell, name="I")
    sources, targets = _connections(p)
    weights = np.full(sources.size, p.w_e)
    layers = path(p, sources, targets) if p.layers else []
    for one, two in zip(layers, layers[1:]):
        weights[np.isin(sources, one) & np.isin(targets, two)] *= p.gain
    projections = [
        ns.Projection(exc, [exc, inh], ns.Explicit(sources, targets), ns.Delta(weights, variable="g_e"), delay=p.dt),
        ns.Projection(inh, [exc, inh], ns.Bernoulli(p.p, autapses=False), ns.Delta(p.w_i, variable="g_i"), delay=p.dt)]
    if not layers:
        return ns.Network([exc, inh], projections)
    source = ns.Population(p.width, ns.NeuronModel.from_equations(
        "", threshold="rand() < rate*dt/1000", edge=False, inputs={"rate": "Hz"}, name="source"), name="sources")
    projections.append(ns.Projection(source, exc[layers[0]], ns.OneToOne(), ns.Delta(p.w_source, variable="g_e"), delay=p.dt))
    return ns.Network([exc, inh, source], projections,
                      stimuli=[ns.TimedArray(signal(p, duration), interval=1.0, target=source, input="rate")])


def run(parameters: Parameters = Parameters(), *, duration: float | None = None, seed: int = 0, threads: int = 1,
        progress=None) -> Outcome:
    """Run the network with the path, with the path but not strengthened, and without, for `duration` ms, 2000 if None."""
    p = parameters
    length = 2000.0 if duration is None else duration
    options = dict(dt=p.dt, seed=seed, threads=threads, progress=progress)
    alone = ns.simulate(build(replace(p, layers=0)), length, **options)
    results: dict[str, object] = {"alone": alone}
    start = min(SETTLING, length / 2)
    cells = alone.spikes["E"]
    cv, rates = cells.cv_isi(start), cells.rates(start)
    pairs = ns.analysis.pairwise_correlations(cells, 5.0, start, neurons=np.arange(min(cells.size, 300)))
    measured = {"rate": float(rates.mean()), "cv": float(np.nanmean(cv)) if np.isfinite(cv).any() else float("nan"),
                "silent": float(np.mean(rates == 0)), "correlation": float(pairs.mean()) if pairs.size else float("nan")}
    layers = path(p, *_connections(p)) if p.layers else []
    for name, gain in (("path", p.gain), ("weak", 1.0)) if layers else ():
        result = ns.simulate(build(replace(p, gain=gain), length), length, **options)
        smooth = [_smoothed(result.spikes["E"].select(layer), length) for layer in layers]
        wanted = _kernel(signal(p, length))
        found = [_arrived(wanted, rate, start) for rate in smooth]
        results |= {name: result, f"{name}_rates": np.array(smooth), "signal": wanted}
        measured["layers_reached" if name == "path" else "layers_without"] = float(
            next((k for k, r in enumerate(found) if r <= 0.5), len(found)))
        measured |= {f"{name}_layer_{k + 1}": r for k, r in enumerate(found)}
    return Outcome(measured, results, p)


def _kernel(values: np.ndarray) -> np.ndarray:
    from scipy.ndimage import gaussian_filter1d

    return gaussian_filter1d(values, SMOOTH)


def _smoothed(spikes: ns.SpikeTrains, duration: float) -> np.ndarray:
    counts = np.histogram(spikes.times, np.arange(int(np.ceil(duration)) + 1))[0]
    return _kernel(1000.0 * counts / spikes.size)


def _arrived(wanted: np.ndarray, rate: np.ndarray, start: float) -> float:
    """Return the correlation of a rate with the signal at the best lag from 0 to LONGEST ms."""
    first, last = int(start), len(wanted) - LONGEST
    if last - first < 2 * PACE:
        return float("nan")
    return max(float(np.corrcoef(wanted[first:last], rate[first + lag:last + lag])[0, 1]) for lag in range(0, LONGEST, 2))


def figure(outcome: Outcome):
    """Return the network's activity, its rates and CVs, and the rates of the layers beside the signal."""
    r, m, p = outcome.results, outcome.measured, outcome.parameters
    alone = r["alone"]
    start = min(SETTLING, alone.time / 2)
    rows = p.layers if "path" in r else 0
    fig, axes = ns.plot.figure(4, 2, width=7.2, height=6.4, height_ratios=[2, 1, 1.6, 1.6])
    ns.plot.raster(alone, first={"E": 240, "I": 60}, window=(max(0.0, alone.time - 400.0), alone.time), ax=axes[:2, 0])
    title(axes[0, 0], "no path")
    ns.plot.rate_histogram(alone, ax=axes[2, 0], window=(start, alone.time))
    ns.plot.cv_histogram(alone, ax=axes[3, 0], window=(start, alone.time))
    right, reach = axes[0, 1], axes[3, 1]
    right.set_subplotspec(right.get_gridspec()[:3, 1])
    for ax in axes[1:3, 1]:
        ax.remove()
    letters([axes[0, 0], axes[2, 0], axes[3, 0], right, reach], "abcde")
    if not rows:
        right.set_axis_off()
        reach.set_axis_off()
        return fig
    t = np.arange(r["signal"].size)
    shapes = [("signal", r["signal"], "#595959"),
              *((f"layer {k + 1}", rate, ns.plot.PALETTE[0]) for k, rate in enumerate(r["path_rates"]))]
    for k, (_, rate, color) in enumerate(shapes):
        # one band for each, all scaled to their own height
        right.plot(t, -k + 0.85 * rate / max(rate.max(), 1e-9), color=color, lw=1.1)
        right.annotate(f"{rate.max():.0f} Hz", xy=(1.0, -k + 0.4), xycoords=right.get_yaxis_transform(), xytext=(2, 0),
                       textcoords="offset points", fontsize=6, color=color)
    right.set_yticks([-k + 0.4 for k in range(rows + 1)], [name for name, _, _ in shapes])
    right.tick_params(axis="y", length=0)
    right.set(xlabel="Time (ms)", xlim=(0, t.size), ylim=(-rows - 0.05, 1.0))
    title(right, f"rates along the path, synapses {p.gain:g} times stronger")
    place = np.arange(1, rows + 1)
    for name, label, color in (("path", f"{p.gain:g} times", ns.plot.PALETTE[0]), ("weak", "not strengthened", "#8C8C8C")):
        values = [m[f"{name}_layer_{k}"] for k in place]
        reach.plot(place, values, marker="o", ms=3.5, lw=1.1, color=color)
        reach.annotate(label, xy=(place[-1], values[-1]), xytext=(0, 6), textcoords="offset points", ha="right", fontsize=6.5,
                       color=color)
    reach.axhline(0.5, color="#8C8C8C", lw=0.6, ls=":")
    reach.set(xlabel="Layer", ylabel="Correlation with signal", ylim=(-0.1, 1.02), xticks=place)
    return fig
