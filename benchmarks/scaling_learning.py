"""How the cost of a training step of a perceptron grows with width, depth and batch, beside PyTorch.

One thing is varied at a time; loops run in turn as in run.py, which finds the Python of PyTorch in the same way.

    usage: python scaling_learning.py [--venvs DIR] [--threads N] [--float32] [--repeats N] [--quick] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from entries import Entry
from learning import VARIED
from run import interpreters, judge_learning, run_in_turn
from tables import grid


def exponent(points: list[tuple[float, float]]) -> float:
    """Return how a cost grows at the upper end: the exponent between the last (what is varied, cost) and the last but two."""
    (low, small), (high, large) = points[max(len(points) - 3, 0)], points[-1]
    return math.log(large / small) / math.log(high / low)


def main(argv: list[str] | None = None) -> int:
    """Print a table for each thing that is varied; return 1 if losses differ."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--venvs", action="append", default=[], metavar="DIR", help="as for run.py")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--float32", action="store_true")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="without the dearest two of each table")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(argv)
    pythons = interpreters([Path(v) for v in [*given.venvs, *os.environ.get("NEUROSIM_PEERS", "").split(os.pathsep)] if v])
    precision = "float32" if given.float32 else "float64"
    ways = [Entry("neurosim", "built-in", given.threads, precision), Entry("torch", "fused", given.threads, precision)]
    ways = [e for e in ways if e.peer in pythons]
    everything: dict[str, Any] = {}
    folder = Path(tempfile.mkdtemp(prefix="neurosim_bench_"))
    try:
        for what, works in VARIED.items():
            lines, points, found = [], [], []
            for work in works[:-2] if given.quick else works:
                rows = run_in_turn(ways, pythons, work, given.repeats, False, folder)
                judge_learning(rows, work)
                found.append(rows)
                value = {"width": work.sizes[1], "depth": len(work.sizes) - 2, "batch": work.batch}[what]
                cost = [1e6 * r["cpu_s"] / work.updates if r.get("cpu_s") else math.nan for r in rows]
                points.append((value, cost[0]))
                ratio = [f"{cost[1] / cost[0]:.2f}"] if len(cost) > 1 else []
                lines.append([str(value), *(f"{c:.4g}" for c in cost), *ratio,
                              f"{100 * rows[0]['products_s'] / rows[0]['cpu_s']:.0f}" if rows[0].get("cpu_s") else "",
                              *(f"{r['rss_mb'] - r['base_mb']:.3g}" if r.get("rss_mb") else "" for r in rows),
                              "" if all(r.get("agrees") for r in rows) else "DISAGREES"])
            everything[what] = found
            names = [e.peer for e in ways]
            print(f"\n{what}: processor time of a step ({precision}, {given.threads} thread{'s' if given.threads > 1 else ''})")
            print(grid([what, *(f"{n} us" for n in names), *(["ratio"] if len(ways) > 1 else []), "products %",
                        *(f"{n} MiB above start" for n in names), ""], lines))
            print(f"at the upper end it grows as the power {exponent(points):.2f} of the {what}", flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if given.json:
        given.json.write_text(json.dumps(everything, indent=1) + "\n", encoding="utf-8")
    return int(any(r.get("agrees") is False for found in everything.values() for rows in found for r in rows))


if __name__ == "__main__":
    sys.exit(main())
