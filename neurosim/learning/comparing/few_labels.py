"""How good answers are when fewer samples have been learnt: the share of the labels that a learner needs.

Parts are drawn in equal shares of the classes, the same for every learner, and smaller ones lie within larger ones.  A learner
that learns in epochs is shown few samples more often, so that it makes as many steps, though at most `MOST` passes.
"""

from __future__ import annotations

import numpy as np

from neurosim.learning.comparing.entrants import MOST
from neurosim.learning.comparing.trained import Trained, afresh, score

SHARES = (0.1, 0.25, 0.5)


def few_labels(trained: Trained) -> dict[str, float]:
    """Return the score on the samples for the test by share of the samples learnt, such as "labels_0.1"."""
    found = {}
    order = spread_out(trained.y, np.random.default_rng([trained.seed, 2]))
    for share in SHARES:
        part = order[:max(2, round(share*len(order)))]
        # one class alone is nothing to learn
        if trained.y.dtype.kind == "i" and len(np.unique(trained.y[part])) < len(np.unique(trained.y)):
            continue
        learner = afresh(trained.learner, trained.seed)
        if trained.epochs is not None:
            learner.set_params(max_iter=max(trained.epochs, min(MOST, round(trained.epochs/share))))
        found[f"labels_{share:g}"] = score(learner.fit(trained.x[part], trained.y[part]), trained.x_test, trained.y_test)
    return found


def spread_out(y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return an order of the samples, any beginning of which has classes in about equal shares."""
    order = rng.permutation(len(y))
    if y.dtype.kind != "i":
        return order
    when = np.empty(len(y))
    for c in np.unique(y):
        own = order[y[order] == c]
        when[own] = (np.arange(len(own)) + 0.5)/len(own)
    # ties go by chance, as the classes must not stand in the same order throughout
    return order[np.argsort(when[order], kind="stable")]
