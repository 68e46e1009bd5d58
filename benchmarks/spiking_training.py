"""Training of a spiking network by surrogate gradients: neurosim beside snnTorch and Norse.

    python benchmarks/spiking_training.py --venv VENVS/snn                 # whatever peers that environment has
    python benchmarks/spiking_training.py --venv VENVS/snn --quick         # one work, two epochs
    python benchmarks/spiking_training.py --scaling                        # cost against steps, width, batch; neurosim alone

One hidden layer of LIF neurons, leaky integrators read as their mean over time, cross entropy, Adam; SuperSpike surrogate.
Data, first weights and the order of samples are the same for all, so that the losses of the first epoch must agree; later,
spikes that differ by rounding make training differ, and accuracies are compared.

    manifolds   784 inputs that spike once in 100 steps (Zenke & Vogels 2021, doi:10.1162/neco_a_01367)
    digits      8 x 8 digits as rates, each pixel 3 x 3 times: 576 inputs, some 8 spikes per 100 steps

snnTorch resets by subtraction, Norse to zero, neurosim as either; no gradient goes through the reset.  In Norse 1.1 the
steepness of the surrogate is always 1, elsewhere it is 10: only neighbours in the table are to be compared.
Each runs in a process of its own; epochs go round A B C, A B C.  Times are those of the processor on one thread, so that other
work on the machine counts little.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
CLASSES, STEPS, HIDDEN = 10, 100, 256
#: relative difference of the losses of the first epoch that rounding explains
NEAR = 1e-3
#: what is run: name, file in peers/, its --reset
ENTRIES = (("neurosim", "neurosim_surrogate.py", "subtract"), ("snntorch", "torch_surrogate.py", "subtract"),
           ("neurosim zero", "neurosim_surrogate.py", "zero"), ("norse", "torch_surrogate.py", "zero"))


def manifolds(n: int, units: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Return random manifolds as spikes, (n, T, units), and classes."""
    from neurosim.spiking import random_manifolds

    return random_manifolds(n//CLASSES, units, CLASSES, steps, smoothness=1.0, seed=1)


def digits(n: int, units: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Return digits as rates, likewise."""
    from sklearn.datasets import load_digits

    from neurosim.spiking import rate_code

    x, y = load_digits(return_X_y=True)
    wide = np.kron(x.reshape(-1, 8, 8)/16, np.ones((1, 3, 3))).reshape(len(x), -1)
    return rate_code(wide[:n], steps, 0.25, seed=1), y[:n]


WORKS = {"manifolds": (manifolds, 784), "digits": (digits, 576)}


def task(path: Path, name: str, n: int, batch: int, steps: int = STEPS, hidden: int = HIDDEN, epochs: int = 20) -> None:
    """Write spikes, classes, first weights and orders of samples to a file."""
    make, units = WORKS[name]
    x, y = make(n, units, steps)
    rng = np.random.default_rng(2)
    part = 4*len(x)//5
    # some spikes of each neuron in each sample at first
    w = rng.standard_normal((units, hidden))*np.sqrt(0.5/max(x.sum(axis=2).mean(), 1e-3))
    np.savez(path, x=x[:part], y=y[:part], x_test=x[part:], y_test=y[part:], w=w.astype(np.float32),
             w_out=(rng.standard_normal((hidden, CLASSES))/np.sqrt(hidden)).astype(np.float32), batch=batch,
             orders=np.stack([rng.permutation(part) for _ in range(epochs)]))


class Peer:
    """A process that trains, an epoch for each line that it is sent."""

    def __init__(self, name: str, python: str, file: str, reset: str, data: Path):
        self.name, self.answers = name, []
        env = {**os.environ, **{k: "1" for k in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")}}
        self.process = subprocess.Popen([python, str(HERE/"peers"/file), str(data), reset], env=env, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def ask(self, what: str) -> dict:
        """Send a word and return the answer; an empty one if the process has ended."""
        try:
            self.process.stdin.write(what + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return {}
        line = self.process.stdout.readline()
        return json.loads(line) if line else {}

    def end(self) -> None:
        """End the process."""
        self.process.stdin.close()
        self.process.wait()


def compared(name: str, n: int, batch: int, epochs: int, venv: str | None) -> list[dict]:
    """Train with all that is there, print a table and return its rows."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)/"task.npz"
        task(data, name, n, batch, epochs=epochs)
        entries = ENTRIES if venv else ENTRIES[:1]
        peers = [Peer(who, sys.executable if "neurosim" in who else f"{venv}/bin/python", file, reset, data)
                 for who, file, reset in entries]
        # compiling and first use are not part of it
        begun = {p.name: p.ask("warm") for p in peers}
        for _ in range(epochs):
            for p in peers:
                p.answers.append(p.ask("epoch"))
        rows = []
        for p in peers:
            end = p.ask("score")
            p.end()
            if not end or not all(p.answers):
                print(f"{p.name}: does not run; see above")
                continue
            seconds = sorted(a["seconds"] for a in p.answers)
            rows.append({"work": name, "batch": batch, "name": p.name, "seconds": seconds[len(seconds)//2], "best": seconds[0],
                         "loss": p.answers[0]["loss"], "accuracy": end["accuracy"], "peak": end["peak"],
                         "above": end["peak"] - begun[p.name]["peak"]})
    print(f"\n{name}, {n} samples, batch {batch}, {STEPS} steps, {HIDDEN} hidden neurons, {epochs} epochs")
    print(f"{'':16}{'s/epoch':>9}{'fastest':>9}{'first loss':>12}{'accuracy':>10}{'MiB':>7}{'above start':>13}")
    for r in rows:
        print(f"{r['name']:16}{r['seconds']:9.3f}{r['best']:9.3f}{r['loss']:12.6f}{r['accuracy']:10.3f}{r['peak']:7.0f}"
              f"{r['above']:13.0f}")
    found = {r["name"]: r for r in rows}
    for ours, theirs in (("neurosim", "snntorch"), ("neurosim zero", "norse")):
        if ours in found and theirs in found:
            a, b = found[ours], found[theirs]
            same = abs(a["loss"] - b["loss"]) < NEAR*abs(b["loss"])
            print(f"{theirs}/neurosim: {b['seconds']/a['seconds']:.1f} times (aim 5); loss of the first epoch "
                  f"{'agrees' if same else 'DIFFERS'}; memory above start {b['above']/max(a['above'], 1):.1f} times")
    return rows


def scaling() -> None:
    """Print neurosim's time for an epoch against steps, width and batch."""
    print(f"{'steps':>6}{'hidden':>8}{'batch':>7}{'s/epoch':>9}{'ns per neuron and step':>24}")
    for steps, hidden, batch in ((50, 256, 64), (100, 256, 64), (200, 256, 64), (100, 64, 64), (100, 1024, 64), (100, 256, 16),
                                 (100, 256, 256)):
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder)/"task.npz"
            task(data, "manifolds", 320, batch, steps, hidden)
            peer = Peer("neurosim", sys.executable, "neurosim_surrogate.py", "subtract", data)
            peer.ask("warm")
            seconds = min(peer.ask("epoch")["seconds"] for _ in range(3))
            peer.end()
        print(f"{steps:6}{hidden:8}{batch:7}{seconds:9.3f}{seconds/(256*steps*hidden)*1e9:24.2f}")


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--venv", help="environment with snntorch and norse")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--scaling", action="store_true")
    parser.add_argument("--json", help="write the rows to this file")
    given = parser.parse_args()
    if given.scaling:
        scaling()
        return
    works = [("manifolds", 640, 64, 2)] if given.quick else [("manifolds", 1280, 64, 5), ("manifolds", 1280, 256, 5),
                                                              ("digits", 1280, 64, 5)]
    rows = [row for work in works for row in compared(*work, given.venv)]
    if given.json:
        Path(given.json).write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
