"""Results as tables: for each work, each peer, and how it stands to the fastest of the others."""

from __future__ import annotations

from typing import Any

from catalogue import WHOLE
from coding import Coding
from learning import Learning
from networks import Net
from work import Work


def ratio_of(row: dict[str, Any], rows: list[dict[str, Any]], key: str) -> tuple[float, str] | None:
    """Return (time of the fastest peer / time of this row, its name) at equal threads and precision, or None.

    Peers that disagree about the rate do not count; above 1 means that this row is faster.
    """
    others = [r for r in rows if r["peer"] != "neurosim" and r.get(key) and r.get("agrees") is not False
              and r["threads"] == row["threads"] and r["precision"] == row["precision"]]
    if not others or not row.get(key):
        return None
    best = min(others, key=lambda r: r[key])
    return best[key] / row[key], best["name"]


def _number(value: Any, digits: int = 3) -> str:
    return "" if value is None else f"{value:.{digits}g}"


def grid(head: list[str], lines: list[list[str]]) -> str:
    """Return rows of text in columns, the first left-aligned, the others right-aligned."""
    width = [max(len(x[k]) for x in [head, *lines]) for k in range(len(head))]
    out = []
    for line in [head, ["-" * w for w in width], *lines]:
        out.append("  ".join(x.ljust(w) if not k else x.rjust(w) for k, (x, w) in enumerate(zip(line, width))).rstrip())
    return "\n".join(out)


def report(work: Work, rows: list[dict[str, Any]]) -> str:
    """Return the table of one work and, in words, what neurosim gains."""
    if isinstance(work, Coding):
        return coded(work, rows)
    if isinstance(work, Learning):
        return learnt(work, rows)
    whole, net = work.name in WHOLE, isinstance(work, Net)
    key = "warm_s" if whole else "loop_s"
    done = sorted((r for r in rows if r.get(key)), key=lambda r: (r["precision"], r["threads"], r[key]), reverse=False)
    if whole:
        head = ["peer", "cold s", "warm s", "rate Hz", "", "MiB"]
        lines = [[r["name"], _number(r["cold_s"]), _number(r["warm_s"]), _number(r["rate_hz"], 5), _mark(r),
                  _number(r["rss_mb"])] for r in done]
    elif net:
        head = ["peer", "loop s", "fastest", "ns/event", "M events/s", "build s", "compile s", "rate Hz", "CV", "", "MiB",
                "B/synapse", "kept"]
        lines = [[r["name"], _number(r["loop_s"]), _number(r["loop_min_s"]), _number(r.get("ns_per_event")),
                  _number(r["events_per_s"] / 1e6 if r.get("events_per_s") else None), _number(r["build_s"]),
                  _number(r["compile_s"]), _number(r["rate_hz"], 4), _number(r.get("cv")), _mark(r), _number(r["rss_mb"], 4),
                  _number(r.get("bytes_per_synapse")), _number(r.get("kept_per_synapse"))] for r in done]
    else:
        head = ["peer", "loop s", "fastest", "ns/neuron-step", "build s", "compile s", "rate Hz", "", "MiB"]
        lines = [[r["name"], _number(r["loop_s"]), _number(r["loop_min_s"]), _number(r["ns_per_step"]), _number(r["build_s"]),
                  _number(r["compile_s"]), _number(r["rate_hz"], 6), _mark(r), _number(r["rss_mb"])] for r in done]
    size = f"{work.n:,} neurons" + (f", {work.synapses:,} synapses" if net else "")
    text = [f"\n{work.name}: {size}, {work.duration:g} ms, dt {work.dt:g} ms", grid(head, lines)]
    for row in done:
        if row["peer"] == "neurosim":
            text += _gains(work, row, rows, key)
    if net:
        text += _own(work, done)
        if any(r.get("weight") for r in done):
            text.append("mean weight after the first run (mV): "
                        + ", ".join(f"{r['name']} {r['weight']:.4f}" for r in done if r.get("weight")))
        if work.model == "microcircuit":
            text.append(populations(work, done))
    text += [f"{r['name']} failed: {r['problem'][:160]}" for r in rows if r["problem"]]
    return "\n".join(text)


def _gains(work: Work, row: dict[str, Any], rows: list[dict[str, Any]], key: str) -> list[str]:
    """Return how a run of neurosim stands to the fastest peer, and to the peers that are named in the aims."""
    aims = [(peer, times) for peer, threads, times in getattr(work, "aims", ()) if threads == row["threads"]]
    general = next((times for peer, times in aims if not peer), None)
    best = ratio_of(row, rows, key)
    if best is None:
        return [f"{row['name']}: no other simulator at this precision and number of threads"]
    out = [f"{row['name']}: {best[0]:.2f} times as fast as {best[1]}" + (f" (aim {general:g})" if general else "")]
    for peer, times in aims:
        found = ratio_of(row, [r for r in rows if r["peer"] == peer], key) if peer else None
        if found:
            out.append(f"{row['name']}: {found[0]:.2f} times as fast as {found[1]} (aim {times:g})")
    return out


def _own(work: Work, done: list[dict[str, Any]]) -> list[str]:
    """Return what a second thread brings to neurosim, and how its memory and build stand to those of the others."""
    out = []
    own = [r for r in done if r["peer"] == "neurosim" and r.get("loop_s")]
    for one in own:
        for two in own:
            if (one["threads"], two["threads"], one["mode"]) == (1, 2, two["mode"]) and one["precision"] == two["precision"]:
                gain = one["loop_s"] / two["loop_s"]
                out.append(f"{one['mode']}, {one['precision']}: two threads {gain:.2f} times as fast as one")
    others = [r for r in done if r["peer"] != "neurosim" and r.get("bytes_per_synapse") and r.get("agrees") is not False]
    if own and others:
        usual = next((r for r in own if (r["threads"], r["precision"]) == (1, "float64")), own[0])
        least = min(others, key=lambda r: r["bytes_per_synapse"])
        quickest = min(others, key=lambda r: r["build_s"] + r["compile_s"])
        out.append(f"building: neurosim {usual['build_s']:.3g} s and {usual['compile_s']:.3g} s compiling or loading, the "
                   f"quickest other {quickest['build_s']:.3g} s and {quickest['compile_s']:.3g} s ({quickest['name']})")
        out.append(f"memory above the start, at most: neurosim {usual['bytes_per_synapse']:.3g} bytes a synapse, the leanest "
                   f"other {least['bytes_per_synapse']:.3g} ({least['name']})")
    return out


def populations(work: Net, done: list[dict[str, Any]]) -> str:
    """Return the rate of each population beside the published ones."""
    lines = [[r["name"], *(f"{r['rates'][name]:.3g}" for name in work.names)] for r in done if r.get("rates")]
    return grid(["rate Hz", *work.names], [["published, full scale", *(f"{x:.3g}" for x in work.constants["rates"])], *lines])


def _mark(row: dict[str, Any]) -> str:
    return "DISAGREES" if row.get("agrees") is False else ""


def coded(work: Coding, rows: list[dict[str, Any]]) -> str:
    """Return the table of a network of ensembles, and how neurosim stands to Nengo with as many threads."""
    done = sorted((r for r in rows if r.get("loop_s")), key=lambda r: (r["precision"], r["threads"], r["loop_s"]))
    head = ["peer", "build s", "compile s", "run s", "fastest", "us/step", "RMS error", "", "MiB", "above start"]
    lines = [[r["name"], _number(r["build_s"]), _number(r["compile_s"]), _number(r["loop_s"]), _number(r["loop_min_s"]),
              _number(1e6 * r["loop_s"] / work.steps), _number(r["error"]), _mark(r), _number(r["rss_mb"], 4),
              _number(r["rss_mb"] - r["base_mb"], 4)] for r in done]
    title = f"{work.n:,} neurons, {work.ensembles} x {work.d} dimension{'s' if work.d * work.ensembles > 1 else ''}"
    text = [f"\n{work.name}: {title}, {work.duration:g} ms, dt {work.dt:g} ms", grid(head, lines)]
    for row in done:
        other = next((r for r in done if r["peer"] == "nengo" and r["threads"] == row["threads"]), None)
        if row["peer"] != "neurosim" or other is None:
            continue
        build, run, memory = work.aims
        above = (other["rss_mb"] - other["base_mb"]) / max(row["rss_mb"] - row["base_mb"], 0.1)
        text.append(f"{row['name']}: builds {other['build_s'] / row['build_s']:.2f} times as fast as Nengo (aim {build:g}), "
                    f"runs {other['loop_s'] / row['loop_s']:.2f} times as fast (aim {run:g}),\n"
                    f"    takes 1/{other['rss_mb'] / row['rss_mb']:.3g} of its memory (aim 1/{memory:g}; above the start "
                    f"1/{above:.3g}), errs {row['error'] / other['error']:.3g} times as much (aim 1)")
    text += [f"{r['name']} failed: {r['problem'][:160]}" for r in rows if r["problem"]]
    return "\n".join(text)


def learnt(work: Learning, rows: list[dict[str, Any]]) -> str:
    """Return the table of something learnt or recalled, and how neurosim stands to the fastest of the others."""
    done = sorted((r for r in rows if r.get("loop_s")), key=lambda r: (r["precision"], r["threads"], r["loop_s"]))
    head = ["peer", "run s", "fastest", "CPU s", "us/batch", "products s", "first s", "outcome", "", "MiB", "above start"]
    lines = [[r["name"], _number(r["loop_s"]), _number(r["loop_min_s"]), _number(r["cpu_s"]),
              _number(1e6 * r["loop_min_s"] / work.updates, 4), _number(r["products_s"]), _number(r["first_s"]),
              _number(r["outcome"][0], 7), _mark(r), _number(r["rss_mb"], 4), _number(r["rss_mb"] - r["base_mb"], 3)]
             for r in done]
    title = (f"{'-'.join(map(str, work.sizes))}, {work.n:,} samples in batches of {work.batch}, {work.steps} "
             f"epoch{'s' if work.steps > 1 else ''}")
    text = [f"\n{work.name}: {title}", grid(head, lines)]
    for row in done:
        wall, cpu = ratio_of(row, rows, "loop_min_s"), ratio_of(row, rows, "cpu_s")
        if row["peer"] == "neurosim" and wall:
            limit = (f"; {100 * row['products_s'] / row['cpu_s']:.0f} % of its processor time are products of matrices"
                     if row["products_s"] and row["threads"] == 1 else "")
            text.append(f"{row['name']}: {wall[0]:.2f} times as fast as {wall[1]}, {cpu[0]:.2f} times by processor time (aim 1)"
                        + limit)
    text += [f"{r['name']} failed: {r['problem'][:160]}" for r in rows if r["problem"]]
    return "\n".join(text)
