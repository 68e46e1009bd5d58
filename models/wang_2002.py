"""A decision between two alternatives by slow reverberation (Wang 2002).

    c_m dv/dt = g_l (e_l - v) + (g_ext s_ext + g_ampa S_ampa)(e_e - v) + g_nmda S_nmda (e_e - v)/(1 + mg exp(-0.062 v)/3.57)
                + g_gaba S_gaba (e_i - v)
    spike if v > v_th:  v <- v_reset, held for t_ref

    ds/dt = -s/tau_nmda + alpha x (1 - s),   dx/dt = -x/tau_rise,   x <- x + 1 at a spike         (NMDA, saturates)
    ds/dt = -s/tau,                          s <- s + 1 at a spike                                 (AMPA, GABA, outside)

v in mV, times in ms, conductances in uS. s belongs to the neuron that fires; what a target gets are sums over all neurons,
S = sum_j w_j s_j, after the delay. 1600 excitatory and 400 inhibitory neurons, all connected with all. Two groups of 15 % of
the excitatory neurons, A and B, are selective for the two alternatives: weights are w_plus within each of them, w_minus between
them and from unselective neurons onto them, and 1 everywhere else; w_minus = 1 - f (w_plus - 1)/(1 - f) keeps the sum.

Every neuron gets Poisson spikes from outside, `background` in all. From `onset` for `length` A and B get another Poisson train
each, of a rate that is drawn anew for the group every 50 ms from a normal distribution of mean mu_0 (1 + coherence) for A and
mu_0 (1 - coherence) for B. One of the two groups wins. The choice is the group with the higher rate in the last 250 ms of the
stimulus; the time of the decision is when its rate first reaches 15 Hz in windows of 50 ms.

The sums are W = D E of rank 3 (AMPA, NMDA: groups A, B and the rest) and 1 (GABA): 12 numbers stand for 7.4 million synapses.

Source: X.-J. Wang (2002), doi:10.1016/S0896-6273(02)01092-9; constants of N. Brunel, X.-J. Wang (2001),
doi:10.1023/A:1011204814320.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

import neurosim as ns
from neurosim.errors import ParameterError
from neurosim.published import Number, Outcome, Reference

from ._figures import legend, letters, mark, title

#: time between two rates of the stimulus, window in which a rate is measured, its step (ms); rate of a decision (Hz)
REDRAWN, WINDOW, STRIDE, DECIDED = 50.0, 50.0, 5.0, 15.0
#: NMDA gating at 3 Hz, where it starts: a spike opens 63 % of what is closed, nu tau 0.63/(1 + nu tau 0.63)
AT_REST = 0.16

REFERENCE = Reference(
    citation="X.-J. Wang (2002), Probabilistic decision making by slow reverberation in cortical circuits, Neuron 36, 955-968",
    doi="10.1016/S0896-6273(02)01092-9",
    numbers={
        "spontaneous_e": Number(3.0, 1.5, "Hz", "Rate of excitatory neurons before the stimulus, about 3 Hz (Brunel & Wang "
                                "2001); half of it, as no digits are given."),
        "spontaneous_i": Number(9.0, 3.0, "Hz", "Rate of inhibitory neurons before the stimulus, about 9 Hz."),
        "decided_most": Number(1.0, 0.05, "", "Part of the trials with the highest coherence in which one group wins (the "
                               "other has less than half of its rate at the end of the stimulus): winner takes all."),
        "correct_zero": Number(0.5, 0.3, "", "Part of the trials without coherence in which A wins: chance; 2.7 standard "
                               "deviations of twenty trials."),
        "correct_most": Number(1.0, 0.05, "", "Part of the trials with the highest coherence in which A wins: no errors."),
        "threshold": Number(0.092, 0.05, "", "Coherence at which 82 % are correct, alpha of the Weibull function (figure 5 of "
                            "the paper: 9.2 %); half of it, for twenty trials of each coherence."),
    },
)


def _unit(default: float, unit: str):
    return field(default=default, metadata={"unit": unit})


@dataclass(frozen=True)
class Parameters:
    """coherences: of the stimulus, 0 to 1. trials: of each, 20. n_e, n_i: neurons, 1600 and 400; conductances are for these
    numbers, for others they are scaled. f: part of the excitatory neurons in each group, 0.15. w_plus: 1.7. mu_0: mean rate of
    the stimulus (Hz), 40. sd: of its rate (Hz), 4. onset, length: of the stimulus (ms), 500 and 1000. after: time after it
    (ms), 500. background: rate of all spikes from outside (Hz), 2400. delay: (ms), 0.5. Excitatory and inhibitory neurons, in
    this order: c_m (nF), g_l, g_ext, g_ampa, g_nmda, g_gaba (uS), t_ref (ms). tau_ampa, tau_nmda, tau_rise, tau_gaba: (ms), 2,
    100, 2, 5. alpha: (1/ms), 0.5. mg: (mM), 1. e_l, v_th, v_reset, e_e, e_i: (mV), -70, -50, -55, 0, -70. dt: time step (ms),
    0.1.
    """

    coherences: tuple[float, ...] = (0.0, 0.032, 0.064, 0.128, 0.256, 0.512)
    trials: int = 20
    n_e: int = 1_600
    n_i: int = 400
    f: float = 0.15
    w_plus: float = 1.7
    mu_0: float = _unit(40.0, "Hz")
    sd: float = _unit(4.0, "Hz")
    onset: float = _unit(500.0, "ms")
    length: float = _unit(1000.0, "ms")
    after: float = _unit(500.0, "ms")
    background: float = _unit(2400.0, "Hz")
    delay: float = _unit(0.5, "ms")
    c_m: tuple[float, ...] = (0.5, 0.2)
    g_l: tuple[float, ...] = (0.025, 0.020)
    g_ext: tuple[float, ...] = (0.0021, 0.00162)
    g_ampa: tuple[float, ...] = (0.00005, 0.00004)
    g_nmda: tuple[float, ...] = (0.000165, 0.00013)
    g_gaba: tuple[float, ...] = (0.0013, 0.0010)
    t_ref: tuple[float, ...] = (2.0, 1.0)
    tau_ampa: float = _unit(2.0, "ms")
    tau_nmda: float = _unit(100.0, "ms")
    tau_rise: float = _unit(2.0, "ms")
    tau_gaba: float = _unit(5.0, "ms")
    alpha: float = 0.5
    mg: float = 1.0
    e_l: float = _unit(-70.0, "mV")
    v_th: float = _unit(-50.0, "mV")
    v_reset: float = _unit(-55.0, "mV")
    e_e: float = _unit(0.0, "mV")
    e_i: float = _unit(-70.0, "mV")
    dt: float = _unit(0.1, "ms")


_POTENTIAL = """
    open = 1/(1 + mg*exp(-0.062*v)/3.57)
    excited = (g_ext*s_ext + g_ampa*ampa + g_nmda*nmda*open)*(e_e - v)
    dv/dt = (g_l*(e_l - v) + excited + g_gaba*gaba*(e_i - v))/c_m (unless refractory)
    ds_ext/dt = -s_ext/tau_ampa
"""
_GATES = """
    dx/dt = -x/tau_rise
    ds_nmda/dt = -s_nmda/tau_nmda + alpha*x*(1 - s_nmda)
    ds_ampa/dt = -s_ampa/tau_ampa
"""


def _cells(p: Parameters) -> tuple[ns.Population, ns.Population]:
    made = []
    # the sums grow with the number of neurons, so the conductances shrink
    grown_e, grown_i = p.n_e / 1600, p.n_i / 400
    for k, (name, n) in enumerate((("E", p.n_e), ("I", p.n_i))):
        own = dict(tau_rise=p.tau_rise, tau_nmda=p.tau_nmda, alpha=p.alpha) if k == 0 else dict(tau_gaba=p.tau_gaba)
        model = ns.NeuronModel.from_equations(
            _POTENTIAL + (_GATES if k == 0 else "\n    ds_gaba/dt = -s_gaba/tau_gaba"), threshold="v > v_th",
            reset="v = v_reset; x += 1; s_ampa += 1" if k == 0 else "v = v_reset; s_gaba += 1", refractory="t_ref",
            method="exponential_euler",
            inputs={"ampa": "1", "nmda": "1", "gaba": "1"},
            initial=dict(v=ns.Uniform(p.v_reset, p.v_th)) | ({"s_nmda": AT_REST} if k == 0 else {}),
            parameters=dict(c_m=p.c_m[k], g_l=p.g_l[k], g_ext=p.g_ext[k], g_ampa=p.g_ampa[k] / grown_e,
                            g_nmda=p.g_nmda[k] / grown_e, g_gaba=p.g_gaba[k] / grown_i, t_ref=p.t_ref[k], mg=p.mg, e_l=p.e_l,
                            v_th=p.v_th, v_reset=p.v_reset, e_e=p.e_e, e_i=p.e_i, tau_ampa=p.tau_ampa, **own),
            name=f"wang_{name.lower()}")
        made.append(ns.Population(n, model, name=name))
    return made[0], made[1]


def groups(p: Parameters) -> tuple[slice, slice]:
    """Return the excitatory neurons of A and of B."""
    size = round(p.f * p.n_e)
    if not 0 < 2 * size <= p.n_e:
        raise ParameterError(f"f={p.f:g} must leave at least one neuron for each of two groups among {p.n_e} neurons.")
    return slice(0, size), slice(size, 2 * size)


def weights(p: Parameters) -> tuple[np.ndarray, np.ndarray]:
    """Return D (n_e, 3), the group of each excitatory source, and E (3, n_e), the weight of each group onto each target."""
    a, b = groups(p)
    minus = 1.0 - p.f * (p.w_plus - 1.0) / (1.0 - p.f)
    member = np.zeros((p.n_e, 3))
    member[:, 2] = 1.0
    onto = np.ones((3, p.n_e))
    for k, group in enumerate((a, b)):
        member[group] = np.eye(3)[k]
        onto[:, group] = minus
        onto[k, group] = p.w_plus
    return member, onto


def stimulus(p: Parameters, coherence: float, seed: int, duration: float) -> np.ndarray:
    """Return the rate of the stimulus in Hz, one value each ms, shape (n, 2 * neurons of a group)."""
    rng = np.random.default_rng([seed, 2002])
    n = max(1, int(np.ceil(duration)))
    t = np.arange(n)
    size = groups(p)[0].stop
    out = np.zeros((n, 2 * size))
    inside = (t >= p.onset) & (t < p.onset + p.length)
    piece = np.clip((t - p.onset) // REDRAWN, 0, None).astype(int)
    for k, sign in enumerate((1.0, -1.0)):
        drawn = np.maximum(rng.normal(p.mu_0 * (1 + sign * coherence), p.sd, piece.max() + 1), 0.0)
        out[:, k * size:(k + 1) * size] = np.where(inside, drawn[piece], 0.0)[:, None]
    return out


def build(parameters: Parameters = Parameters(), coherence: float = 0.0, seed: int = 0) -> ns.Network:
    """Return the circuit with the stimulus of one trial, for runs with ``dt=parameters.dt``."""
    p = parameters
    exc, inh = _cells(p)
    member, onto = weights(p)
    ones = np.ones((p.n_e, 1))
    source = ns.Population(2 * groups(p)[0].stop, ns.NeuronModel.from_equations(
        "", threshold="rand() < rate*dt/1000", edge=False, inputs={"rate": "Hz"}, name="source"), name="stimulus")
    recurrent = []
    for kind in ("ampa", "nmda"):
        common = dict(variable=f"s_{kind}", input=kind, delay=p.delay)
        recurrent += [ns.GradedProjection(exc, exc, (member, onto), name=f"E->E {kind}", **common),
                      ns.GradedProjection(exc, inh, (ones, np.ones((1, p.n_i))), name=f"E->I {kind}", **common)]
    for target in (exc, inh):
        recurrent.append(ns.GradedProjection(inh, target, (np.ones((p.n_i, 1)), np.ones((1, target.size))), variable="s_gaba",
                                             input="gaba", delay=p.delay, name=f"I->{target.name}"))
    duration = p.onset + p.length + p.after
    return ns.Network(
        [exc, inh, source],
        [*recurrent, ns.Projection(source, exc[:source.size], ns.OneToOne(), ns.Delta(1.0, variable="s_ext"), delay=p.delay)],
        stimuli=[ns.PoissonInput(rate=p.background, weight=1.0, variable="s_ext", target=[exc, inh]),
                 ns.TimedArray(stimulus(p, coherence, seed, duration), interval=1.0, target=source, input="rate")])


def rates(p: Parameters, spikes: ns.SpikeTrains) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the windows (ms) and the rates of A and B in them (Hz), shape (n, 2)."""
    edges = np.arange(0.0, spikes.stop + STRIDE / 2, STRIDE)
    wide = round(WINDOW / STRIDE)
    out = []
    for group in groups(p):
        one = spikes.select(group)
        counts = np.histogram(one.times, edges)[0]
        out.append(np.convolve(counts, np.ones(wide))[:counts.size] * 1000.0 / (WINDOW * one.size))
    return edges[1:], np.stack(out, axis=1)


def weibull(coherence, threshold: float, slope: float):
    """Return the part of correct choices, 1 - exp(-(coherence/threshold)^slope)/2."""
    return 1.0 - 0.5 * np.exp(-((np.asarray(coherence) / threshold) ** slope))


def fitted(coherence: np.ndarray, correct: np.ndarray, trials: int) -> tuple[float, float]:
    """Return threshold and slope of greatest likelihood; NaN with fewer than three coherences above 0."""
    from scipy.optimize import minimize

    if np.sum(coherence > 0) < 3:
        return float("nan"), float("nan")

    def cost(x: np.ndarray) -> float:
        part = np.clip(weibull(coherence, *np.exp(x)), 1e-6, 1 - 1e-6)
        return -float(np.sum(trials * (correct * np.log(part) + (1 - correct) * np.log(1 - part))))

    best = minimize(cost, np.log([0.1, 1.5]), method="Nelder-Mead", bounds=np.log([(1e-3, 2.0), (0.3, 6.0)]))
    return float(np.exp(best.x[0])), float(np.exp(best.x[1]))


def run(parameters: Parameters = Parameters(), *, duration: float | None = None, seed: int = 0, threads: int = 1,
        progress=None) -> Outcome:
    """Run all trials; `duration` (ms) cuts each of them off. Trial k of coherence c has the seed 100,000 seed + 1000 c + k."""
    p = parameters
    length = p.onset + p.length + p.after if duration is None else duration
    end = min(p.onset + p.length, length)
    correct, times, decided, quiet = [], [], [], []
    results: dict[str, object] = {}
    for c, coherence in enumerate(p.coherences):
        wins, delays, clear = [], [], []
        for k in range(p.trials):
            own = 100_000 * seed + 1000 * c + k
            result = ns.simulate(build(p, coherence, own), length, p.dt, seed=own, threads=threads, progress=progress)
            t, r = rates(p, result.spikes["E"])
            late = r[(t > end - 250.0) & (t <= end)].mean(axis=0)
            wins.append(late[0] > late[1])
            clear.append(late.min() < 0.5 * late.max())
            reached = t[(t > p.onset) & (r[:, int(np.argmax(late))] >= DECIDED)]
            delays.append(reached[0] - p.onset if reached.size else np.nan)
            if min(p.onset, length) > 200.0:
                quiet.append([result.spikes[name].rates(200.0, min(p.onset, length)).mean() for name in "EI"])
            if k < 6 and c in (0, len(p.coherences) - 1):
                results[f"rates_{c}_{k}"] = r
                results["time"] = t
            if k == 0 and c in (0, len(p.coherences) - 1):
                results["zero" if c == 0 else "most"] = result
        correct.append(np.mean(wins))
        decided.append(np.mean(clear))
        times.append(np.nanmean(delays) if np.isfinite(delays).any() else np.nan)
    coherences, correct, times = np.array(p.coherences, float), np.array(correct, float), np.array(times, float)
    threshold, slope = fitted(coherences, correct, p.trials)
    still = np.mean(quiet, axis=0) if quiet else (float("nan"),) * 2
    at_zero = correct[coherences == 0]
    measured = {"spontaneous_e": float(still[0]), "spontaneous_i": float(still[1]),
                "decided_most": float(decided[int(np.argmax(coherences))]),
                "correct_zero": float(at_zero[0]) if at_zero.size else float("nan"),
                "correct_most": float(correct[np.argmax(coherences)]), "threshold": threshold, "slope": slope}
    for x, part, delay, clear in zip(coherences, correct, times, decided):
        name = f"{100 * x:g}"
        measured |= {f"correct_{name}": float(part), f"time_{name}": float(delay), f"decided_{name}": float(clear)}
    return Outcome(measured, results | {"coherence": coherences, "correct": correct, "times": times}, p)


def figure(outcome: Outcome):
    """Return raster and rates without and with most coherence, the psychometric and the chronometric function."""
    r, p, m = outcome.results, outcome.parameters, outcome.measured
    blue, red, grey = *ns.plot.PALETTE[:2], "#8C8C8C"
    fig, axes = ns.plot.figure(3, 2, width=7.2, height=6.0, height_ratios=[1.2, 1, 1])
    a, b = groups(p)
    last = len(p.coherences) - 1
    for column, (name, c) in enumerate((("zero", 0), ("most", last))):
        top, below = axes[0, column], axes[1, column]
        if name not in r:
            top.set_axis_off()
            below.set_axis_off()
            continue
        few = min(60, a.stop)
        spikes = r[name].spikes["E"]
        shown = {"A": spikes.select(np.arange(few)), "B": spikes.select(b.start + np.arange(few))}
        ns.plot.raster(shown, ax=top, color=[blue, red])
        title(top, f"coherence {100 * p.coherences[c]:g} %, first trial")
        for k in range(6):
            if f"rates_{c}_{k}" in r:
                for side, color in enumerate((blue, red)):
                    below.plot(r["time"], r[f"rates_{c}_{k}"][:, side], color=color, lw=1.1 if k == 0 else 0.5,
                               alpha=1.0 if k == 0 else 0.6)
        below.axhline(DECIDED, color=grey, lw=0.6, ls=":")
        below.set(xlabel="Time (ms)", ylabel="Rate (Hz)", xlim=(0, r[name].time), ylim=(0, None))
        for ax in (top, below):
            ax.axvspan(p.onset, p.onset + p.length, color=grey, alpha=0.12, lw=0)
        title(below, "rates of A and B, six trials")
    choice, time = axes[2]
    x = r["coherence"]
    # zero has no place on a logarithmic axis: it stands at its left end
    place = np.where(x > 0, 100 * x, 100 * min(x[x > 0], default=0.01) / 2)
    choice.errorbar(place, r["correct"], yerr=np.sqrt(r["correct"] * (1 - r["correct"]) / p.trials), ls="", marker="o", ms=4,
                    color=blue, elinewidth=0.7)
    if np.isfinite(m["threshold"]):
        fine = np.geomspace(place.min(), place.max(), 100)
        choice.plot(fine, weibull(fine / 100, m["threshold"], m["slope"]), color=blue, lw=1.1, label="fit")
        choice.plot(fine, weibull(fine / 100, 0.092, 1.5), color=grey, lw=1.1, ls="--", label="paper")
        mark(choice, 100 * m["threshold"], f"{100 * m['threshold']:.1f} %")
        legend(choice, "lower right")
    choice.set(xscale="log", xlabel="Coherence (%)", ylabel="A chosen", ylim=(0.3, 1.03))
    time.plot(place, r["times"], marker="o", ms=4, lw=1.1, color=blue)
    time.set(xscale="log", xlabel="Coherence (%)", ylabel="Time to 15 Hz (ms)", ylim=(0, None))
    for ax in (choice, time):
        ax.set_xticks(place, [f"{100 * v:g}" for v in x])
        ax.minorticks_off()
    letters(np.ravel(axes))
    return fig
