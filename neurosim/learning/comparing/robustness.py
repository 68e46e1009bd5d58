"""How good answers stay when samples are disturbed, more and more.

    noise       x + a s n, n standard normal, independent for each feature and sample
    occlusion   a share of the features, drawn for each sample, set to their mean over the samples for learning
    fgsm        x + e s sign(dE/dx), E the learner's own loss of the right answer
    transfer    the same with dE/dx of another network that learnt by backpropagation from the same samples

s is the root of the mean variance of the features over the samples for learning, so that levels mean the same whatever the
scaling.  Every learner meets the same noise, occlusions and transferred attacks; its own gradient is followed where that is
exact, and where it is the surrogate gradient by which a spiking network learns.  A learner that withstands its own gradient,
but not that of another, hides its gradient rather than being robust (Athalye, Carlini & Wagner 2018, arXiv:1802.00420).

Source of fgsm: Goodfellow, Shlens & Szegedy 2015, arXiv:1412.6572.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.errors import ParameterError
from neurosim.learning.comparing.trained import Trained, score

#: levels of each disturbance, weak to strong
LEVELS: dict[str, tuple[float, ...]] = {"noise": (0.25, 0.5, 1.0), "occlusion": (0.1, 0.25, 0.5), "fgsm": (0.1, 0.25, 0.5),
                                        "transfer": (0.1, 0.25, 0.5)}
#: samples that are disturbed, at most
MOST = 500
#: passes of the network whose gradient is transferred
PASSES = 15


def robustness(trained: Trained) -> dict[str, float]:
    """Return the score by disturbance and level, such as "noise_0.25"; "fgsm" only where the learner has a gradient."""
    x, y = trained.x_test[:MOST], trained.y_test[:MOST]
    unit = spread(trained.x)
    rng = np.random.default_rng([trained.seed, 1])
    normal = rng.standard_normal(x.shape)
    # the features that go first at a low level are among those that go at a higher one
    place = rng.permuted(np.broadcast_to(np.arange(x.shape[1]), x.shape), axis=1)
    mean = trained.x.mean(axis=0)
    found = {f"noise_{a:g}": score(trained.learner, x + a*unit*normal, y) for a in LEVELS["noise"]}
    for share in LEVELS["occlusion"]:
        hidden = place < max(1, round(share*x.shape[1]))
        found[f"occlusion_{share:g}"] = score(trained.learner, np.where(hidden, mean, x), y)
    for kind, gradient in (("fgsm", own_gradient(trained.learner, x, y)), ("transfer", _another(trained, x, y))):
        if gradient is not None:
            found.update({f"{kind}_{e:g}": score(trained.learner, x + e*unit*np.sign(gradient), y) for e in LEVELS[kind]})
    return found


def spread(x: np.ndarray) -> float:
    """Return s, the root of the mean variance of the features."""
    return float(np.sqrt(x.var(axis=0).mean()))


def own_gradient(learner: Any, x: np.ndarray, y: np.ndarray) -> np.ndarray | None:
    """Return dE/dx of each sample, as x; None for a learner that has none."""
    if not hasattr(learner, "input_gradient"):
        return None
    try:
        return learner.input_gradient(x, y)
    except ParameterError:
        return None


def _another(trained: Trained, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    from neurosim.learning.learners.backprop import BackpropClassifier, BackpropRegressor

    kind = BackpropClassifier if trained.y.dtype.kind == "i" else BackpropRegressor
    # a seed that no learner of the comparison has in the same run
    other = kind(max_iter=PASSES, random_state=(trained.seed + 2**31) % 2**32)
    return other.fit(trained.x, trained.y).input_gradient(x, y)
