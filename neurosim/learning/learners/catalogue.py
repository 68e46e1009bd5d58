"""Names of the learners, as the comparison and its command take them."""

from __future__ import annotations

import importlib
from typing import Any

from neurosim.errors import ParameterError, listing, nearest

#: name: (module, class for classes, class for numbers or None, parameters that are not the defaults)
LEARNERS: dict[str, tuple[str, str, str | None, dict[str, Any]]] = {
    "backprop": ("neurosim.learning.learners.backprop", "BackpropClassifier", "BackpropRegressor", {}),
    "predictive-coding": ("neurosim.learning.learners.predictive_coding", "PredictiveCodingClassifier",
                          "PredictiveCodingRegressor", {}),
    "spiking-predictive-coding": ("neurosim.learning.learners.spiking_predictive_coding", "SpikingPredictiveCodingClassifier",
                                  "SpikingPredictiveCodingRegressor", {}),
    "feedback-alignment": ("neurosim.learning.learners.feedback_alignment", "FeedbackAlignmentClassifier",
                           "FeedbackAlignmentRegressor", {}),
    "direct-feedback-alignment": ("neurosim.learning.learners.feedback_alignment", "DirectFeedbackAlignmentClassifier",
                                  "DirectFeedbackAlignmentRegressor", {}),
    "equilibrium-propagation": ("neurosim.learning.learners.equilibrium_propagation", "EquilibriumPropagationClassifier",
                                "EquilibriumPropagationRegressor", {}),
    "contrastive-hebbian": ("neurosim.learning.learners.contrastive_hebbian", "ContrastiveHebbianClassifier",
                            "ContrastiveHebbianRegressor", {}),
    "target-propagation": ("neurosim.learning.learners.target_propagation", "TargetPropagationClassifier",
                           "TargetPropagationRegressor", {}),
    "nef-readout": ("neurosim.learning.learners.nef_readout", "NEFReadoutClassifier", "NEFReadoutRegressor", {}),
    "pes": ("neurosim.learning.learners.pes", "PESClassifier", None, {}),
    "surrogate-gradient": ("neurosim.learning.learners.surrogate", "SurrogateClassifier", None, {}),
    "e-prop": ("neurosim.learning.learners.eprop", "EPropClassifier", None, {}),
    "stdp-wta": ("neurosim.learning.learners.stdp", "STDPClassifier", None, {}),
    "reward-stdp": ("neurosim.learning.learners.reward_stdp", "RewardSTDPClassifier", None, {}),
    "tempotron": ("neurosim.learning.learners.tempotron", "TempotronClassifier", None, {}),
    "liquid-state": ("neurosim.learning.learners.liquid", "LiquidStateClassifier", None, {}),
}


def learner(name: str, numbers: bool = False, **parameters: Any) -> Any:
    """Return a learner by its name, not yet fitted.

    Args:
        name: one of `LEARNERS`.
        numbers: whether it is to learn numbers instead of classes.
        parameters: of its constructor.

    Raises:
        ParameterError: an unknown name, or one that learns classes only.
    """
    if name not in LEARNERS:
        raise ParameterError(f"There is no learner {name!r}.{nearest(name, LEARNERS)} Known: {listing(LEARNERS)}.")
    module, classifier, regressor, usual = LEARNERS[name]
    if numbers and regressor is None:
        raise ParameterError(f"The learner {name!r} learns classes only; the answers of these data are numbers.")
    return getattr(importlib.import_module(module), regressor if numbers else classifier)(**{**usual, **parameters})
