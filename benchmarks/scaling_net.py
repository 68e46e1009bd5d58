"""How the cost of a network grows with neurons, synapses, rate and delay.

Neurons whose potential rises steadily, which sets their rate exactly, and synapses so weak that they do not change it, so that
one thing can be varied at a time.  A run of T steps with E synaptic events costs about

    seconds = c * T + a * neurons * T + b * E

c (what a step costs however few neurons there are), a and b are fitted to all runs of the first three tables.  Longer delays
need a larger ring buffer, shorter ones more meetings: one for each shortest delay.  Every case runs in a process of its own,
since memory once taken is not given back.

    usage: python scaling_net.py [--threads N] [--float32] [--quick] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
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

DT = 0.1
#: what stays while one thing is varied
USUAL: dict[str, Any] = {"n": 10_000, "inputs": 200, "rate": 10.0, "delay": 1.5, "own": False}


def network(n: int, inputs: int, rate: float, delay: float, own: bool) -> ns.Network:
    """Return n neurons that fire at a rate in Hz, each with `inputs` synapses.

    With `own` every synapse has a weight and a delay of its own, between 0.1 ms and twice `delay`.
    """
    model = ns.NeuronModel.from_equations("dv/dt = slope", threshold="v > 1", reset="v = v - 1", name="Steady",
                                          parameters={"slope": rate / 1000})
    # phases are uniform, so that as many spike in any step
    cells = ns.Population(n, model, name="cells", initial={"v": ns.Uniform(0.0, 1.0)})
    weight = ns.Normal(1e-9, 1e-10) if own else 1e-9
    each = ns.Uniform(DT, 2 * delay) if own else delay
    synapses = [ns.Projection(cells, cells, ns.FixedInDegree(inputs), ns.Delta(weight), delay=each)] if inputs else []
    return ns.Network([cells], synapses)


def one(duration: float, threads: int, dtype: str, **case: Any) -> dict[str, Any]:
    """Build and run one network and return times, events and memory of its synapses."""
    options = {"dt": DT, "threads": threads, "dtype": dtype, "progress": False}
    # compiles, or loads what an earlier process has compiled
    few = network(**{**case, "n": 640, "inputs": min(case["inputs"], 100)})
    ns.simulate(few, DT, **options, resume=ns.simulate(few, DT, **options))
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


def apart(duration: float, threads: int, dtype: str, case: dict[str, Any]) -> dict[str, Any]:
    """Return `one` from a process of its own."""
    command = [sys.executable, __file__, "--one", json.dumps([duration, threads, dtype, case])]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{case}: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


def fit(rows: list[dict[str, Any]]) -> list[float]:
    """Return ns for one step, one step of one neuron, one synaptic event; none negative, relative errors weighed alike."""
    from scipy.optimize import nnls

    seconds = np.array([r["seconds"] for r in rows])
    left = np.array([[r["steps"], r["n"] * r["steps"], r["events"]] for r in rows], float) / seconds[:, None]
    size = left.max(axis=0)
    found, _ = nnls(left / size, np.ones(len(rows)))
    return [float(x) for x in found / size * 1e9]


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
    everything: dict[str, Any] = {}
    for title, plan in plans.items():
        rows = []
        for case in plan:
            case = {**USUAL, **case}
            duration = 100.0 if given.quick else 300.0 if case["n"] * case["inputs"] > 1e7 else 1000.0
            rows.append(apart(duration, given.threads, dtype, case))
        everything[title] = rows
        print(f"\n{title} ({dtype}, {given.threads} thread{'s' if given.threads > 1 else ''})")
        print(grid(["neurons", "inputs", "delay ms", "rate Hz", "build s", "B/synapse", "events", "seconds", "ns/neuron-step",
                    "ns/event"],
                   [[f"{r['n']:,}", f"{r['inputs']:,}", f"{r['delay']:g}", f"{r['hz']:.3g}", f"{r['build_s']:.3g}",
                     "" if r["bytes_per_synapse"] is None else f"{r['bytes_per_synapse']:.3g}", f"{r['events']:,}",
                     f"{r['seconds']:.3g}", f"{r['ns_per_step']:.3g}",
                     "" if r["ns_per_event"] is None else f"{r['ns_per_event']:.3g}"] for r in rows]), flush=True)
    step, neuron, event = fit([r for title in list(plans)[:3] for r in everything[title]])
    everything["fit"] = {"ns_per_step": step, "ns_per_neuron_step": neuron, "ns_per_event": event}
    print(f"\nfit: {step / 1000:.3g} us for one step + {neuron:.3g} ns for one step of one neuron "
          f"+ {event:.3g} ns for one synaptic event")
    if given.json:
        given.json.write_text(json.dumps(everything, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
