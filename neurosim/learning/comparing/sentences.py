"""A comparison in plain sentences; each number in them is computed from the runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurosim.learning.comparing.measured_sentences import measured_sentences, some
from neurosim.learning.comparing.statistics import Interval

if TYPE_CHECKING:
    from neurosim.learning.comparing.result import Comparison


def sentences(found: Comparison) -> list[str]:
    """Return what was compared, who was better and whether that is decided, how fast it was, and what went wrong."""
    return [_what(found), *_scores(found), *_differences(found), *_speed(found), *_cosines(found),
            *measured_sentences(found), *_problems(found)]


def score_text(value: float, numbers: bool) -> str:
    """Return a score as ``97.8 %``, or, for numbers, R^2 as ``0.978``."""
    return f"{value:.3f}" if numbers else f"{100 * value:.1f} %"


def seconds_text(value: float) -> str:
    """Return a time with two digits or whole seconds: ``0.034 s``, ``1.0 s``, ``135 s``."""
    return f"{value:.0f} s" if value >= 9.95 else f"{value:#.2g} s"


def _what(found: Comparison) -> str:
    data, plan = found.data, found.plan
    kind = "answers that are numbers" if found.numbers else \
        f"{len(data['classes'])} classes, the most frequent with {score_text(data['chance'], False)} of the samples"
    n = len(plan["seeds"])
    seeds = "one seed" if n == 1 else f"{n} seeds"
    how = {(True, True): f"{seeds} and {plan['folds']} folds each", (True, False): f"{plan['folds']} folds with {seeds}",
           (False, True): f"{seeds} on the same split" if plan["split"] == "fixed" else f"{seeds}, each with its own split",
           (False, False): f"{seeds} and one split"}[plan["folds"] is not None, n > 1]
    features = "1 feature" if data["features"] == 1 else f"{data['features']} features"
    return (f"Data: {data['name']}, {data['samples']} samples with {features} and {kind}. Every learner met the same splits: "
            f"{how}.")


def _scores(found: Comparison) -> list[str]:
    own = {name: found.interval(name) for name in found.learners}
    ranked = sorted((name for name in own if own[name].count), key=lambda name: -own[name].mean)
    if not ranked:
        return ["No run came to its end."]
    what = "R² on the samples for the test" if found.numbers else "Right answers to the samples for the test"
    parts = []
    for name in ranked:
        i = own[name]
        around = "" if np.isnan(i.half) else \
            f" ({ends_text(i, found.numbers)})" if i.half else " (the same in every run)"
        parts.append(f"{name} {score_text(i.mean, found.numbers)}{around}")
    known = f" ({100 * found.confidence:g} % interval)" if any(not np.isnan(own[name].half) for name in ranked) else ""
    return [f"{what}{known}: {some(parts)}."]


def ends_text(i: Interval, numbers: bool) -> str:
    """Return an interval of scores as ``97.2 to 98.4``, in percent, or, for numbers, as ``0.972 to 0.984``."""
    # a share cannot leave 0..1, nor R^2 rise above 1
    low, high = (i.low, min(i.high, 1.0)) if numbers else (max(i.low, 0.0), min(i.high, 1.0))
    return f"{low:.3f} to {high:.3f}" if numbers else f"{100 * low:.1f} to {100 * high:.1f}"


def _differences(found: Comparison) -> list[str]:
    base, *others = found.learners
    factor, digits = (1, 3) if found.numbers else (100, 1)
    groups: dict[str, list[str]] = {"better": [], "worse": [], "open": [], "alike": [], "one": []}
    own = {name: found.difference(name) for name in others}
    for name in sorted((n for n in others if own[n].count), key=lambda n: -own[n].mean):
        d = own[name]
        by = f"{name} {d.mean * factor:+.{digits}f}"
        if np.isnan(d.half):
            groups["one"].append(by)
        elif not d.half:
            groups["alike"].append(by)
        else:
            kind = "open" if not d.decided else "better" if d.mean > 0 else "worse"
            groups[kind].append(f"{by} ({d.low * factor:+.{digits}f} to {d.high * factor:+.{digits}f})")
    # whoever differs most comes first
    groups["worse"].reverse()
    unit = "R²" if found.numbers else "points"
    heads = {"better": f"Better than {base} in the same runs ({unit} and interval of the difference)",
             "worse": f"Worse than {base} in the same runs ({unit} and interval of the difference)",
             "open": f"Not decided by these runs against {base} ({unit} and interval of the difference, which holds 0)",
             "alike": f"As far from {base} in one run as in the other, so that nothing is known of other runs ({unit})",
             "one": f"In the one run that can be compared, beside {base} ({unit}), which decides nothing"}
    said = [f"{heads[kind]}: {some(group)}." for kind, group in groups.items() if group]
    count = sum(len(groups[kind]) for kind in ("better", "worse", "open"))
    if count > 1:
        said.append(f"Each of these {count} intervals holds by itself: of many learners, some would seem different by chance.")
    return said


def _speed(found: Comparison) -> list[str]:
    if np.isnan(found.target):
        answer = "the mean of the answers" if found.numbers else "the most frequent class"
        return [f"None did better on the mean than to give {answer} every time "
                f"({score_text(found.data['chance'], found.numbers)})."] * any(found.interval(n).count for n in found.learners)
    parts, never = [], []
    for row in found.table():
        at, seconds = row["epochs_to_target"], row["cpu_seconds_to_target"]
        if at is not None:
            parts.append((seconds, f"{row['learner']} {at:g} epoch{'' if at == 1 else 's'} and {seconds_text(seconds)}"))
        elif seconds is not None:
            parts.append((seconds, f"{row['learner']} one fit of {seconds_text(seconds)}"))
        elif row["failed"] < row["runs"]:
            never.append(f"{row['learner']} ({row['reached']} of {row['runs']} runs)" if row["reached"] else row["learner"])
    target = score_text(found.target, found.numbers)
    said = (f"To learn to a score of {target} took (medians over runs, CPU time, the fastest first): "
            f"{some([text for _, text in sorted(parts)], '; ')}.")
    there = "so far" if parts else f"to a score of {target}"
    return [said] * bool(parts) + [f"Not {there} in most of their runs came: {', '.join(never)}."] * bool(never)


def _cosines(found: Comparison) -> list[str]:
    parts = []
    for name in found.learners:
        c = found.curve(name).cosines
        if c.size and not np.isnan(c).all() and np.nanmin(c) < 1 - 1e-9:
            known = c[-1][~np.isnan(c[-1])]
            parts.append((-float(known[0]) if known.size else np.inf,
                          f"{name} {', '.join('-' if np.isnan(v) else f'{v:.2f}' for v in c[-1])}"))
    return [f"Cosine of the changes of weights with those of backpropagation through the same network, after the last epoch, "
            f"from the first layer to the last: {some([text for _, text in sorted(parts)], '; ')}."] if parts else []


def _problems(found: Comparison) -> list[str]:
    said = []
    for name in found.learners:
        runs = found.runs(name)
        for kind, words in (("failed", "failed"), ("diverged", "diverged")):
            own = [r[kind] for r in runs if r[kind]]
            if own:
                said.append(f"{name} {words} in {len(own)} of {len(runs)} run{'' if len(runs) == 1 else 's'}: {own[0]}")
        warned = [r["warnings"][0] for r in runs if r["warnings"] and not r["diverged"] and not r["failed"]]
        if warned:
            said.append(f"{name} warned in {len(warned)} of {len(runs)} run{'' if len(runs) == 1 else 's'}: {warned[0]}")
    return said
