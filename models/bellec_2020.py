"""A solution to the learning dilemma for recurrent networks of spiking neurons: e-prop (Bellec et al. 2020).

    U_j(t) = beta U_j(t-1) + inputs - theta s_j(t-1),   s_j = [U_j > theta + kappa a_j],   a_j(t) = rho a_j(t-1) + s_j(t-1)
    dW_ij = -rate sum_t L_j(t) e_ij(t),   L_j = sum_k B_jk error_k,   e_ij an eligibility trace

Recurrent networks of leaky integrate-and-fire neurons, some with thresholds that rise with each spike (kappa > 0), read by
leaky integrators.  e-prop learns without going back in time: each synapse keeps a trace, and the errors of the readouts are
sent to all neurons, by the weights of the readouts (symmetric) or by fixed random ones.  What is left out, beside
backpropagation through time (BPTT), is what spikes do to later spikes of other neurons.  See `neurosim.spiking.adaptive_lif`.

1. Patterns: three outputs learn sums of sinusoids of 1, 2, 3 and 5 Hz over 1 s, from an input that only tells the time: five
   groups of four neurons, one group after the other for 200 ms.
2. Cues: seven times 100 ms of spikes from the left or from the right, one each 150 ms, then silence for 1.05 s, then a signal
   to answer: from which side came more?  The membranes forget within 20 ms; thresholds, of 2 s, remember.  Networks without
   adaptive neurons stay at chance.

From the authors' tutorials, github.com/IGITUGraz/eligibility_propagation (to their figures 3 and S7), are frequencies, the
protocol of cues, sizes, time constants and the target of 10 Hz for rates; the input that tells the time is that of the paper as
remembered.  Ours: threshold 1 and 30 % of adaptive neurons for patterns, optimiser and rates, a dampening of 0.2 there, which
keeps the gradients of BPTT within bounds, and an end of the lessons on cues once ten batches were answered to 95 %.

Patterns: of 6 networks e-prop left 0.004 to 0.03 of the variance, and BPTT 0.003 in two.  Cues: 94 to 97 % of new trials right
in three networks by symmetric feedback, 96 and 91 % in two by random feedback, for which 10 % are allowed; without adaptive
neurons 49 % after 150 lessons.  No number was missed by seed 0; seeds are few, as a run takes three minutes.

Source: G. Bellec, F. Scherr, A. Subramoney, E. Hajek, D. Salaj, R. Legenstein, W. Maass (2020),
doi:10.1038/s41467-020-17236-y.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import neurosim as ns
from neurosim import learning
from neurosim.autodiff import no_grad
from neurosim.learning import Model
from neurosim.published import Number, Outcome, Reference
from neurosim.spiking import activity_penalty

from ._figures import legend, letters, title

#: rules that patterns are learnt by; the last changes the readouts alone
RULES = ("BPTT", "symmetric", "random", "readouts")

REFERENCE = Reference(
    citation="G. Bellec, F. Scherr, A. Subramoney, E. Hajek, D. Salaj, R. Legenstein, W. Maass (2020), A solution to the "
    "learning dilemma for recurrent networks of spiking neurons, Nature Communications 11, 3625",
    doi="10.1038/s41467-020-17236-y",
    numbers={
        "bptt": Number(0.0, 0.05, "", "Pattern generation: squared error over the variance of the patterns. Tolerance ours."),
        "symmetric": Number(0.0, 0.05, "", "Abstract, e-prop 'approaches the performance' of BPTT: as bptt."),
        "random": Number(0.0, 0.05, "", "As symmetric, with random feedback."),
        "hidden_learns": Number(1.0, 0.0, "", "Part of the networks in which either way of e-prop is left with less than half "
                                "the error of one that learns in its readouts alone. Ours."),
        "cues_symmetric": Number(95.0, 5.0, "%", "Fig. 3, networks with adaptive neurons learn to count cues: right answers to "
                                 "new trials. Their tutorial ends at 93 %; two standard errors of 512 trials are 2 %."),
        "cues_random": Number(95.0, 10.0, "%", "As cues_symmetric, with random feedback, which learns later. Tolerance ours."),
        "cues_lif": Number(50.0, 8.0, "%", "Fig. 3, without adaptive neurons they do not: chance, of which 8 % are 3.6 "
                           "standard errors of 512 trials."),
    },
)


@dataclass(frozen=True)
class Parameters:
    """units: neurons of a network, 100. refractory: steps of 1 ms, 2 for patterns and 5 for cues. steps: of patterns, 1000.
    pattern_tau: of membranes and readouts, 30 ms. share: part of adaptive neurons for patterns, 0.3. kappa, tau_adaptation: of
    these, 0.05 and 500 ms. dampening: 0.2. rate: of Adam for patterns, 0.002, falling to 0. lessons: 1000. networks: for each
    rule, 2. cues: number of them, 7. spacing: from one to the next, 150 ms. cue: length of each, 100 ms. delay: 1050 ms.
    answer: length of the answer, 150 ms. cue_tau: of membranes and readouts, 20 ms. memory: time constant of thresholds,
    2000 ms. batch: trials of a lesson, 64. cue_rate: of Adam for cues, 0.005. most: lessons on cues if they are not learnt
    before, 150. tests: new trials, 512.
    """

    units: int = 100
    refractory: tuple[int, int] = (2, 5)
    steps: int = 1000
    pattern_tau: float = 30.0
    share: float = 0.3
    kappa: float = 0.05
    tau_adaptation: float = 500.0
    dampening: float = 0.2
    rate: float = 0.002
    lessons: int = 1000
    networks: int = 2
    cues: int = 7
    spacing: int = 150
    cue: int = 100
    delay: int = 1050
    answer: int = 150
    cue_tau: float = 20.0
    memory: float = 2000.0
    batch: int = 64
    cue_rate: float = 0.005
    most: int = 150
    tests: int = 512


def build(parameters: Parameters = Parameters()) -> Model:
    """Return a network for patterns before it learns, by e-prop with symmetric feedback."""
    return pattern_network(parameters, "symmetric", 0)


def pattern_network(p: Parameters, rule: str, seed: int) -> Model:
    """Return a network for patterns before it learns."""
    hidden = learning.AdaptiveSpiking(p.units, tau=p.pattern_tau, tau_adaptation=p.tau_adaptation, strength=p.kappa,
                                      share=p.share, refractory=p.refractory[0], recurrent=True, dampening=p.dampening,
                                      local=rule != "BPTT", initial="lecun")
    end = learning.Integrator(3, tau=p.pattern_tau, read="all", feedback=seed + 1 if rule == "random" else None)
    model = learning.build([hidden, end], (p.steps, 20), seed=seed, dtype="float32")
    # membranes that sum over 30 steps: some tens of Hz at first, and outputs of about 1
    for name, factor in (("0.w", 6.0), ("0.v", 0.3), ("1.w", 0.1)):
        model.parameters[name].value *= factor
    return model


def cue_network(p: Parameters, rule: str, seed: int) -> Model:
    """Return a network for cues before it learns; rule: "symmetric", "random", or "LIF", symmetric without adaptive neurons."""
    threshold = 0.6
    # that a neuron which fires without pause is stopped, whatever the time constants, as the authors chose it
    kappa = 1.7 * np.expm1(-1 / p.memory) / np.expm1(-1 / p.cue_tau)
    hidden = learning.AdaptiveSpiking(p.units, tau=p.cue_tau, tau_adaptation=p.memory, strength=float(kappa),
                                      share=0.0 if rule == "LIF" else 0.5, refractory=p.refractory[1], recurrent=True,
                                      threshold=threshold, steepness=1 / threshold, local=True, initial="lecun")
    end = learning.Integrator(2, tau=p.cue_tau, read="all", feedback=seed + 1 if rule == "random" else None)
    return learning.build([hidden, end], (p.cues * p.spacing + p.delay + p.answer, 40), seed=seed, dtype="float32")


def patterns(p: Parameters, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the input that tells the time, (1, steps, 20), and three patterns of largest value 1, (1, steps, 3)."""
    time, x = np.arange(p.steps) / p.steps, np.zeros((1, p.steps, 20), np.float32)
    sizes, phases = rng.uniform(0.5, 2, (4, 3)), rng.uniform(0, 2 * np.pi, (4, 3))
    wave = np.sin(2 * np.pi * np.array([1, 2, 3, 5])[:, np.newaxis] * time[:, np.newaxis, np.newaxis] + phases)
    y = (sizes * wave).sum(axis=1)
    for unit in range(20):
        start, end = np.array([unit // 4, unit // 4 + 1]) * p.steps // 5
        # every 10 ms, the four of a group one after the other
        x[0, start + unit % 4 * 10 // 4:end:10, unit] = 1
    return x, (y / np.abs(y).max(axis=0))[np.newaxis].astype(np.float32)


def learn_patterns(p: Parameters, rule: str, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return squared errors over the variance after each lesson, and the patterns and the last outputs, (steps, 3)."""
    x, y = patterns(p, np.random.default_rng([seed, 0]))
    model = pattern_network(p, rule, seed)
    learnt = [v for name, v in model.parameters.items() if rule != "readouts" or name.startswith("1.")]
    descent = learning.Descent(learnt, learning.Adam(learning.CosineDecay(p.rate, p.lessons)), clip=1.0)
    variance, errors = float(y.var(axis=1).sum()) * p.steps, np.empty(p.lessons)
    for k in range(p.lessons):
        z = model(x, training=True)
        loss = learning.squared_error(z, y)
        loss.backward(release=True)
        descent.step(k)
        errors[k] = 2 * loss.item() / variance
    return errors, y[0], z.value[0]


def trials(p: Parameters, number: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return spikes of 40 inputs (left, right, signal to answer, noise; ten each), and sides: 0 left, 1 right."""
    side = (rng.random((number, p.cues)) < np.where(rng.random((number, 1)) < 0.5, 0.7, 0.3)).astype(int)
    chance = np.zeros((number, p.cues * p.spacing + p.delay + p.answer, 40), np.float32)
    for k in range(p.cues):
        now = slice(k * p.spacing, k * p.spacing + p.cue)
        chance[:, now, :10] = 0.04 * (1 - side[:, k, np.newaxis, np.newaxis])
        chance[:, now, 10:20] = 0.04 * side[:, k, np.newaxis, np.newaxis]
    chance[:, -p.answer:, 20:30] = 0.04
    chance[:, :, 30:] = 0.01
    return (rng.random(chance.shape, dtype=np.float32) < chance).astype(np.float32), (2 * side.sum(axis=1) > p.cues).astype(int)


def answers(p: Parameters, z: np.ndarray) -> np.ndarray:
    """Return sides from outputs (n, steps, 2): the larger mean while the answer is asked for."""
    return z[:, -p.answer:].mean(axis=1).argmax(axis=1)


def learn_cues(p: Parameters, rule: str, seed: int) -> tuple[Model, np.ndarray, float]:
    """Return the network, the part of right answers in each lesson, and that of new trials."""
    rng, model = np.random.default_rng([seed, 1]), cue_network(p, rule, seed)
    descent, right = learning.Descent(model.parameters.values(), learning.Adam(p.cue_rate), clip=10.0), []
    while len(right) < p.most and not (len(right) >= 10 and np.mean(right[-10:]) > 0.95):
        x, side = trials(p, p.batch, rng)
        watched: list = []
        z = model(x, training=True, watched=watched)
        # sum over neurons of (mean spikes per step - 0.01)^2: 10 Hz
        wanted = 0.01 * x.shape[1]
        penalty = activity_penalty(watched[0][1], wanted, wanted, p.units / x.shape[1] ** 2)
        loss = learning.categorical_cross_entropy(z[:, -p.answer:], np.repeat(side[:, np.newaxis], p.answer, axis=1))
        (loss + penalty).backward(release=True)
        descent.step()
        right.append(np.mean(answers(p, z.value) == side))
    new, given = np.random.default_rng([seed, 2]), []
    for _ in range(-(-p.tests // p.batch)):
        x, side = trials(p, p.batch, new)
        given.append(np.mean(answers(p, model.predict(x)) == side))
    return model, np.array(right), float(np.mean(given))


def run(parameters: Parameters = Parameters(), *, duration: float | None = None, seed: int = 0, threads: int = 1,
        progress=None) -> Outcome:
    """Learn patterns and cues; `duration` is not used, tasks have their own, nor are `threads` and `progress`."""
    p, errors, results = parameters, {}, {}
    for rule in RULES:
        found = [learn_patterns(p, rule, 1000 * seed + k) for k in range(p.networks)]
        errors[rule] = np.array([curve for curve, _, _ in found])
        if rule == "random":
            results["wanted"], results["outputs"] = found[0][1:]
    ends = {rule: curves[:, -max(1, p.lessons // 50):].mean(axis=1) for rule, curves in errors.items()}
    measured = {rule.lower(): float(end.mean()) for rule, end in ends.items()}
    measured["hidden_learns"] = float(np.mean(2 * np.maximum(ends["symmetric"], ends["random"]) < ends["readouts"]))
    right = {}
    for rule in ("symmetric", "random", "LIF"):
        model, right[rule], part = learn_cues(p, rule, seed)
        measured[f"cues_{rule.lower()}"] = 100 * part
        measured[f"lessons_{rule.lower()}"] = float(len(right[rule]))
        if rule == "symmetric":
            x, side = trials(p, 1, np.random.default_rng([seed, 3]))
            watched: list = []
            with no_grad():
                z = model(x, watched=watched)
            results["trial"] = {"x": x[0], "spikes": watched[0][1].value[0], "z": z.value[0], "side": int(side[0])}
    return Outcome(measured, {**results, "errors": errors, "right": right}, p)


def figure(outcome: Outcome):
    """Return the figure: patterns, errors by rule, a trial of cues, and right answers by kind of network."""
    p, found, colors = outcome.parameters, outcome.results, ns.plot.PALETTE
    fig, axes = ns.plot.figure(2, 2, width=7.2, height=4.6)
    (a, b), (c, d) = axes
    time = np.arange(p.steps)
    for k in range(3):
        a.plot(time, found["wanted"][:, k] - 2.5 * k, color="#8C8C8C", lw=1.4, label="wanted" if not k else None)
        a.plot(time, found["outputs"][:, k] - 2.5 * k, color=colors[2], lw=0.8, label="random e-prop" if not k else None)
    a.set(xlabel="Time (ms)", ylabel="Outputs", yticks=[], ylim=(-6.4, 2.4))
    legend(a, "upper right", ncol=2)
    title(a, "Patterns after learning")
    names = {"BPTT": "BPTT", "symmetric": "symmetric e-prop", "random": "random e-prop", "readouts": "readouts alone"}
    for color, (rule, curves) in zip((colors[0], colors[1], colors[2], "#8C8C8C"), found["errors"].items()):
        b.plot(np.arange(1, curves.shape[1] + 1), curves.mean(axis=0), color=color, lw=1.0, label=names[rule])
    b.set(xlabel="Lesson (1 s each)", ylabel="Squared error over variance", yscale="log")
    legend(b, "upper right")
    title(b, "Patterns")
    _trial(c, found["trial"], p)
    for color, (rule, right) in zip((colors[1], colors[2], colors[3]), found["right"].items()):
        smooth = np.convolve(right, np.ones(5) / 5, "valid") if len(right) > 5 else right
        d.plot(np.arange(len(right) - len(smooth), len(right)) + 1, 100 * smooth, color=color, lw=1.0,
               label={"LIF": "symmetric, no adaptation"}.get(rule, rule))
    d.axhline(50, color="#8C8C8C", lw=0.7, ls=":")
    d.set(xlabel=f"Lesson ({p.batch} trials each)", ylabel="Right answers (%)", ylim=(30, 102))
    legend(d, "center right")
    title(d, "Cues")
    letters((a, b, c, d))
    return fig


def _trial(ax, trial: dict, p: Parameters) -> None:
    """Draw spikes of inputs and neurons in a trial, and the answers while they are asked for."""
    regular = p.units - round(0.5 * p.units)
    parts = (("left", trial["x"][:, :10]), ("right", trial["x"][:, 10:20]), ("answer", trial["x"][:, 20:30]),
             ("noise", trial["x"][:, 30:]), ("LIF", trial["spikes"][:, :regular][:, :20]),
             ("adaptive", trial["spikes"][:, regular:][:, :20]))
    top, ticks = 0, []
    for k, (_, spikes) in enumerate(parts):
        step, unit = np.nonzero(spikes)
        ax.scatter(step, -(top + unit), s=4, marker="|", lw=0.5, color=ns.plot.PALETTE[k % len(ns.plot.PALETTE)])
        ticks.append(-(top + spikes.shape[1] / 2))
        top += spikes.shape[1] + 3
    ax.set_yticks(ticks, [name for name, _ in parts])
    ax.set(xlabel="Time (ms)", xlim=(0, len(trial["x"])), ylim=(-top, 2))
    ax.tick_params(axis="y", length=0)
    title(ax, f"A trial: wanted {('left', 'right')[trial['side']]}, answered "
              f"{('left', 'right')[int(answers(p, trial['z'][np.newaxis])[0])]}")
