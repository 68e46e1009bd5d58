"""A comparison as one page of HTML that needs no other file and no network: in short, tables, figures, how it was made."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from neurosim.learning.comparing.measured_sentences import count_text, level_text, levels
from neurosim.learning.comparing.page_parts import (
    Heat,
    bullets,
    definitions,
    paragraph,
    picture,
    section,
    table,
    text_of,
    whole,
)
from neurosim.learning.comparing.result import NEAR, Comparison
from neurosim.learning.comparing.sentences import ends_text, score_text, seconds_text
from neurosim.learning.comparing.statistics import Interval

#: titles of the groups of columns of the tables of scores
KINDS = {"noise": "noise", "occlusion": "hidden", "fgsm": "own", "transfer": "other"}


def page(found: Comparison, figures: Iterable[tuple[str, bytes]] = ()) -> str:
    """Return the page.

    Args:
        found: the comparison.
        figures: captions, and pictures as PNG.
    """
    title = f"Learners compared: {found.data['name']}"
    data = found.data
    runs = len(found.runs(next(iter(found.learners))))
    lead = (f"{len(found.learners)} learner{'s' * (len(found.learners) > 1)}, {data['samples']} samples, {data['features']} "
            f"features, {runs} run{'s' * (runs > 1)} of each.")
    return whole(title, [f"<h1>{text_of(title)}</h1>", paragraph(lead, "lead"),
                         section("What was found", bullets(found.summary().splitlines())),
                         section("Scores and time", _scores(found)),
                         section("Figures", *(picture(png, caption) for caption, png in figures)),
                         section("What each rule asks of a brain", _traits(found)),
                         section("What an answer costs", _costs(found)),
                         section("Disturbed samples", _robustness(found)),
                         section("Few labels", _labels(found)),
                         section("Changes of weights beside backpropagation", _alignment(found)),
                         section("What the numbers mean", _meaning(found)),
                         section("How it was made", _making(found))])


def _value(found: Comparison, i: Interval) -> str:
    if not i.count:
        return ""
    return f"{i.mean:.3f}" if found.numbers else f"{100*i.mean:.1f}"


def _form(value: float | None, form: str) -> str:
    return "" if value is None or not math.isfinite(value) else format(value, form)


def _scores(found: Comparison) -> str:
    unit = "R²" if found.numbers else "right, %"
    percent = f"{100*found.confidence:g} %"
    factor, digits = (1, 3) if found.numbers else (100, 1)
    head = ["learner", unit, f"{percent} interval", "on the samples learnt", f"to {next(iter(found.learners))}",
            f"{percent} interval", "epochs", "CPU time", "epochs to target", "time to target", "runs that failed or diverged"]
    rows = []
    for r in found.table():
        own, other = found.interval(r["learner"]), found.difference(r["learner"])
        first = r["difference"] is None
        rows.append([r["learner"], _value(found, own), ends_text(own, found.numbers) if own.half > 0 else "",
                     "" if r["train_score"] is None else f"{factor*r['train_score']:.{digits}f}",
                     "" if first or not other.count else f"{factor*other.mean:+.{digits}f}",
                     "" if first or not other.half > 0 else
                     f"{factor*other.low:+.{digits}f} to {factor*other.high:+.{digits}f}",
                     _form(r["epochs"], ".3g"), seconds_text(r["cpu_seconds"]), _form(r["epochs_to_target"], "g"),
                     "" if r["cpu_seconds_to_target"] is None else seconds_text(r["cpu_seconds_to_target"]),
                     f"{r['failed'] + r['diverged']} of {r['runs']}" if r["failed"] + r["diverged"] else ""])
    target = "" if math.isnan(found.target) else f"The target is {score_text(found.target, found.numbers)}{_usual(found)}."
    return table(head, rows, range(1, 11)) + paragraph(
        f"Means over runs; times are medians. {target} Epochs and time to it are empty where half of the runs did not come so "
        "far. Epochs differ: a learner whose own default is few passes gets so many fewer, and one that is fitted at once has "
        "none.", "note")


def _usual(found: Comparison) -> str:
    return f", {100*NEAR:g} % of the way from chance to the best mean score" if found.target == found.usual_target() else ""


def _traits(found: Comparison) -> str:
    rows, rules = [], []
    for name in found.learners:
        t = found.traits(name)
        if t:
            rows.append([name, "yes" if t["local"] else "no", t["needs"], str(t["phases"]), t["error_signal"],
                         "spikes" if t["spiking"] else "rates"])
            rules.append((f"{name}: {t['rule']}", f"{t['notes']} doi:{t['source_doi']}".strip()))
    head = ["learner", "local", "carries errors back", "phases", "error signal", "neurons"]
    return rows and table(head, rows) + paragraph(
        "Local: a change of a weight needs only what is at its two ends, and what is broadcast to all. Transposed weights: a "
        "weight has to be known at two places, which no synapse is known to do (weight transport). Phases: passes or "
        "settlings of the network for one change.", "note") + definitions(rules) or ""


def _costs(found: Comparison) -> str:
    names = ("products", "synaptic_events", "spikes")
    rows = [[learner, *(count_text(i.mean) if (i := found.measured(learner, name)).count else "" for name in names)]
            for learner in found.learners]
    rows = [row for row in rows if any(row[1:])]
    return rows and table(["learner", "multiply-accumulates", "synaptic events", "spikes"], rows, range(1, 4)) + paragraph(
        "Means over samples and runs. A synaptic event is a spike that meets a synapse; like a multiply-accumulate it reads "
        "one weight, but it only adds. Of networks that settle, every round counts. Spikes of learners that answer from rates "
        "are those of the same network when it spikes. Currents by which samples enter a spiking network are counted only "
        "where multiply-accumulates stand beside spikes.", "note") or ""


def _heat(found: Comparison, names: list[str], head: list[str]) -> str:
    best = max((i.mean for n in found.learners if (i := found.interval(n)).count), default=1.0)
    chance = found.data["chance"]

    def cell(i: Interval) -> str:
        return Heat(_value(found, i), (i.mean - chance)/max(best - chance, 1e-9)) if i.count else ""

    rows = []
    for learner in found.learners:
        own = [found.measured(learner, name) for name in names]
        if any(i.count for i in own):
            rows.append([learner, *map(cell, [found.interval(learner), *own])])
    whole_score = "all labels" if names[0].startswith("labels") else "undisturbed"
    return table(["learner", whole_score, *head], rows, range(1, 2 + len(head))) if rows else ""


def _robustness(found: Comparison) -> str:
    names = [name for kind in KINDS for name in levels(found, kind)]
    if not names:
        return ""
    shown = _heat(found, names, [f"{KINDS[n.rpartition('_')[0]]} {level_text(n)}" for n in names])
    return shown + paragraph(
        f"{'R²' if found.numbers else 'Right answers in %'}, means over runs; the darker, the nearer to the best undisturbed "
        "score. Noise: Gaussian, its standard deviation in units of that of the features. Hidden: a share of the features, "
        "drawn for each sample, is set to its mean. Own: each feature moves by so many standard deviations to where "
        "the learner's own loss rises (FGSM, doi:10.48550/arXiv.1412.6572), by its exact gradient or the surrogate gradient it "
        "learns by; empty where it has neither. Other: the same attack for all, made with a network that learnt by "
        "backpropagation from the same samples. Who withstands the own gradient but not another's hides the gradient and is "
        "not robust.", "note")


def _labels(found: Comparison) -> str:
    names = levels(found, "labels")
    return _heat(found, names, [level_text(n) for n in names]) + paragraph(
        f"{'R²' if found.numbers else 'Right answers in %'} after learning from a share of the samples, the same for every "
        "learner; fewer samples are shown more often, for as many steps, though at most 500 times.", "note") if names else ""


def _alignment(found: Comparison) -> str:
    angles = levels(found, "feedback_angle")
    rows = []
    for r in found.table():
        cosines = [r[name] for name in r if name.startswith("cosine_")]
        known = [c for c in cosines if c is not None and math.isfinite(c)]
        own = [found.measured(r["learner"], name) for name in angles]
        rows.append([r["learner"], ", ".join("–" if not math.isfinite(c) else f"{c:.2f}" for c in cosines if c is not None)
                     if known else "", ", ".join(f"{i.mean:.0f}°" for i in own if i.count)])
    rows = [row for row in rows if any(row[1:])]
    return rows and table(["learner", "cosine of changes, by layer", "angle of fixed feedback"], rows) + paragraph(
        "After the last epoch, from the layer of the data on. Cosine: of the learner's change of weights with that of "
        "backpropagation through the same network (1: the same direction, 0: none in common). Angle: of the fixed feedback to "
        "what backpropagation would send through the present weights (90°: chance, 0°: the same).", "note") or ""


def _meaning(found: Comparison) -> str:
    plan = found.plan
    what = "R² = 1 − sum of squared errors over that of the mean" if found.numbers else "The share of right answers"
    points = [f"{what}, on samples that were not learnt from. Every learner meets the same splits, seeds and scaling."]
    if plan["split"] == "fixed":
        points.append("All runs have the same split: intervals tell how much a score depends on the learner's own random "
                      "numbers, and nothing of other samples.")
    else:
        points.append("Intervals tell of the score on new samples, learnt from other samples of this number." + (
            " As runs share samples, they are widened: m ± t √((1/J + q) s²), J runs with variance s², q samples for the test "
            "over those for learning (Nadeau & Bengio 2003, doi:10.1023/A:1024068626366)." if plan["overlap"] else
            " They are Student's t over runs, not widened for samples that runs share."))
    points.append("A difference is taken run by run; it is decided when its interval does not hold 0. Each interval holds by "
                  "itself: of many learners, some seem different by chance.")
    points.append("Time is CPU time of learning on one thread, without measuring.")
    return bullets(points)


def _making(found: Comparison) -> str:
    plan, data = found.plan, found.data
    facts = [("Data", f"{data['name']}, {data['samples']} × {data['features']}, fingerprint {data['fingerprint']}"),
             ("Seeds", ", ".join(map(str, plan["seeds"]))),
             ("Split", f"{plan['folds']} folds" if plan["folds"] else
              f"{plan['split']}, {100*plan['test_share']:g} % of the samples for the test"),
             ("Scaling of features", plan["scale"]),
             ("Measured", ", ".join(["score", *plan.get("measures", ())])),
             ("Versions", ", ".join(f"{name} {version}" for name, version in found.versions.items()))]
    learners = [(name, _described(own)) for name, own in found.learners.items()]
    command = f"<pre>{text_of(found.command)}</pre>" if found.command else ""
    return command + definitions(facts) + section("Parameters of the learners", definitions(learners))


def _described(own: dict[str, Any]) -> str:
    epochs = f", {own['epochs']} epochs" if own.get("epochs") else ""
    return f"{own['class']}{epochs}: " + ", ".join(f"{k}={v}" for k, v in own["parameters"].items())
