"""How one simulator is run: built once, then a loop for every line on standard input, one JSON line for each.

That way the loops of several simulators can be run in turn, A B C A B C, and share whatever else the machine does.
Started by hand (`python peers/nest.py --work lif_population --repeats 3`) a runner goes through its repeats by itself.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

from catalogue import find
from networks import counted
from work import Work


def arguments(modes: tuple[str, ...]) -> argparse.Namespace:
    """Read the command line of a runner; `modes` are the ways in which it can run, the first by default."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", required=True)
    parser.add_argument("--mode", default=modes[0], choices=modes)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", default="float64", choices=("float64", "float32"))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seed", type=int, default=1, help="of what the runner draws itself (networks)")
    parser.add_argument("--cache", help="folder for what is compiled (kept)")
    parser.add_argument("--one-core", action="store_true", help="hold the process to one core")
    parser.add_argument("--repeats", type=int, default=0, help="0: one run for each line of standard input")
    given = parser.parse_args()
    if given.one_core:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    given.work = find(given.work, given.quick)
    return given


def rss_mb(who: int = resource.RUSAGE_SELF) -> float:
    """Return the largest resident memory so far in MiB."""
    peak = resource.getrusage(who).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def resident_mb() -> float:
    """Return the memory resident now in MiB; where the system does not tell, the largest so far."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * resource.getpagesize() / 2**20
    except OSError:
        return rss_mb()


class Stopwatch:
    """Seconds since it was made or last read."""

    def __init__(self):
        self.mark = time.perf_counter()

    def __call__(self) -> float:
        now = time.perf_counter()
        took, self.mark = now - self.mark, now
        return took


def say(**line: Any) -> None:
    """Print one JSON line and hand it on at once."""
    sys.stdout.write(json.dumps({k: float(f"{v:.7g}") if isinstance(v, float) else v for k, v in line.items()}) + "\n")
    sys.stdout.flush()


def serve(peer: str, version: str, given: argparse.Namespace, run: Callable[[], dict[str, Any]], build_s: float,
          compile_s: float = 0.0, import_s: float = 0.0, **more: Any) -> None:
    """Answer every request with one run.

    Args:
        run: does the work once; returns loop_s and spikes (None: not counted in this run) or, of a network, `trains`
            (number of the neuron, time in ms of each spike; None: not counted), and may correct compile_s or rss_mb.
        build_s, compile_s, import_s: seconds until here.
        **more: further numbers for every line, such as base_mb, the memory before there were synapses.
    """
    work: Work = given.work
    common = {"peer": peer, "version": version, "mode": given.mode, "work": work.name, "threads": given.threads,
              "precision": given.precision, "build_s": build_s, "compile_s": compile_s, "import_s": import_s, **more}
    if given.repeats:
        requests = iter(range(given.repeats))
    else:
        say(**common, ready=True)
        requests = iter(sys.stdin.readline, "")
    for _ in requests:
        answer = {"rss_mb": rss_mb(), **run()}
        # the peak is read before the spikes are counted, which is no part of the work
        answer["rss_mb"] = max(answer["rss_mb"], rss_mb()) if "keep_rss" not in answer else answer["rss_mb"]
        if "keep_rss" not in answer:
            answer["kept_mb"] = resident_mb()
        trains = answer.pop("trains", None)
        if trains is not None:
            answer |= counted(work, *trains)
        spikes = answer.get("spikes")
        answer["rate_hz"] = None if spikes is None else spikes / work.n / (work.duration / 1000)
        answer.pop("keep_rss", None)
        say(**{**common, **answer})
