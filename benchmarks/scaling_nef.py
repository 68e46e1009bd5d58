"""How the cost of population coding grows with neurons, dimensions and ensembles, and what the full matrix would cost.

One thing is varied at a time.  A network of ensembles of N neurons in d dimensions each is built and run; building grows with
N m^2 or N^2 m (m evaluation points), a step with N d, as decoding and encoding do.  The last table connects two ensembles with
decoders and encoders, N d + N d numbers, and with the full matrix of weights, N N numbers, which gives the same spikes.
Every case runs in a process of its own, since memory once taken is not given back.

    usage: python scaling_nef.py [--threads N] [--float32] [--quick] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from serve import resident_mb, rss_mb
from tables import grid

DT = 1.0
#: what stays while one thing is varied: neurons of an ensemble, dimensions, ensembles, full matrix
USUAL: dict[str, Any] = {"n": 1_000, "d": 1, "ensembles": 1, "full": False, "pair": False}


def one(duration: float, threads: int, dtype: str, **case: Any) -> dict[str, Any]:
    """Build and run one network and return times and memory.

    pair: two ensembles, one behind the other, by decoders or (full) by weights; else `ensembles` of them side by side, each
    with its input, and their decoded value.
    """
    # before NumPy is loaded
    os.environ |= {name: str(threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    try:
        import neurosim  # noqa: F401
    except ImportError:
        sys.path.insert(1, str(Path(__file__).resolve().parents[1]))
    import numpy as np

    from neurosim import nef
    from neurosim.nef import decoders

    # nothing from disk
    decoders.WORTH = math.inf
    d = case["d"]

    def network(n: int, ensembles: int) -> nef.Network:
        size = d * ensembles
        t = np.arange(1000)[:, None] / 1000
        u = nef.Node(nef.Samples(0.7 / math.sqrt(d) * np.sin(2 * np.pi * (t + np.arange(size) / size)), 1.0))
        if case["pair"]:
            a, b = nef.Ensemble(n, d), nef.Ensemble(n, d)
            wires = [nef.Connection(u, a), nef.Connection(a, b, weights=case["full"])]
            return nef.Network([u, a, b], wires, [nef.Probe(b, synapse=10.0, name="out")])
        a = nef.EnsembleArray(n, ensembles, d) if ensembles > 1 else nef.Ensemble(n, d)
        return nef.Network([u, a], [nef.Connection(u, a)], [nef.Probe(a, synapse=10.0, name="out")])

    options = {"dt": DT, "threads": threads, "dtype": dtype, "progress": False}
    # compiles, or loads what an earlier process has compiled
    few = network(40, min(case["ensembles"], 3))
    nef.simulate(few, DT, **options, resume=nef.simulate(few, DT, **options))
    decoders.forget()
    before, began = resident_mb(), time.perf_counter()
    begun = nef.simulate(network(case["n"], case["ensembles"]), DT, **options)
    build_s, kept = time.perf_counter() - began, resident_mb() - before
    best = math.inf
    for _ in range(3):
        began = time.perf_counter()
        nef.simulate(begun.network, duration, resume=begun, **options)
        best = min(best, time.perf_counter() - began)
    steps, neurons = round(duration / DT), case["n"] * case["ensembles"] * (1 + case["pair"])
    return {**case, "neurons": neurons, "build_s": build_s, "seconds": best, "us_per_step": best * 1e6 / steps,
            "ns_per_neuron_step": best * 1e9 / steps / neurons, "kept_mb": kept,
            "peak_mb": rss_mb() - before}


def apart(duration: float, threads: int, dtype: str, case: dict[str, Any]) -> dict[str, Any]:
    """Return `one` from a process of its own."""
    command = [sys.executable, __file__, "--one", json.dumps([duration, threads, dtype, case])]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{case}: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


def exponent(rows: list[dict[str, Any]], what: str, by: str) -> float:
    """Return how a cost grows at the upper end: the exponent between the last and the last but two."""
    low, high = rows[-3 if len(rows) > 2 else 0], rows[-1]
    return math.log(high[what] / low[what]) / math.log(high[by] / low[by])


def main(argv: list[str] | None = None) -> int:
    """Print a table for each thing that is varied."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--float32", action="store_true")
    parser.add_argument("--quick", action="store_true", help="smaller and shorter runs")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args(argv)
    if given.one:
        duration, threads, dtype, case = json.loads(given.one)
        print(json.dumps(one(duration, threads, dtype, **case)))
        return 0
    dtype, quick = "float32" if given.float32 else "float64", given.quick
    sizes = (100, 300, 1_000, 3_000) if quick else (100, 300, 1_000, 3_000, 10_000, 30_000)
    dimensions = (1, 2, 4, 8) if quick else (1, 2, 4, 8, 16, 32, 64)
    ensembles = (1, 10, 100) if quick else (1, 3, 10, 30, 100, 300, 1_000)
    pairs = (100, 300, 1_000) if quick else (100, 300, 1_000, 3_000)
    plans = {
        ("neurons, 1 ensemble of 1 dimension", "n"): [{"n": n} for n in sizes],
        ("dimensions, 1 ensemble of 1,000 neurons", "d"): [{"d": d} for d in dimensions],
        ("ensembles of 100 neurons", "ensembles"): [{"n": 100, "ensembles": k} for k in ensembles],
        ("decoders and encoders between two ensembles", "n"): [{"n": n, "pair": True} for n in pairs],
        ("full matrix between two ensembles", "n"): [{"n": n, "pair": True, "full": True} for n in pairs],
    }
    everything: dict[str, Any] = {}
    for (title, by), plan in plans.items():
        rows = [apart(300.0 if quick else 1000.0, given.threads, dtype, {**USUAL, **case}) for case in plan]
        everything[title] = rows
        print(f"\n{title} ({dtype}, {given.threads} thread{'s' if given.threads > 1 else ''})")
        print(grid(["neurons", "ensembles", "d", "build s", "kept MiB", "peak MiB", "us/step", "ns/neuron-step"],
                   [[f"{r['neurons']:,}", f"{r['ensembles']:,}", f"{r['d']}", f"{r['build_s']:.3g}",
                     f"{r['kept_mb']:.3g}", f"{r['peak_mb']:.3g}", f"{r['us_per_step']:.3g}", f"{r['ns_per_neuron_step']:.3g}"]
                    for r in rows]))
        print(f"at the upper end a step grows as the power {exponent(rows, 'us_per_step', by):.2f}, "
              f"building as {exponent(rows, 'build_s', by):.2f}", flush=True)
    low, full = (everything[t] for t, _ in list(plans)[-2:])
    gains = [b["us_per_step"] / a["us_per_step"] for a, b in zip(low, full)]
    print("\nfull matrix over decoders and encoders, time of a step: "
          + ", ".join(f"{g:.2f} times ({r['n']:,} neurons)" for g, r in zip(gains, low)))
    if given.json:
        given.json.write_text(json.dumps(everything, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
