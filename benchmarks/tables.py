"""Results as tables: for each work, each peer, and how it stands to the fastest of the others."""

from __future__ import annotations

from typing import Any

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
    whole = work.name == "tiny"
    key = "warm_s" if whole else "loop_s"
    done = sorted((r for r in rows if r.get(key)), key=lambda r: (r["precision"], r["threads"], r[key]), reverse=False)
    if whole:
        head = ["peer", "cold s", "warm s", "rate Hz", "", "MiB"]
        lines = [[r["name"], _number(r["cold_s"]), _number(r["warm_s"]), _number(r["rate_hz"], 5), _mark(r),
                  _number(r["rss_mb"])] for r in done]
    else:
        head = ["peer", "loop s", "fastest", "ns/neuron-step", "build s", "compile s", "rate Hz", "", "MiB"]
        lines = [[r["name"], _number(r["loop_s"]), _number(r["loop_min_s"]), _number(r["ns_per_step"]), _number(r["build_s"]),
                  _number(r["compile_s"]), _number(r["rate_hz"], 6), _mark(r), _number(r["rss_mb"])] for r in done]
    text = [f"\n{work.name}: {work.n:,} neurons, {work.duration:g} ms, dt {work.dt:g} ms", grid(head, lines)]
    for row in done:
        if row["peer"] == "neurosim":
            best = ratio_of(row, rows, key)
            if best is None:
                text.append(f"{row['name']}: no other simulator at this precision and number of threads")
            else:
                text.append(f"{row['name']}: {best[0]:.2f} times as fast as {best[1]}")
    text += [f"{r['name']} failed: {r['problem'][:160]}" for r in rows if r["problem"]]
    return "\n".join(text)


def _mark(row: dict[str, Any]) -> str:
    return "DISAGREES" if row.get("agrees") is False else ""
