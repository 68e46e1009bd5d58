"""How near fixed feedback has come to what backpropagation would send back through the present weights.

    angle_k = arccos(<B_k, P_k> / (|B_k| |P_k|)),   P_k = (W^(l+1))^T, or for direct feedback (W^(l+1) ... W^L)^T

in degrees.  Random matrices stand at 90; feedback teaches as long as it is well below (Lillicrap et al. 2016,
doi:10.1038/ncomms13276).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.learning.comparing.trained import Trained
from neurosim.learning.rules.feedback_alignment import angle


def feedback(trained: Trained) -> dict[str, float]:
    """Return "feedback_angle_1" ..., from the feedback to the first hidden layer on; nothing for a learner without."""
    return {f"feedback_angle_{k}": a for k, a in enumerate(angles(trained.learner), 1)}


def angles(learner: Any) -> list[float]:
    """Return the angle of each matrix of fixed feedback to the path that it stands for, degrees."""
    if not hasattr(learner, "exact_feedback"):
        return []
    return [angle(np.asarray(b, float), np.asarray(p, float)) for b, p in zip(learner.feedback_, learner.exact_feedback())]
