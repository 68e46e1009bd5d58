"""Predictive coding with labels held at the output learns like backpropagation (Whittington & Bogacz 2017).

    e^i = (x^i - mu^i)/Sigma^i,   mu^i = f(x^(i+1)) M^i + b^i,   dx^i/dt = f'(x^i) o (e^(i-1) (M^(i-1))^T) - e^i
    dM^i = f(x^(i+1))^T e^i,   db^i = e^i                                                   once x is at rest

with x^0 the label and the last layer the data (`neurosim.predictive`; the paper counts layers in the same direction). At rest

    e^i = f'(x^i) o (e^(i-1) (M^(i-1))^T)

which is backpropagation's recursion, but at the x to which inference has moved. With Sigma^0 = Sigma and the others 1 hidden
units move by a distance of order 1/Sigma: Sigma dM tends to the gradient, with a relative difference of order 1/Sigma, and the
angle between both to 0. With Sigma = 1 label and data pull alike, and learning is another rule.

Exclusive or: 2-5-1 units, f = tanh (of the inputs too), rate 0.2, one sample after the other, Sigma = 10, 100 steps of
inference of length 0.2, first weights uniform within sqrt(6/(n_in + n_out)), label 1 for equal inputs: as in the program that
the authors published with the paper (ModelDB 218084). Some starts end in a local minimum by both rules. Digits: the paper has
MNIST and 784-600-600-10 units, as remembered, and finds errors near those of backpropagation; here 64-30-30-10 and digits of
8 x 8 pixels, the last 500 of which are unseen, so only the difference can be compared, which should be 0.

The text of the paper was not at hand: no number below is a printed one, all follow from its equations and abstract.

Source: J. C. R. Whittington, R. Bogacz (2017), doi:10.1162/NECO_a_00949.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

import neurosim as ns
from neurosim import predictive
from neurosim.published import Number, Outcome, Reference

from ._figures import legend, letters, title
from .diehl_cook_2015 import digits

REFERENCE = Reference(
    citation="J. C. R. Whittington, R. Bogacz (2017), An approximation of the error backpropagation algorithm in a predictive "
    "coding network with local Hebbian synaptic plasticity, Neural Computation 29, 1229-1262",
    doi="10.1162/NECO_a_00949",
    numbers={
        "recursion": Number(0.0, 1e-9, "", "From the equations: largest difference of e and f' o (e M^T) at rest, Sigma 10; "
                            "2000 steps of length 0.2 leave nothing but rounding."),
        "slope": Number(-1.0, 0.05, "", "From the equations, angle of order 1/Sigma: slope of its logarithm over that of "
                        "Sigma, over the upper half of the variances, of the mean over networks. The next order is "
                        "1/Sigma^2; 6 seeds gave -0.9984 to -0.9975."),
        "angle_rises": Number(0, 0, "", "The same, angle tends to 0: steps of Sigma at which the mean angle rises."),
        "xor_learnt": Number(1.0, 0.5, "", "That the network learns exclusive or, Sigma 10: part of the runs that reach an "
                             "error (r.m.s.) below 0.01. Of 40 starts 37 do (by backpropagation 34); 2 of 6 or less in 1 seed "
                             "of 2000."),
        "xor_pace": Number(1.0, 0.1, "", "That errors fall as by backpropagation: epochs until that error is below 0.01, over "
                           "those of backpropagation, for Sigma 100; geometric mean of the runs in which both reach it. In 34 "
                           "starts it is 0.94 to 1.00, mean 0.983: no seed should miss it."),
        "digits_difference": Number(0.0, 0.02, "", "That digits are learnt as well: share of 500 unseen digits that are right, "
                                    "less that of backpropagation from the same start, mean of the runs. "
                                    "For 8 starts -0.012 to 0.008, mean -0.003 +- 0.006: missed by less than 1 seed in 10^5."),
    },
)


@dataclass(frozen=True)
class Parameters:
    """runs: networks that learn exclusive or, 6. epochs: of four samples each, 200. rate: of learning, 0.2. variances: Sigma of
    the runs, the last but one is the authors'. iterations, step: of inference, 100 and 0.2. networks: for the angles, 50.
    hidden: units in each of two layers, 30. digit_runs: 3. digit_epochs: 20. digit_rate: 0.1. digit_iterations: 30. train:
    digits to learn from, 1297 of 1797.
    """

    runs: int = 6
    epochs: int = 200
    rate: float = 0.2
    variances: tuple[float, ...] = (1.0, 10.0, 100.0)
    iterations: int = 100
    step: float = 0.2
    networks: int = 50
    hidden: int = 30
    digit_runs: int = 3
    digit_epochs: int = 20
    digit_rate: float = 0.1
    digit_iterations: int = 30
    train: int = 1297


#: exclusive or with the label 1 for equal inputs
X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
T = np.array([[1.0], [0.0], [0.0], [1.0]])
#: Sigma for the angles, and the samples of a batch of digits
SIGMAS = tuple(float(s) for s in np.logspace(0, 4, 9))
BATCH = 20

Rule = Callable[[predictive.PredictiveNetwork, np.ndarray, np.ndarray], predictive.Changes]


def network(sizes: tuple[int, ...], sigma: float, rng: np.random.Generator, **options) -> predictive.PredictiveNetwork:
    """Return a network with Sigma at its output and first weights uniform within sqrt(6/(n_in + n_out))."""
    net = predictive.PredictiveNetwork(sizes, "tanh", nu=(sigma, *[1.0] * (len(sizes) - 2)), **options)
    for m in net.M:
        m[...] = rng.uniform(-1, 1, m.shape) * np.sqrt(6 / sum(m.shape))
    return net


def build(parameters: Parameters = Parameters()) -> predictive.PredictiveNetwork:
    """Return a network for exclusive or, with the authors' Sigma."""
    return network((2, 5, 1), 10.0, np.random.default_rng(0), top_activation="tanh")


def inferring(iterations: int, step: float) -> Rule:
    """Return the rule of predictive coding: what weights learn after some steps of inference."""
    return partial(predictive.changes, iterations=iterations, step=step, backtracking=False)


def learn(net: predictive.PredictiveNetwork, x: np.ndarray, t: np.ndarray, rule: Rule, rate: float, batches: list) -> None:
    """Change a network by Sigma times what the rule says, one batch of samples after the other."""
    for batch in batches:
        for weights, change in zip(net.parameters, rule(net, x[batch], t[batch]).arrays):
            weights += rate * net.nu[0][0] * change


def angle(a: predictive.Changes, b: predictive.Changes) -> float:
    """Return the angle (degrees) between two changes of all weights and biases."""
    a, b = (np.concatenate([v.ravel() for v in c.arrays]) for c in (a, b))
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    # the arc of the chord: exact where the cosine is 1 to rounding
    return float(np.degrees(2 * np.arcsin(min(1.0, np.linalg.norm(a - b) / 2))))


def run(parameters: Parameters = Parameters(), *, duration: float | None = None, seed: int = 0, threads: int = 1,
        progress=None) -> Outcome:
    """Run all experiments; there is no time in this model, `duration` is not used, nor are `threads` and `progress`."""
    p, rng = parameters, np.random.default_rng(seed)
    angles, numbers = _angles(p, rng)
    courses, pace = _exclusive_or(p, rng)
    shown, more = _digits(p, rng)
    return Outcome({**numbers, **pace, **more}, {"angles": angles, "courses": courses, "digits": shown}, p)


def _angles(p: Parameters, rng: np.random.Generator) -> tuple[np.ndarray, dict[str, float]]:
    """Return angles (networks, Sigmas) between predictive coding and backpropagation for the first weights of exclusive or."""
    rule, found = inferring(p.iterations, p.step), np.zeros((p.networks, len(SIGMAS)))
    worst = 0.0
    for k in range(p.networks):
        first = network((2, 5, 1), 1.0, rng, top_activation="tanh")
        for j, sigma in enumerate(SIGMAS):
            net = first.copy()
            net.nu = [np.full_like(net.nu[0], sigma), *net.nu[1:]]
            found[k, j] = angle(rule(net, X, T), predictive.backprop(net, X, T))
        net.nu = [np.full_like(net.nu[0], 10.0), *net.nu[1:]]
        rest = predictive.settle(net, X, T, iterations=2000, step=p.step, backtracking=False, tolerance=1e-14)
        back = (1 - np.tanh(rest.x[1]) ** 2) * (rest.e[0] @ net.M[0].T)
        worst = max(worst, float(np.abs(rest.e[1] - back).max()))
    mean = found.mean(axis=0)
    half = len(SIGMAS) // 2
    slope = np.polyfit(np.log(SIGMAS[half:]), np.log(mean[half:]), 1)[0]
    return found, {"recursion": worst, "slope": float(slope), "angle_rises": float(np.sum(np.diff(mean) >= 0)),
                   **{f"angle_{s:g}": float(a) for s, a in zip(SIGMAS, mean) if s in (1.0, 10.0, 100.0)}}


def _exclusive_or(p: Parameters, rng: np.random.Generator) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Return the errors (runs, epochs + 1) of backpropagation and predictive coding from the same first weights."""
    names = {"Backprop": (1.0, predictive.backprop),
             **{f"Σ = {s:g}": (s, inferring(p.iterations, p.step)) for s in p.variances}}
    courses = {name: np.zeros((p.runs, p.epochs + 1)) for name in names}
    each = [np.array([k]) for k in range(4)]
    for k in range(p.runs):
        seed = rng.integers(2**63)
        for name, (sigma, rule) in names.items():
            net = network((2, 5, 1), sigma, np.random.default_rng(seed), top_activation="tanh")
            for epoch in range(p.epochs + 1):
                if epoch:
                    learn(net, X, T, rule, p.rate, each)
                courses[name][k, epoch] = np.sqrt(np.mean((predictive.infer(net, X) - T) ** 2))
    # epochs until learnt; NaN for never
    needed = np.array([np.where((c < 0.01).any(axis=1), (c < 0.01).argmax(axis=1), np.nan) for c in courses.values()])
    both = np.isfinite(needed[0] + needed[-1])
    pace = np.exp(np.log(needed[-1, both] / needed[0, both]).mean()) if both.any() else np.nan
    learnt = np.isfinite(needed).mean(axis=1)
    return courses, {"xor_learnt": float(learnt[-2]), "xor_learnt_backprop": float(learnt[0]), "xor_pace": float(pace)}


def _digits(p: Parameters, rng: np.random.Generator) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Return shares of wrong digits (runs, epochs), seen and unseen, by both rules, same starts and same orders."""
    images, labels = digits()
    t = np.eye(10)[labels]
    rules = {"Backprop": predictive.backprop, "Predictive coding": inferring(p.digit_iterations, p.step)}
    wrong = {f"{name}, {part}": np.zeros((p.digit_runs, p.digit_epochs)) for name in rules for part in ("seen", "unseen")}
    for k in range(p.digit_runs):
        seed = rng.integers(2**63)
        for name, rule in rules.items():
            own = np.random.default_rng(seed)
            net = network((64, p.hidden, p.hidden, 10), p.variances[-1], own)
            for epoch in range(p.digit_epochs):
                order = own.permutation(p.train)
                learn(net, images, t, rule, p.digit_rate, np.array_split(order, max(1, p.train // BATCH)))
                miss = predictive.infer(net, images).argmax(axis=1) != labels
                wrong[f"{name}, seen"][k, epoch] = miss[:p.train].mean()
                wrong[f"{name}, unseen"][k, epoch] = miss[p.train:].mean()
    last = {name: 1 - float(w[:, -1].mean()) for name, w in wrong.items()}
    back, coded = (last[f"{name}, unseen"] for name in rules)
    return wrong, {"digits_difference": coded - back, "digits_backprop": back, "digits_predictive": coded}


def figure(outcome: Outcome):
    """Return the figure: angles over Sigma, errors of exclusive or, errors of digits."""
    r = outcome.results
    fig, axes = ns.plot.figure(1, 3, width=7.2, height=2.4)
    a, b, c = axes[0]
    a.plot(SIGMAS, r["angles"].T, color=ns.plot.PALETTE[0], lw=0.4, alpha=0.3)
    mean = r["angles"].mean(axis=0)
    a.plot(SIGMAS, mean, color=ns.plot.PALETTE[0], marker="o", ms=2.5, lw=1.3, label="mean of networks")
    a.plot(SIGMAS, mean[-1] * SIGMAS[-1] / np.array(SIGMAS), color="#595959", ls=":", lw=1.0, label="∝ 1/Σ")
    a.set(xscale="log", yscale="log", xlabel="Variance Σ of the output (1)", ylabel="Angle to the gradient (°)")
    legend(a, "lower left")
    title(a, "Exclusive or, first weights")
    for k, (name, course) in enumerate(r["courses"].items()):
        for j, one in enumerate(course):
            b.plot(one, color=ns.plot.PALETTE[k], lw=0.9, ls="--" if k == 0 else "-", zorder=5 if k == 0 else 2,
                   label=name if j == 0 else None)
    b.set(yscale="log", ylim=(1e-6, 2), xlabel="Epoch", ylabel="Error (r.m.s.)")
    legend(b, "lower left")
    title(b, f"Exclusive or, {len(course)} starts")
    for k, (name, wrong) in enumerate(r["digits"].items()):
        c.plot(np.arange(1, wrong.shape[1] + 1), 100 * wrong.mean(axis=0), color=ns.plot.PALETTE[k // 2],
               ls="-" if k % 2 else ":", lw=1.2, label=name)
    c.set(yscale="log", xlabel="Epoch", ylabel="Wrong digits (%)")
    legend(c, "upper right")
    title(c, f"Digits, mean of {len(wrong)} starts")
    letters((a, b, c))
    return fig
