"""What models of learning rules share: digits to learn from, and epochs of lessons with the errors after each."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from neurosim.learning.rules.feedback_alignment import chain, transposed
from neurosim.learning.rules.feedforward import answers, changes, forward
from neurosim.learning.rules.layers import Layers

from ._figures import legend
from .diehl_cook_2015 import digits

#: changes of weights and of biases, from samples and one-hot targets
Rule = Callable[[np.ndarray, np.ndarray], tuple[list[np.ndarray], list[np.ndarray]]]


def split(train: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return digits to learn from and their labels, and unseen ones with theirs, drawn at random."""
    images, labels = digits()
    order = rng.permutation(len(images))
    known, unseen = order[:train], order[train:]
    return images[known], labels[known], images[unseen], labels[unseen]


def wrong(found: np.ndarray, labels: np.ndarray) -> float:
    """Return how many per cent of answers are wrong."""
    return float(100 * np.mean(found.argmax(axis=1) != labels))


def epochs(layers: Layers, rule: Rule, answer: Callable[[np.ndarray], np.ndarray], data: tuple[np.ndarray, ...], number: int,
           rng: np.random.Generator, batch: int = 32) -> np.ndarray:
    """Make some epochs of lessons and return errors after each, (number, 2) in %: of what is learnt, and of what is unseen."""
    x, labels, unseen, expected = data
    targets, found = np.eye(10)[labels], np.empty((number, 2))
    for row in found:
        order = rng.permutation(len(x))
        for rows in np.array_split(order, -(-len(x) // batch)):
            layers.step(*rule(x[rows], targets[rows]))
        row[:] = wrong(answer(x), labels), wrong(answer(unseen), expected)
    return found


def answer_of(layers: Layers, activation: str) -> Callable[[np.ndarray], np.ndarray]:
    """Return the forward pass as a function of samples."""
    return lambda x: forward(layers, activation, x).y[-1]


def by_deltas(layers: Layers, activation: str, way: Callable = chain, back: list[np.ndarray] | None = None) -> Rule:
    """Return a rule that carries the error of a softmax backward by some way; back: None for transposed weights."""

    def rule(x: np.ndarray, t: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
        passed = forward(layers, activation, x)
        matrices = transposed(layers.weights) if back is None else back
        return changes(passed.y[:-1], way(answers("softmax", passed.y[-1]) - t, passed.slopes, matrices))

    return rule


def error_curves(ax, curves: dict[str, np.ndarray], colors) -> None:
    """Draw errors after each epoch: lines for unseen samples, dotted lines for those that are learnt."""
    for (name, found), color in zip(curves.items(), colors):
        when = np.arange(1, len(found) + 1)
        ax.plot(when, found[:, 1], color=color, lw=1.2, label=name)
        ax.plot(when, found[:, 0], color=color, lw=0.8, ls=":")
    ax.set(xlabel="Epoch (passes through the samples)", ylabel="Wrong (%), dotted: learnt", yscale="symlog", ylim=(0, 100))
    ax.set_yscale("symlog", linthresh=1.0)
    ax.set_yticks([0, 1, 3, 10, 30, 100], ["0", "1", "3", "10", "30", "100"])
    ax.minorticks_off()
    legend(ax, "upper right")
