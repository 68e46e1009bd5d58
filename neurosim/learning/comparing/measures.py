"""Measures on request: each a function of `Trained` that returns numbers by name, taken when a learner has learnt."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from neurosim.errors import ParameterError, listing, nearest
from neurosim.learning.comparing.cost import cost
from neurosim.learning.comparing.feedback import feedback
from neurosim.learning.comparing.few_labels import few_labels
from neurosim.learning.comparing.robustness import robustness
from neurosim.learning.comparing.trained import Trained

MEASURES: dict[str, Callable[[Trained], dict[str, float]]] = {"cost": cost, "robustness": robustness, "feedback": feedback,
                                                              "labels": few_labels}
#: those that need little time beside learning
USUAL = ("cost", "robustness", "feedback")


def chosen(wanted: str | Iterable[str]) -> tuple[str, ...]:
    """Return names of measures from a text with commas, or names: "usual", "all", "none" and those of `MEASURES`.

    Raises:
        ParameterError: an unknown name.
    """
    groups = {"usual": USUAL, "all": tuple(MEASURES), "none": ()}
    found = set()
    for name in wanted.split(",") if isinstance(wanted, str) else wanted:
        if (name := name.strip()) not in groups and name not in MEASURES:
            known = [*groups, *MEASURES]
            raise ParameterError(f"There is no measure {name!r}.{nearest(name, known)} Known: {listing(known)}.")
        found.update(groups.get(name, (name,)))
    return tuple(name for name in MEASURES if name in found)
