"""neurosim beside other simulators on the same work, in one call (`neurosim bench`).

Every simulator that is installed builds once, in a process of its own; then their loops run in turn, A B C A B C, so that
whatever else the machine does meets all of them.  Rates are compared before times are: a simulator that did something else
is no peer.  Prints a table of ratios and keeps everything as JSON.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from catalogue import SETS, WHOLE, WORKS, find
from coding import Coding
from entries import Entry, entries
from learning import Learning
from networks import Net
from tables import report
from work import Work

HERE = Path(__file__).resolve().parent
#: module by peer
MODULES = {"neurosim": "neurosim", "brian2": "brian2", "nest": "nest", "annarchy": "ANNarchy", "brainpy": "brainpy",
           "neuron": "neuron", "nengo": "nengo", "torch": "torch", "sklearn": "sklearn", "numpy": "numpy"}
#: end of the name of a runner by kind of work
KINDS = {Net: "_net", Coding: "_nef", Learning: "_learning"}
#: seconds after which a build or one run is given up
LIMIT = 900.0
#: a network with more synapses than this is in memory once at a time
ALONE = 50_000_000


# -- finding peers ------------------------------------------------------------------------------------------------

def interpreters(folders: list[Path]) -> dict[str, Path]:
    """Return the Python of each peer that is installed: this one, or DIR/<peer>, or DIR itself as an environment."""
    found = {"neurosim": Path(sys.executable)}
    for peer, module in MODULES.items():
        for folder in folders:
            python = next((p for p in (folder / peer / "bin" / "python", folder / "bin" / "python") if p.is_file()), None)
            if peer not in found and python and _has(python, module):
                found[peer] = python
        if peer not in found and importlib.util.find_spec(module):
            found[peer] = Path(sys.executable)
    return found


def _has(python: Path, module: str) -> bool:
    code = f"import importlib.util, sys; sys.exit(not importlib.util.find_spec({module!r}))"
    return subprocess.run([python, "-c", code], capture_output=True, cwd=tempfile.gettempdir()).returncode == 0


def _environment(python: Path, cache: Path) -> dict[str, str]:
    """Return the environment of a runner: its own programs first (ANNarchy calls cmake), one place for what it compiles."""
    return {**os.environ, "PATH": f"{python.parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "NEUROSIM_CACHE_DIR": str(cache), "PYTHONWARNINGS": "ignore"}


def _command(entry: Entry, python: Path, work: Work, quick: bool) -> list[str]:
    script = f"{entry.peer}{KINDS.get(type(work), '')}.py"
    return [str(python), str(HERE / "peers" / script), "--work", work.name, "--mode", entry.mode, "--threads",
            str(entry.threads), "--precision", entry.precision, *entry.options, *(["--quick"] if quick else [])]


# -- running ------------------------------------------------------------------------------------------------------

class Runner:
    """A peer in a process of its own, built and waiting; `problem` says why it is not."""

    def __init__(self, entry: Entry, python: Path, work: Work, quick: bool, folder: Path):
        self.entry, self.work = entry, work
        self.lines: list[dict[str, Any]] = []
        self.problem = ""
        cache = folder / f"{entry.name.replace('/', '_')}_{work.name}"
        cache.mkdir(parents=True, exist_ok=True)
        self.errors = open(cache / "errors.txt", "w+")
        options = ["--cache", str(cache / "code")] if entry.peer in ("brian2", "annarchy") else []
        self.process = subprocess.Popen(_command(entry, python, work, quick) + options, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.errors, text=True, cwd=cache,
                                        env=_environment(python, folder / "neurosim"))
        self.built = self._answer()

    def _answer(self) -> dict[str, Any] | None:
        """Return the next JSON line of the process, or note why there is none."""
        import threading

        timer = threading.Timer(LIMIT, self.process.kill)
        timer.start()
        try:
            for line in self.process.stdout:
                if line.startswith('{"peer"'):
                    return json.loads(line)
        finally:
            late = not timer.is_alive()
            timer.cancel()
        self.errors.seek(0)
        said = self.errors.read().strip().splitlines()
        self.problem = f"took longer than {LIMIT:g} s" if late else said[-1] if said else "ended without a word"
        return None

    def run(self) -> None:
        """Do the work once."""
        if not self.problem:
            try:
                self.process.stdin.write("run\n")
                self.process.stdin.flush()
            except OSError:
                pass  # the process has died: the answer says why
            if line := self._answer():
                self.lines.append(line)

    def close(self) -> None:
        """End the process."""
        try:
            self.process.stdin.close()
            self.process.wait(20)
        except (OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.errors.close()

    def result(self) -> dict[str, Any]:
        """Return the summary of all runs."""
        entry, work = self.entry, self.work
        out = {"name": entry.name, "peer": entry.peer, "mode": entry.mode, "work": work.name, "threads": entry.threads,
               "precision": entry.precision, "problem": self.problem}
        if not self.lines:
            return out
        loops = [line["loop_s"] for line in self.lines]
        first, loop = self.lines[0], statistics.median(loops)
        out |= {"loop_s": loop, "loop_min_s": min(loops), "loops_s": loops, "ns_per_step": 1e9 * loop / work.neuron_steps,
                **{k: first[k] for k in ("version", "build_s", "compile_s", "spikes", "rate_hz", "rss_mb")}}
        if isinstance(work, Coding):
            # each run may be of a network that was built anew
            out |= {"build_s": statistics.median(line["build_s"] for line in self.lines),
                    "error": statistics.fmean(line["error"] for line in self.lines),
                    "errors": [line["error"] for line in self.lines], "base_mb": first["base_mb"],
                    "rss_mb": max(line["rss_mb"] for line in self.lines)}
        if isinstance(work, Learning):
            # processor time is what other programs disturb least
            out |= {"cpu_s": min(line["cpu_s"] for line in self.lines), "products_s": first.get("products_s"),
                    "first_s": first["import_s"] + first["build_s"] + first["compile_s"], "base_mb": first["base_mb"],
                    "outcome": first["outcome"], "constant": all(line["outcome"] == first["outcome"] for line in self.lines)}
        if isinstance(work, Net):
            # where every run is another network their mean is closer to what must come out
            seen = [line for line in self.lines if line["rate_hz"] is not None]
            out |= {k: statistics.fmean(x[k] for x in seen) for k in ("rate_hz", "cv", "events") if all(k in x for x in seen)}
            out |= {"rates": first["rates"], "weight": first.get("weight"), "synapses": work.synapses}
            if events := out.get("events"):
                out["ns_per_event"], out["events_per_s"] = 1e9 * loop / events, events / loop
            for name, unit in (("bytes_per_synapse", "rss_mb"), ("kept_per_synapse", "kept_mb")):
                if unit in first:
                    out[name] = (first[unit] - first.get("base_mb", 0.0)) * 2**20 / work.synapses
        return out


def run_in_turn(chosen: list[Entry], pythons: dict[str, Path], work: Work, repeats: int, quick: bool,
                folder: Path) -> list[dict[str, Any]]:
    """Build every entry, run their loops in turn, and return one result each; very large networks one after the other."""
    if isinstance(work, Net) and work.synapses > ALONE:
        return [row for entry in chosen for row in _run([entry], pythons, work, repeats, quick, folder)]
    return _run(chosen, pythons, work, repeats, quick, folder)


def _run(chosen: list[Entry], pythons: dict[str, Path], work: Work, repeats: int, quick: bool,
         folder: Path) -> list[dict[str, Any]]:
    runners = []
    try:
        for entry in chosen:
            _note(f"{work.name}: building {entry.name}")
            runners.append(Runner(entry, pythons[entry.peer], work, quick, folder))
        for repeat in range(repeats):
            for runner in runners:
                if not (runner.entry.slow and repeat):
                    _note(f"{work.name}: run {repeat + 1} of {repeats}, {runner.entry.name}")
                    runner.run()
    finally:
        for runner in runners:
            runner.close()
    return [runner.result() for runner in runners]


def run_whole(chosen: list[Entry], pythons: dict[str, Path], work: Work, repeats: int, folder: Path) -> list[dict[str, Any]]:
    """Time whole processes: first with an empty cache, then again and again with a full one, in turn."""
    walls: dict[str, list[float]] = {e.name: [] for e in chosen}
    lines: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for repeat in range(repeats + 1):
        for entry in chosen:
            if entry.name in problems:
                continue
            _note(f"{work.name}: {'warm' if repeat else 'cold'} {entry.name}")
            own = folder / f"{work.name}_{entry.name.replace('/', '_')}"
            own.mkdir(parents=True, exist_ok=True)
            command = _command(entry, pythons[entry.peer], work, False) + ["--repeats", "1"]
            if entry.peer in ("brian2", "annarchy"):
                command += ["--cache", str(own / "code")]
            began = time.perf_counter()
            try:
                done = subprocess.run(command, capture_output=True, text=True, cwd=own, timeout=LIMIT,
                                      env=_environment(pythons[entry.peer], own / "neurosim"))
            except subprocess.TimeoutExpired:
                problems[entry.name] = f"took longer than {LIMIT:g} s"
                continue
            walls[entry.name].append(time.perf_counter() - began)
            found = [x for x in done.stdout.splitlines() if x.startswith('{"peer"')]
            if found:
                lines[entry.name] = json.loads(found[-1])
            else:
                problems[entry.name] = (done.stderr.strip().splitlines() or ["ended without a word"])[-1]
    out = []
    for entry in chosen:
        row = {"name": entry.name, "peer": entry.peer, "mode": entry.mode, "work": work.name, "threads": entry.threads,
               "precision": entry.precision, "problem": problems.get(entry.name, "")}
        if entry.name in lines and not row["problem"]:
            line = lines[entry.name]
            row |= {"cold_s": walls[entry.name][0], "warm_s": statistics.median(walls[entry.name][1:]),
                    **{k: line[k] for k in ("version", "spikes", "rate_hz", "rss_mb")}}
        out.append(row)
    return out


def judge_learning(rows: list[dict[str, Any]], work: Learning) -> None:
    """Mark every row with `agrees`: losses and weights are those of neurosim with one thread in the same precision."""
    seen = [r for r in rows if r.get("outcome")]
    for row in seen:
        own = next((r for r in seen if r["peer"] == "neurosim" and r["precision"] == row["precision"]), row)
        row["agrees"] = work.same(row["outcome"], own["outcome"], row["precision"]) and (
            row["peer"] != "neurosim" or row["constant"])


def judge(rows: list[dict[str, Any]], work: Work) -> None:
    """Mark every row with `agrees`: its rate, and of a network the CV of its intervals, are the expected ones.

    Where none is expected, populations are compared with neurosim (without it with the median) and networks with the median.
    neurosim
    itself must give the same number of spikes for any number of threads, and of a population in float32 within 0.1 %.
    """
    seen = [r for r in rows if r.get("rate_hz") is not None]
    own = [r["rate_hz"] for r in seen if r["peer"] == "neurosim"]
    net = isinstance(work, Net)
    usual = statistics.median(r["rate_hz"] for r in seen) if seen else 0.0
    expected = work.rate if work.rate is not None else own[0] if own and not net else usual
    cvs = [r["cv"] for r in seen if r.get("cv") is not None]
    cv = work.cv if net and work.cv is not None else statistics.median(cvs) if cvs else None
    for row in seen:
        row["agrees"] = work.agrees(row["rate_hz"], expected)
        row["expected_hz"] = expected
        if net and cv is not None and row.get("cv") is not None:
            row["agrees"] &= abs(row["cv"] - cv) <= work.cv_tolerance
            row["expected_cv"] = cv
        if row["peer"] == "neurosim":
            same = next(r for r in seen if all(r[k] == row[k] for k in ("peer", "mode", "precision")))
            row["agrees"] &= row["spikes"] == same["spikes"] and (net or abs(row["rate_hz"] - own[0]) <= 1e-3 * own[0])


def _note(text: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{text}")
        sys.stderr.flush()


def machine() -> dict[str, Any]:
    """Return what the numbers depend on."""
    model = platform.processor()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    except OSError:
        pass
    load = os.getloadavg() if hasattr(os, "getloadavg") else (0.0,)
    return {"processor": model, "cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version(),
            "load": load[0], "date": time.strftime("%Y-%m-%d %H:%M:%S")}


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    p = argparse.ArgumentParser(prog="neurosim bench", description=__doc__.split("\n\n")[0],
                                epilog="Peers are looked for in this environment, in those of --venvs and $NEUROSIM_PEERS, and "
                                "in .venv-peers of a checkout. README.md in this folder tells how to make them.")
    p.add_argument("--venvs", action="append", default=[], metavar="DIR",
                   help="folder with one environment for each peer (DIR/brian2, DIR/nest, ...), or an environment")
    p.add_argument("--work", action="append", choices=[*WORKS, *SETS], metavar="NAME",
                   help="only this work, `populations`, `networks`, `nef` or `learning`; may be repeated: " + ", ".join(WORKS))
    p.add_argument("--only", default="", metavar="TEXT", help="only peers whose name contains one of these, separated by "
                   "commas; neurosim is always run")
    p.add_argument("--repeats", type=int, default=0, help="runs of each (3; 2 with --quick)")
    p.add_argument("--quick", action="store_true", help="a fifth of the work, and no slow peers")
    p.add_argument("--json", type=Path, metavar="FILE", help="where to keep the results")
    p.add_argument("--list", action="store_true", help="list what would be run")
    return p


def main(argv: list[str] | None = None) -> int:
    """Run the benchmarks; return 1 if a simulator disagrees about the rates, or a learner about the losses."""
    given = parser().parse_args(argv)
    folders = [Path(v) for v in given.venvs]
    folders += [Path(v) for v in os.environ.get("NEUROSIM_PEERS", "").split(os.pathsep) if v]
    folders.append(HERE.parent / ".venv-peers")
    pythons = interpreters(folders)
    wanted = [w.strip() for w in given.only.split(",") if w.strip()]
    repeats = given.repeats or (2 if given.quick else 3)
    cores = os.cpu_count() or 1
    chosen = [e for e in entries() if e.peer in pythons and e.threads <= cores
              and (e.peer == "neurosim" or not wanted or any(w in e.name for w in wanted))]
    names = [x for n in given.work or WORKS for x in SETS.get(n, (n,))]
    works = [find(n, given.quick) for n in dict.fromkeys(names)]
    if given.list:
        for peer in MODULES:
            print(f"{peer:9} {pythons.get(peer, 'not installed')}")
        for work in works:
            print(f"{work.name}: " + ", ".join(e.name for e in chosen if e.does(work, given.quick)))
        return 0
    folder = Path(tempfile.mkdtemp(prefix="neurosim_bench_"))
    everything: dict[str, Any] = {"machine": machine(), "quick": given.quick, "works": {}}
    try:
        for work in works:
            able = [e for e in chosen if e.does(work, given.quick)]
            if work.name in WHOLE:
                # start-up does not depend on precision, and small networks not on threads
                rows = run_whole([e for e in able if e.threads == 1 and e.precision == "float64"], pythons, work,
                                 repeats, folder)
            else:
                able = [e for e in able if work.n > 1 or e.threads == 1]
                rows = run_in_turn(able, pythons, work, repeats, given.quick, folder)
            (judge_learning if isinstance(work, Learning) else judge)(rows, work)
            everything["works"][work.name] = rows
            _note("")
            print(report(work, rows), flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    _keep(everything, given.json)
    return int(any(r.get("agrees") is False for rows in everything["works"].values() for r in rows))


def _keep(everything: dict[str, Any], path: Path | None) -> None:
    if path is None:
        # an installed package is no place for results
        folder = HERE / "results" if (HERE.parent / "pyproject.toml").is_file() else Path.cwd()
        path = folder / time.strftime("bench_%Y%m%d_%H%M%S.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(everything, indent=1) + "\n", encoding="utf-8")
    print(f"Results: {path}")


if __name__ == "__main__":
    sys.exit(main())
