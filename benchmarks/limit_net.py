"""Where the time of Brunel's network goes, and what memory and the random numbers of this core allow.

    whole           the network as in run.py
    noise           the same neurons with the external spikes but without synapses, less integration
    integration     the same neurons with a constant drive of the same mean instead
    delivery        whole - noise - integration: gathering spikes and adding them to the ring buffers

Beside delivery stand three bounds for one synaptic event, measured on one core by loops that do nothing else:

    stream          reading the targets (2 bytes each) one after the other from memory
    add             reading a target, adding to it and writing it back, all of it in the first-level cache
    rows            both, with the rows of random sources in memory: what no delivery of this order can undercut

Beside noise stands the time of one uniform random number of the generator, of which every neuron needs one in a step.

    usage: python limit_net.py [--quick] [--float32] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

try:
    import neurosim as ns
except ImportError:
    sys.path.insert(1, str(Path(__file__).resolve().parents[1]))
    import neurosim as ns

import numpy as np
from networks import BRUNEL as Q
from networks import NETWORKS
from tables import grid

DT = 0.1
N = NETWORKS["brunel"].n


def network(n: int, kind: str) -> ns.Network:
    """Return the network ("whole"), its neurons with external spikes ("noise") or with a constant drive ("integration")."""
    n_exc = n * 4 // 5
    model = ns.LIF(tau_m=Q["tau"], r_m=1.0, v_rest=0.0, v_th=Q["v_th"], v_reset=Q["v_reset"], t_ref=Q["t_ref"])
    cells = ns.Population(n, model, name="cells", initial={"v": ns.Uniform(0.0, Q["v_th"])})
    noise = ns.PoissonInput(rate=Q["rate"], weight=Q["j"], target=cells)
    if kind == "integration":
        return ns.Network([cells], stimuli=[ns.DC(Q["rate"] * 1e-3 * Q["j"] * Q["tau"], target=cells)])
    if kind == "noise":
        return ns.Network([cells], stimuli=[noise])
    parts = [(cells[:n_exc], Q["in_e"], Q["j"]), (cells[n_exc:], Q["in_i"], -Q["g"] * Q["j"])]
    return ns.Network([cells], [ns.Projection(part, cells, ns.FixedInDegree(min(k, len(part))), ns.Delta(w), delay=Q["delay"],
                                              name=f"{w:g}") for part, k, w in parts], stimuli=[noise])


def measured(kind: str, duration: float, threads: int, dtype: str) -> tuple[float, int]:
    """Return (seconds, spikes) of a run that goes on from the first step, at the best of three."""
    options = {"dt": DT, "threads": threads, "dtype": dtype, "progress": False}
    net = network(N, kind)
    begun = ns.simulate(net, DT, **options)
    best, spikes = math.inf, 0
    for _ in range(3):
        began = time.perf_counter()
        result = ns.simulate(net, duration, resume=begun, **options)
        best = min(best, time.perf_counter() - began - result.compile_s)
        spikes = len(result.spikes["cells"])
    return best, spikes


def bounds(dtype: str) -> dict[str, float]:
    """Return nanoseconds for one synaptic event by bound, and for one uniform number."""
    import numba

    from neurosim.kernels.jit import OPTIONS
    from neurosim.kernels.prefetch import prefetch
    from neurosim.simulator.draws import uniforms

    @numba.njit(**OPTIONS)
    def stream(target):
        total = np.uint64(0)
        for e in range(target.size):
            total += target[e]
        return total

    @numba.njit(**OPTIONS)
    def add(target, row, w, times):
        for _ in range(times):
            for e in range(target.size):
                row[target[e]] += w

    @numba.njit(**OPTIONS)
    def rows(target, row, w, starts, length):
        for k in range(starts.size):
            ahead = starts[min(k + 4, starts.size - 1)]
            prefetch(target, ahead)
            prefetch(target, ahead + 32)
            for e in range(starts[k], starts[k] + length):
                row[target[e]] += w

    rng = np.random.default_rng(1)
    width, length = 2048, 205
    # as many targets as Brunel's network has connections, in ascending rows
    target = np.sort(rng.integers(0, width, (NETWORKS["brunel"].synapses // length, length), dtype=np.uint16), axis=1).ravel()
    row = np.zeros(width, dtype)
    starts = rng.integers(0, target.size // length, 40_000) * length
    w = row.dtype.type(0.1)
    near = np.ascontiguousarray(target[:16 * length])
    return {
        "stream": _best(lambda: stream(target)) / target.size,
        "add": _best(lambda: add(near, row, w, 1000)) / (1000 * near.size),
        "rows": _best(lambda: rows(target, row, w, starts, length)) / (starts.size * length),
        "uniform": _best(lambda: uniforms(1, 1, 1 << 20)) / (1 << 20),
    }


def _best(work: Callable[[], Any]) -> float:
    work()
    best = math.inf
    for _ in range(7):
        began = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - began)
    return best * 1e9


def main(argv: list[str] | None = None) -> int:
    """Print the parts of a run and the bounds beside them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="0.2 s instead of 1 s")
    parser.add_argument("--float32", action="store_true")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(argv)
    dtype = "float32" if given.float32 else "float64"
    duration = 200.0 if given.quick else 1000.0
    neuron_steps = N * round(duration / DT)
    limits = bounds(dtype)
    everything: dict[str, Any] = {"bounds_ns": limits}
    lines = []
    for threads in (1, 2):
        whole, spikes = measured("whole", duration, threads, dtype)
        integration, _ = measured("integration", duration, threads, dtype)
        noise, _ = measured("noise", duration, threads, dtype)
        noise = max(0.0, noise - integration)
        events = spikes * NETWORKS["brunel"].out_degree[0]
        parts = {"integration": integration, "noise": noise, "delivery": whole - integration - noise}
        everything[f"{threads} threads"] = {**parts, "whole": whole, "events": events}
        for name, seconds in [*parts.items(), ("whole", whole)]:
            per = seconds * 1e9 * threads / (events if name in ("delivery", "whole") else neuron_steps)
            bound = {"delivery": limits["rows"], "noise": limits["uniform"]}.get(name)
            lines.append([name, str(threads), f"{seconds:.3g}", f"{seconds / whole:.0%}", f"{per:.3g}",
                          "event" if name in ("delivery", "whole") else "neuron-step", "" if bound is None else f"{bound:.3g}"])
    print(f"Brunel's network, {duration:g} ms, {dtype}; ns are those of one core (seconds times threads)\n")
    print(grid(["part", "threads", "seconds", "share", "ns", "for one", "bound ns"], lines))
    print(f"\nbounds for an event: stream {limits['stream']:.3g} ns ({2 / limits['stream']:.3g} GB/s), "
          f"add {limits['add']:.3g} ns, rows {limits['rows']:.3g} ns; one uniform number {limits['uniform']:.3g} ns")
    if given.json:
        given.json.write_text(json.dumps(everything, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
