"""What an answer costs: spikes and synaptic events, or multiply-accumulates.

    spiking    spikes, and events = sum over spikes of the synapses that each one meets
    rate       products = sum over layers n_in n_out, where an answer is one pass; networks that settle count each round

A product and an event are both one weight read and one addition; only the product multiplies.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.learning.comparing.trained import Trained

#: answers that are watched
WATCHED = 100


def cost(trained: Trained) -> dict[str, float]:
    """Return means over the first samples of the test: "spikes", "synaptic_events" and "products" of an answer.

    What a learner has not is left out: all three for one whose weights are not known, such as a forest.
    """
    learner = trained.learner
    if hasattr(learner, "spikes_per_inference"):
        found = learner.spikes_per_inference(trained.x_test[:WATCHED])
        own = {name: float(found[name]) for name in ("spikes", "synaptic_events")}
        # currents that enter a spiking network meet their weights once
        return {**own, "products": float(found["multiplications"])} if found.get("multiplications") else own
    products = _products(learner)
    return {} if products is None else {"products": products}


def _products(learner: Any) -> float | None:
    if hasattr(learner, "products_per_inference"):
        return float(learner.products_per_inference())
    # scikit-learn's names: networks have coefs_, linear models coef_
    layers = getattr(learner, "coefs_", None)
    if layers is not None:
        return float(sum(np.size(w) for w in layers))
    weights = getattr(learner, "coef_", None)
    return None if weights is None else float(np.prod(np.shape(weights)))
