"""How the cost of a run grows: LIF neurons up to 10 million, steps up to 100,000, memory beside the arrays.

    time      ns for one step of one neuron against the number of neurons and of steps: constant where a run is linear; few
              neurons pay for the loop over steps, few steps for preparing the run
    memory    (peak resident memory - memory before the run) / (bytes of what the run has to keep); aim: at most 1.2

What a run has to keep: v, the input, the end of the refractory period (8 bytes a neuron each), the number and time of each
spike (12 bytes) and the samples of the probe.  Every size runs in a process of its own, since memory once taken is not given
back.

    usage: python scaling.py [--largest N] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

from serve import resident_mb, rss_mb
from tables import grid
from work import LIF

#: neuron-steps of a run in the table of neurons
BUDGET = 2e8
#: most that memory may be above the arrays
AIM = 1.2


def one(n: int, steps: int, every: int) -> dict[str, float]:
    """Run n LIF neurons for some steps in this process and return times and memory; v of all is sampled `every` steps."""
    try:
        import neurosim as ns
    except ImportError:
        sys.path.insert(1, str(Path(__file__).resolve().parents[1]))
        import neurosim as ns
    import numpy as np

    dt = 0.1
    model = ns.LIF(tau_m=LIF["tau"], v_rest=LIF["v_rest"], v_th=LIF["v_th"], v_reset=LIF["v_reset"], t_ref=LIF["t_ref"])

    def network(size: int) -> ns.Network:
        cells = ns.Population(size, model, name="cells")
        probes = [ns.Probe(cells, "v", every=every * dt)] if every else []
        return ns.Network([cells], stimuli=[ns.DC(np.linspace(0.5, 2.5, size), target=cells)], probes=probes)

    # compiles, and brings everything into memory that does not depend on the size
    ns.simulate(network(256), 10.0, dt, progress=False)
    net = network(n)
    baseline = resident_mb()
    began = time.perf_counter()
    result = ns.simulate(net, steps * dt, dt, progress=False)
    seconds = time.perf_counter() - began - result.compile_s
    spikes = len(result.spikes["cells"])
    samples = sum(t.values.size for t in result.traces.values())
    arrays = (n * 8 * 3 + spikes * 12 + samples * 8) / 2**20
    above = max(0.0, rss_mb() - baseline)
    return {"n": n, "steps": steps, "seconds": seconds, "ns_per_step": seconds * 1e9 / (n * steps), "spikes": spikes,
            "arrays_mb": arrays, "above_mb": above, "ratio": above / arrays}


def apart(n: int, steps: int, every: int = 0) -> dict[str, float]:
    """Return `one` from a process of its own."""
    done = subprocess.run([sys.executable, __file__, "--one", str(n), str(steps), str(every)], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{n} neurons, {steps} steps: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


def main(argv: list[str] | None = None) -> int:
    """Print the tables; return 1 if memory is above the aim for a million neurons or more."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--largest", type=int, default=10_000_000, help="number of neurons")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--one", nargs=3, type=int, help=argparse.SUPPRESS)
    given = parser.parse_args(argv)
    if given.one:
        print(json.dumps(one(*given.one)))
        return 0
    everything = {}
    sizes = [n for n in (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000) if n <= given.largest]
    plans = {
        "neurons": [(n, int(min(100_000, max(20, BUDGET / n))), 0) for n in sizes],
        "steps, 10,000 neurons": [(10_000, k, 0) for k in (10, 100, 1_000, 10_000, 100_000)],
        "memory, v sampled ten times": [(n, 100, 10) for n in sizes if n >= 100_000],
    }
    for title, plan in plans.items():
        rows = [apart(*p) for p in plan]
        everything[title] = rows
        print(f"\n{title}")
        print(grid(["neurons", "steps", "seconds", "ns/neuron-step", "spikes", "arrays MiB", "above baseline MiB", "ratio"],
                   [[f"{r['n']:,}", f"{r['steps']:,}", f"{r['seconds']:.3g}", f"{r['ns_per_step']:.3g}", f"{r['spikes']:,}",
                     f"{r['arrays_mb']:.4g}", f"{r['above_mb']:.4g}", f"{r['ratio']:.2f}"] for r in rows]), flush=True)
    large = [r for r in everything["memory, v sampled ten times"] if r["n"] >= 1_000_000]
    worst = max((r["ratio"] for r in large), default=0.0)
    print(f"\nmemory for a million neurons or more: at most {worst:.2f} times the arrays (aim {AIM})")
    if given.json:
        given.json.write_text(json.dumps(everything, indent=1) + "\n", encoding="utf-8")
    return int(worst > AIM)


if __name__ == "__main__":
    sys.exit(main())
