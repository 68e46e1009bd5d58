"""What was measured beside the score, in plain sentences; each number in them is computed from the runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from neurosim.learning.comparing.result import Comparison

#: what happened to the samples, by the first part of a measure's name; {} is the level
DISTURBED = {"noise": "Gaussian noise of {} times the features' standard deviation",
             "occlusion": "{} of the features hidden",
             "fgsm": "each feature moved by {} standard deviations along the learner's own gradient, to where it errs",
             "transfer": "each feature moved by {} standard deviations along the gradient of another network"}
#: a sentence names no more than so many of a list
MOST = 6
#: what carries errors backward without a weight that is known in two places
FREE = ("none", "fixed random feedback", "learned feedback")


def measured_sentences(found: Comparison) -> list[str]:
    """Return who does without what a brain has not, what answers cost, and what disturbances and few labels do to them."""
    return [*_traits(found), *_cost(found), *_disturbed(found), *_few_labels(found), *_feedback(found)]


def levels(found: Comparison, kind: str) -> list[str]:
    """Return the names of the measures of one kind, such as "noise_0.25", from the weakest to the strongest."""
    names = [name for name in found.measures() if name.rpartition("_")[0] == kind]
    return sorted(names, key=lambda name: float(name.rpartition("_")[2]))


def level_text(name: str) -> str:
    """Return the level of a measure: ``50 %`` for shares, else ``0.5``."""
    kind, _, level = name.rpartition("_")
    return f"{100*float(level):g} %" if kind in ("occlusion", "labels") else level


def some(parts: list[str], sign: str = ", ") -> str:
    """Return the parts of a ranked list in a sentence; of many the first three and the last."""
    if len(parts) <= MOST:
        return sign.join(parts)
    return f"{sign.join(parts[:3])}{sign}{len(parts) - 4} others{sign}and last {parts[-1]}"


def count_text(value: float) -> str:
    """Return a number with three digits and separators: ``18,900``, ``3.27``."""
    return f"{float(f'{value:.3g}'):,.0f}" if value >= 100 else f"{value:.3g}"


def _score(value: float, numbers: bool) -> str:
    from neurosim.learning.comparing.sentences import score_text

    return score_text(value, numbers)


def _ranked(found: Comparison, names: list[str]) -> list[str]:
    own = {name: found.interval(name) for name in names}
    return sorted((name for name in names if own[name].count), key=lambda name: -own[name].mean)


def _learnt(found: Comparison, name: str) -> bool:
    """Return whether a learner came more than half the way from chance to the best: of others, little can be lost."""
    best = max(found.interval(n).mean for n in found.learners if found.interval(n).count)
    return found.interval(name).mean > (found.data["chance"] + best)/2


def _traits(found: Comparison) -> list[str]:
    known = [name for name in found.learners if found.traits(name)]
    free = _ranked(found, [n for n in known if found.traits(n)["local"] and found.traits(n)["needs"] in FREE])
    said = []
    if free and len(free) < len(found.learners):
        best = _ranked(found, list(found.learners))[0]
        own, top = found.interval(free[0]).mean, found.interval(best).mean
        by = f", beside {_score(top, found.numbers)} of {best}, the best of all" if top > own else ""
        said.append(f"Changes of weights are local, and no weight has to be known in two places, in {', '.join(free)}; the "
                    f"best of these on the mean is {free[0]} with {_score(own, found.numbers)}{by}.")
    return said


def _cost(found: Comparison) -> list[str]:
    rate, spiking = {}, {}
    for name in found.learners:
        events, products = (found.measured(name, n) for n in ("synaptic_events", "products"))
        if events.count:
            spiking[name] = (found.measured(name, "spikes").mean, events.mean, products.mean if products.count else 0.0)
        elif products.count:
            rate[name] = products.mean
    said = []
    if rate:
        said.append("An answer takes so many multiply-accumulates: "
                    f"{some([f'{n} {count_text(v)}' for n, v in sorted(rate.items(), key=lambda kv: kv[1])])}.")
    if spiking:
        parts = [f"{n} {count_text(s)} spikes and {count_text(e)} synaptic events"
                 + (f" after {count_text(p)} multiply-accumulates of input currents" if p else "")
                 for n, (s, e, p) in sorted(spiking.items(), key=lambda kv: kv[1][1] + kv[1][2])]
        said.append(f"Of those that spike, an answer takes, the fewest weights read first: {some(parts, '; ')}.")
    if rate and spiking:
        few, base = min(spiking, key=lambda n: spiking[n][1] + spiking[n][2]), next(iter(rate))
        whole = spiking[few][1] + spiking[few][2]
        times = max(whole, rate[base])/max(min(whole, rate[base]), 1e-9)
        said.append(f"The spiking learner whose answers read weights least often, {few}, reads {count_text(whole)} for an "
                    f"answer, {times:.2g} times {'fewer' if whole < rate[base] else 'more'} than {base}.")
    return said


def _disturbed(found: Comparison) -> list[str]:
    said = []
    for kind, words in DISTURBED.items():
        if not (names := levels(found, kind)):
            continue
        left = {n: i.mean for n in found.learners if (i := found.measured(n, names[-1])).count and _learnt(found, n)}
        if not left:
            continue
        most, least = max(left, key=left.get), min(left, key=left.get)

        def change(name: str, left: dict[str, float] = left) -> str:
            return f"{name}, from {_score(found.interval(name).mean, found.numbers)} to {_score(left[name], found.numbers)}"

        of = change(most) if len(left) == 1 else \
            f"the {len(left)} that had learnt then all have {_score(left[most], found.numbers)}" \
            if _score(left[most], found.numbers) == _score(left[least], found.numbers) else \
            f"of {len(left)} that had learnt, the best is then {change(most)}, and the worst {change(least)}"
        said.append(f"With {words.format(level_text(names[-1]))}: {of}.")
    return said


def _few_labels(found: Comparison) -> list[str]:
    names = levels(found, "labels")
    if not names:
        return []
    left = {n: i.mean for n in found.learners if (i := found.measured(n, names[0])).count}
    parts = [f"{n} {_score(left[n], found.numbers)}" for n in sorted(left, key=lambda n: -left[n])]
    return [f"With {level_text(names[0])} of the labels: {some(parts)}."] if parts else []


def _feedback(found: Comparison) -> list[str]:
    names, parts = levels(found, "feedback_angle"), []
    for learner in found.learners:
        own = [found.measured(learner, name).mean for name in names]
        if not np.isnan(own).all():
            parts.append(f"{learner} {', '.join(f'{a:.0f}' for a in own if not np.isnan(a))}")
    return [f"Angle of fixed feedback to what backpropagation would send through the present weights, degrees (90 is chance): "
            f"{'; '.join(parts)}."] if parts else []
