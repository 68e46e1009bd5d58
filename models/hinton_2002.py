"""Training products of experts by minimizing contrastive divergence (Hinton 2002), for restricted Boltzmann machines.

    CD = KL(Q0, Qinf) - KL(Q1, Qinf),    dW = <s_i s_j>_Q0 - <s_i s_j>_Q1

Q0 is the distribution of the data, Q1 that of their one-step reconstructions by Gibbs sampling, Qinf that of the model. The
rule for dW leaves out how Q1 depends on the weights. Of this term section 3 says that it "can safely be ignored because it is
small and it seldom opposes the resultant of the other two terms", and section 10 shows it by small networks, of which all
averages can be computed: 8 visible and 4 hidden units, weights from a normal distribution of standard deviation 20, random
data, one update each, and histograms of how much CD and the log-likelihood improve (Figs. 3 and 4). This is done here, with
1000 networks instead of 10^5. The histograms have no numbers; the text of the paper was not at hand, section and setting are
as remembered.

Handwritten digits, section 12 of the paper: a machine for each class, whose free energies F_k, corrected by an offset for
each class, classify (the paper: 16 x 16 digits of the USPS, which are not at hand; here 8 x 8, so there is no number to
compare with).

Source: G. E. Hinton (2002), doi:10.1162/089976602760128018.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import neurosim as ns
from neurosim import attractors
from neurosim.attractors import boltzmann_exact as exact
from neurosim.published import Number, Outcome, Reference

from ._figures import letters, title
from .diehl_cook_2015 import digits

REFERENCE = Reference(
    citation="G. E. Hinton (2002), Training products of experts by minimizing contrastive divergence, Neural Computation 14, "
    "1771-1800",
    doi="10.1162/089976602760128018",
    numbers={
        "cd_improved": Number(1.0, 0.01, "", "Section 3, that the ignored term seldom opposes the others, and Fig. 3: "
                              "part of the networks of which one exact update lowers CD. The tolerance is ours, for seldom."),
        "likelihood_improved": Number(1.0, 0.01, "", "Fig. 4: part of the networks of which the same update raises the "
                                      "log-likelihood; likewise."),
        "cd_negative": Number(0, 0, "", "Section 3: Q1 is closer to equilibrium than Q0, so CD cannot be negative: networks of "
                              "which it is, by more than rounding (1e-9)."),
        "gradient_error": Number(0.0, 1e-6, "", "Eq. 5: the gradient of the log-likelihood is <s_i s_j>_Q0 - <s_i "
                                 "s_j>_Qinf. Largest difference from central differences, of which rounding and "
                                 "curvature make 1e-8."),
        "long_chain_error": Number(0.0, 1e-9, "", "From the equations: with k to infinity the rule is the gradient. Largest "
                                   "difference for k = 2^14 and weights of standard deviation 0.5; rounding."),
    },
)


@dataclass(frozen=True)
class Parameters:
    """networks: small ones, 1000. n_visible, n_hidden: their units, 8 and 4. sd: standard deviation of their weights, 20.
    rate: of the update, 0.001. hidden: hidden units of the machine of each class of digits, 40. epochs: through its training
    set, 60. digit_rate: learning rate there, 0.1. train: digits to learn from, 1297 of 1797.
    """

    networks: int = 1000
    n_visible: int = 8
    n_hidden: int = 4
    sd: float = 20.0
    rate: float = 0.001
    hidden: int = 40
    epochs: int = 60
    digit_rate: float = 0.1
    train: int = 1297


def build(parameters: Parameters = Parameters()) -> attractors.BoltzmannMachine:
    """Return the first of the small networks."""
    return machine(parameters, np.random.default_rng(0))


def machine(p: Parameters, rng: np.random.Generator, sd: float | None = None) -> attractors.BoltzmannMachine:
    """Return a small network with random weights and biases."""
    sd = p.sd if sd is None else sd
    return attractors.BoltzmannMachine(*(sd * rng.standard_normal(shape) for shape in
                                         ((p.n_visible, p.n_hidden), p.n_visible, p.n_hidden)))


def moved(one: attractors.BoltzmannMachine, by: attractors.Statistics, rate: float) -> attractors.BoltzmannMachine:
    """Return the machine after a step along changes of its parameters."""
    return attractors.BoltzmannMachine(one.weights + rate * by.weights, one.visible_bias + rate * by.visible,
                                       one.hidden_bias + rate * by.hidden)


def run(parameters: Parameters = Parameters(), *, duration: float | None = None, seed: int = 0, threads: int = 1,
        progress=None) -> Outcome:
    """Run all experiments; there is no time in this model, `duration` is not used, nor are `threads` and `progress`."""
    p, rng = parameters, np.random.default_rng(seed)
    cd, likelihood, lowest = np.empty(p.networks), np.empty(p.networks), np.inf
    states = exact.all_states(p.n_visible)
    for k in range(p.networks):
        one, share = machine(p, rng), rng.random(len(states))
        share /= share.sum()
        after = moved(one, attractors.contrastive_gradient(one, share), p.rate)
        before = attractors.contrastive_divergence(one, share)
        lowest = min(lowest, before)
        cd[k] = before - attractors.contrastive_divergence(after, share)
        likelihood[k] = share @ (attractors.log_likelihood(after, states) - attractors.log_likelihood(one, states))
    numbers, shown = _digits(p, rng)
    measured = {"cd_improved": float(np.mean(cd > 0)), "likelihood_improved": float(np.mean(likelihood > 0)),
                "cd_negative": float(lowest < -1e-9), **_gradients(p, rng), **numbers}
    return Outcome(measured, {"cd": cd, "likelihood": likelihood, **shown}, p)


def _gradients(p: Parameters, rng: np.random.Generator) -> dict[str, float]:
    one, data = machine(p, rng, 0.5), (rng.random((30, p.n_visible)) < 0.4).astype(float)
    gradient, step, worst = attractors.log_likelihood_gradient(one, data), 1e-5, 0.0
    for name, slope in gradient._asdict().items():
        for place in np.ndindex(slope.shape):
            move = attractors.Statistics(*(np.zeros_like(a) for a in gradient))
            getattr(move, name)[place] = 1.0
            up, down = (attractors.log_likelihood(moved(one, move, s), data).mean() for s in (step, -step))
            worst = max(worst, abs((up - down) / (2 * step) - slope[place]))
    share = np.zeros(2**p.n_visible)
    np.add.at(share, (data @ 2 ** np.arange(p.n_visible - 1, -1, -1)).astype(int), 1 / len(data))
    chain = attractors.contrastive_gradient(one, share, 2**14)
    error = max(float(np.abs(a - b).max()) for a, b in zip(chain, gradient))
    return {"gradient_error": float(worst), "long_chain_error": error}


def _digits(p: Parameters, rng: np.random.Generator) -> tuple[dict[str, float], dict]:
    """Train a machine for each class; classify by free energies; let the machines make up digits."""
    images, labels = digits()
    images = (images > 0.5).astype(float)
    x, y = images[:p.train], labels[:p.train]
    machines = []
    for digit in range(10):
        own = x[y == digit]
        trainer = attractors.Trainer(attractors.initial_machine(64, p.hidden, rng), rate=p.digit_rate, persistent=False,
                                     momentum=0.5, seed=rng)
        for _ in range(p.epochs):
            for batch in np.array_split(rng.permutation(len(own)), max(1, len(own) // 20)):
                trainer.learn(own[batch])
        machines.append(trainer.machine)
    energies = np.stack([m.free_energy(images) for m in machines], axis=1)
    score = _offsets(-energies[:p.train], y) - energies
    right = score.argmax(axis=1) == labels
    fantasies = np.stack([m.generate(3, 200, rng, start=x[y == k]) for k, m in enumerate(machines)], axis=1)
    return ({"digits_train": float(right[:p.train].mean()), "digits_test": float(right[p.train:].mean())},
            {"energies": energies[p.train:], "labels": labels[p.train:], "fantasies": fantasies,
             "features": np.concatenate([m.weights[:, :4] for m in machines], axis=1)})


def _offsets(z: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return a (10,) for which softmax(z + a) gives the labels most likely; they take the place of -ln Z of each machine."""
    from scipy.optimize import minimize
    from scipy.special import logsumexp, softmax

    target = np.eye(z.shape[1])[y]

    def loss(a: np.ndarray) -> tuple[float, np.ndarray]:
        s = z + a
        return float(np.mean(logsumexp(s, axis=1) - s[np.arange(len(y)), y])), (softmax(s, axis=1) - target).mean(axis=0)

    # offsets that put the classes at the same level are near the best
    first = -np.array([z[y == k, k].mean() for k in range(z.shape[1])])
    return minimize(loss, first, jac=True, method="L-BFGS-B").x


def figure(outcome: Outcome):
    """Return the figure: improvements of CD and of the log-likelihood, features of hidden units, and digits made up."""
    r, m = outcome.results, outcome.measured
    fig, axes = ns.plot.figure(2, 2, width=7.2, height=3.9, width_ratios=[1, 1.35])
    (a, b), (c, d) = axes
    for ax, values, what, name in ((a, r["cd"], "contrastive divergence", "cd_improved"),
                                   (c, r["likelihood"], "log-likelihood", "likelihood_improved")):
        ax.hist(values, bins=50, color=ns.plot.PALETTE[0], lw=0)
        ax.axvline(0, color="#8C8C8C", lw=0.7, ls=":")
        ax.set(xlabel=f"Improvement of the {what} (nats)", ylabel="Networks")
        title(ax, f"{100 * m[name]:.4g} % improved")
    ns.plot.rbm_features(r["features"], columns=10, ax=b)
    title(b, "Four hidden units of each class (weights)")
    ns.plot.pattern_grid(r["fantasies"].reshape(-1, 64), columns=10, limits=(0, 1), ax=d)
    title(d, f"Made up; {100 * m['digits_test']:.1f} % of unseen digits classified")
    letters((a, b, c, d), "acbd")
    return fig
