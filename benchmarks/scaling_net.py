"""How the cost of a network grows with neurons, synapses, rate and delay.

LIF neurons with a constant drive, which sets their rate, and synapses so weak that they do not change it, so that one thing
can be varied at a time.  A run of T steps with E synaptic events costs about

    seconds = a * neurons * T + b * E

a and b are fitted to all runs of the first three tables, and stand beside each.  A delay costs no more the longer it is (the
ring buffer grows with it), but shorter ones mean more meetings: one for each shortest delay.

    usage: python scaling_net.py [--threads N] [--float32] [--quick] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from pathlib import Path
from typing import Any

try:
    import neurosim as ns
except ImportError:
    sys.path.insert(1, str(Path(__file__).resolve().parents[1]))
    import neurosim as ns

import numpy as np
from serve import resident_mb
from tables import grid

TAU, T_REF, DT = 20.0, 2.0, 0.1
#: what stays while one thing is varied
USUAL: dict[str, Any] = {"n": 10_000, "inputs": 200, "rate": 10.0, "delay": 1.5, "own": False}


def network(n: int, inputs: int, rate: float, delay: float, own: bool) -> ns.Network:
    """Return n neurons that fire at a rate in Hz, each with `inputs` synapses.

    With `own` every synapse has a weight and a delay of its own, between 0.1 ms and twice `delay`.
    """
    # v from 0 towards i, threshold 10: the period is t_ref + tau log(i/(i - 10))
    period = 1e3 / rate
    current = 10.0 / (1.0 - math.exp(-(period - T_REF) / TAU))
    model = ns.LIF(tau_m=TAU, r_m=1.0, v_rest=0.0, v_th=10.0, v_reset=0.0, t_ref=T_REF)
    # phases are uniform, so that as many spike in any step
    phase = np.random.default_rng(1).random(n) * (period - T_REF)
    cells = ns.Population(n, model, name="cells", initial={"v": current * (1.0 - np.exp(-phase / TAU))})
    weight = ns.Normal(1e-9, 1e-10) if own else 1e-9
    each = ns.Uniform(DT, 2 * delay) if own else delay
    synapses = [ns.Projection(cells, cells, ns.FixedInDegree(inputs), ns.Delta(weight), delay=each)] if inputs else []
    return ns.Network([cells], synapses, stimuli=[ns.DC(current, target=cells)])


def one(duration: float, threads: int, dtype: str, **case: Any) -> dict[str, Any]:
    """Build and run one network and return times, events and memory of its synapses."""
    options = {"dt": DT, "threads": threads, "dtype": dtype, "progress": False}
    net = network(**case)
    before, began = resident_mb(), time.perf_counter()
    begun = ns.simulate(net, DT, **options)
    build_s, kept = time.perf_counter() - began - begun.compile_s, resident_mb() - before
    best = math.inf
    for _ in range(3):
        began = time.perf_counter()
        result = ns.simulate(net, duration, resume=begun, **options)
        best = min(best, time.perf_counter() - began - result.compile_s)
    spikes = len(result.spikes["cells"])
    events, steps = spikes * case["inputs"], round(duration / DT)
    return {**case, "seconds": best, "build_s": build_s, "spikes": spikes, "events": events, "steps": steps,
            "hz": spikes / case["n"] / duration * 1e3, "ns_per_step": best * 1e9 / (case["n"] * steps),
            "ns_per_event": best * 1e9 / events if events else None,
            "bytes_per_synapse": kept * 2**20 / (case["n"] * case["inputs"]) if case["inputs"] else None}


def fit(rows: list[dict[str, Any]]) -> tuple[float, float]:
    """Return (ns for one step of one neuron, ns for one synaptic event), relative errors weighed alike."""
    left = np.array([[r["n"] * r["steps"], r["events"]] for r in rows], float)
    seconds = np.array([r["seconds"] for r in rows])
    (a, b), *_ = np.linalg.lstsq(left / seconds[:, None], np.ones(len(rows)), rcond=None)
    return float(a * 1e9), float(b * 1e9)


def main(argv: list[str] | None = None) -> int:
    """Print a table for each thing that is varied."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--float32", action="store_true")
    parser.add_argument("--quick", action="store_true", help="smaller and shorter runs")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(argv)
    dtype = "float32" if given.float32 else "float64"
    sizes = (1_000, 3_000, 10_000, 30_000) if given.quick else (1_000, 3_000, 10_000, 30_000, 100_000, 300_000)
    inputs = (0, 10, 100, 1_000) if given.quick else (0, 10, 30, 100, 300, 1_000, 3_000)
    rates = (1.0, 10.0, 100.0) if given.quick else (0.5, 1.0, 3.0, 10.0, 30.0, 100.0)
    delays = (0.1, 1.0, 10.0) if given.quick else (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 20.0, 100.0)
    plans = {
        "neurons, 200 inputs each": [{"n": n} for n in sizes],
        "synapses, 10,000 neurons": [{"inputs": k} for k in inputs],
        "rate, 10,000 neurons": [{"rate": r} for r in rates],
        "delay, 10,000 neurons": [{"delay": d} for d in delays],
        "delays and weights of their own": [{"delay": d, "own": True} for d in delays if d >= 0.2],
    }
    # compiles what all of them need
    for own in (False, True):
        one(10 * DT, given.threads, dtype, **{**USUAL, "n": 640, "own": own})
    everything: dict[str, Any] = {}
    for title, plan in plans.items():
        rows = []
        for case in plan:
            case = {**USUAL, **case}
            duration = 100.0 if given.quick else 300.0 if case["n"] * case["inputs"] > 1e7 else 1000.0
            rows.append(one(duration, given.threads, dtype, **case))
        everything[title] = rows
        print(f"\n{title} ({dtype}, {given.threads} thread{'s' if given.threads > 1 else ''})")
        print(grid(["neurons", "inputs", "delay ms", "rate Hz", "build s", "B/synapse", "events", "seconds", "ns/neuron-step",
                    "ns/event"],
                   [[f"{r['n']:,}", f"{r['inputs']:,}", f"{r['delay']:g}", f"{r['hz']:.3g}", f"{r['build_s']:.3g}",
                     "" if r["bytes_per_synapse"] is None else f"{r['bytes_per_synapse']:.3g}", f"{r['events']:,}",
                     f"{r['seconds']:.3g}", f"{r['ns_per_step']:.3g}",
                     "" if r["ns_per_event"] is None else f"{r['ns_per_event']:.3g}"] for r in rows]), flush=True)
    a, b = fit([r for title in list(plans)[:3] for r in everything[title]])
    everything["fit"] = {"ns_per_neuron_step": a, "ns_per_event": b}
    print(f"\nfit: {a:.3g} ns for one step of one neuron + {b:.3g} ns for one synaptic event")
    if given.json:
        given.json.write_text(json.dumps(everything, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
