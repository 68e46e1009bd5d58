"""The benchmark of learning: what its runners do against NumPy written out, and how they are judged."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from neurosim.attractors import BoltzmannMachine

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
NAMES = ("catalogue", "coding", "entries", "learning", "networks", "run", "scaling_learning", "serve", "tables", "work")


@pytest.fixture(scope="module")
def bench():
    """Return the modules of the benchmarks, which know each other by their bare names."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        for name in NAMES:
            patch.delitem(sys.modules, name, raising=False)
        yield {name: importlib.import_module(name) for name in NAMES}
        for name in NAMES:
            del sys.modules[name]


def outcome(peer: str, work: str, *options: str) -> list[float]:
    """Return what comes out of a runner in a process of its own."""
    command = [sys.executable, str(FOLDER / "peers" / f"{peer}_learning.py"), "--work", work, "--quick", "--repeats", "1"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=True)
    line = json.loads(done.stdout.splitlines()[-1])
    assert line["loop_s"] > 0 and line["cpu_s"] > 0 and line["rss_mb"] > line["base_mb"] * 0.9
    return line["outcome"]


def backprop(learning, work):
    """Return losses and weights of a perceptron with one hidden layer, trained by Adam as its paper writes it."""
    x, t = learning.samples(work, "float64")
    w1, w2 = learning.weights(work, "float64")
    p = [w1, np.zeros(w1.shape[1]), w2, np.zeros(w2.shape[1])]
    m, s = [np.zeros_like(a) for a in p], [np.zeros_like(a) for a in p]
    losses, step = [], 0
    for order in learning.orders(work):
        total = 0.0
        for k in range(0, work.n, work.batch):
            u, goal = x[order[k:k + work.batch]], np.eye(10)[t[order[k:k + work.batch]]]
            h = np.maximum(u @ p[0] + p[1], 0)
            z = h @ p[2] + p[3]
            y = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
            total -= np.log((y * goal).sum(axis=1)).sum()
            d2 = (y - goal) / len(u)
            d1 = (d2 @ p[2].T) * (h > 0)
            step += 1
            for i, g in enumerate((u.T @ d1, d1.sum(axis=0), h.T @ d2, d2.sum(axis=0))):
                m[i] = 0.9 * m[i] + 0.1 * g
                s[i] = 0.999 * s[i] + 0.001 * g**2
                p[i] = p[i] - learning.RATE * (m[i] / (1 - 0.9**step)) / (np.sqrt(s[i] / (1 - 0.999**step)) + 1e-8)
        losses.append(total / work.n)
    return losses + learning.digest([p[0], p[2]])


def settling(learning, work):
    """Return F before and after inference, and weights, of predictive coding with one hidden layer, sample by sample."""
    x, t = learning.samples(work, "float64")
    m1, m0 = learning.weights(work, "float64")
    b1, b0 = np.zeros(m1.shape[1]), np.zeros(m0.shape[1])
    speed = [np.zeros_like(a) for a in (m1, b1, m0, b0)]
    sums = np.zeros(2)
    for k in range(0, work.n, work.batch):
        chosen = learning.orders(work)[0][k:k + work.batch]
        learnt = [np.zeros_like(a) for a in (m1, b1, m0, b0)]
        for u, goal in zip(x[chosen], np.eye(10)[t[chosen]]):
            mu1 = u @ m1 + b1
            v, y, step = mu1, np.tanh(mu1), learning.PC_STEP
            e0, e1 = goal - y @ m0 - b0, v - mu1
            f = 0.5 * (e0 @ e0 + e1 @ e1)
            sums[0] += f
            for _ in range(learning.PC_ITERATIONS):
                new = v + step * ((1 - y * y) * (m0 @ e0) - e1)
                fired = np.tanh(new)
                new0, new1 = goal - fired @ m0 - b0, new - mu1
                risen = 0.5 * (new0 @ new0 + new1 @ new1)
                if work.careful and risen > f:
                    step *= 0.5
                    continue
                v, y, e0, e1, f = new, fired, new0, new1, risen
                step *= 1.1 if work.careful else 1.0
            sums[1] += f
            for a, d in zip(learnt, (np.outer(u, e1), e1, np.outer(y, e0), e0)):
                a += d / len(chosen)
        for p, v, d in zip((m1, b1, m0, b0), speed, learnt):
            v *= learning.PC_MOMENTUM
            v += d
            p += learning.PC_RATE * v
    return [*(sums / work.n), *learning.digest([m1, m0])]


def test_backprop_is_what_numpy_makes_of_the_equations(bench):
    learning = bench["learning"]
    work = bench["catalogue"].find("mlp_64-128-10_64", True)
    # 16 steps, each of which rounds sums of 64 and 128 terms
    np.testing.assert_allclose(outcome("neurosim", work.name), backprop(learning, work), rtol=1e-10)


@pytest.mark.parametrize("name", ["pc_64-128-10_64", "pc_64-128-10_64_careful"])
def test_predictive_coding_is_what_numpy_makes_of_the_equations(bench, name):
    learning = bench["learning"]
    work = bench["catalogue"].find(name, True)
    assert work.careful == name.endswith("careful")
    # 8 steps; whether an energy has risen is never decided by rounding so far from rest
    np.testing.assert_allclose(outcome("neurosim", work.name), settling(learning, work), rtol=1e-10)


@pytest.mark.parametrize("order", ["asynchronous", "synchronous"])
def test_patterns_come_back_in_both(bench, order):
    work = bench["catalogue"].find(f"hopfield_{order}_500", True)
    ours, theirs = (outcome(peer, work.name) for peer in ("neurosim", "numpy"))
    assert ours[0] == 1.0 and work.same(ours, theirs, "float64")


def test_pseudo_likelihood(bench):
    rng = np.random.default_rng(0)
    v, w, b, c = (rng.random((20, 6)) < 0.5).astype(float), rng.normal(size=(6, 4)), rng.normal(size=6), rng.normal(size=4)
    expected = BoltzmannMachine(w, b, c).pseudo_log_likelihood(v).mean() / 6
    assert bench["learning"].likelihood(v, w, b, c) == pytest.approx(expected, rel=1e-12)


def test_every_work_has_a_peer_in_each_precision(bench):
    able = bench["entries"].entries()
    for name in bench["learning"].LEARNT:
        work = bench["catalogue"].find(name, False)
        for precision in work.precisions:
            for threads in (1, 2):
                peers = {e.peer for e in able if (e.precision, e.threads) == (precision, threads) and e.does(work, False)}
                assert "neurosim" in peers and len(peers) == 2, (name, precision, peers)
    # other works do not get these peers
    tiny = bench["catalogue"].find("tiny", False)
    assert not any(e.does(tiny, False) for e in able if e.peer in ("torch", "sklearn", "numpy"))


def row(peer: str, seconds: float, result: list[float]) -> dict:
    """Return a row as `Runner.result` makes it."""
    return {"name": f"{peer}/1", "peer": peer, "threads": 1, "precision": "float64", "problem": "", "loop_s": seconds,
            "loop_min_s": seconds, "cpu_s": seconds, "products_s": 0.5, "first_s": 1.0, "outcome": result, "constant": True,
            "rss_mb": 100.0, "base_mb": 50.0}


def test_rows_are_judged_and_compared(bench):
    work = bench["catalogue"].find("mlp_64-128-10_64", False)
    rows = [row("neurosim", 1.0, [2.0, 3.0]), row("torch", 1.5, [2.0, 3.0 + 1e-12])]
    bench["run"].judge_learning(rows, work)
    assert all(r["agrees"] for r in rows)
    text = bench["tables"].report(work, rows)
    assert "1.50 times as fast as torch/1" in text and "50 % of its processor time are products" in text
    rows[1]["outcome"] = [2.0, 3.1]
    bench["run"].judge_learning(rows, work)
    text = bench["tables"].report(work, rows)
    # who learns something else is no peer
    assert not rows[1]["agrees"] and "DISAGREES" in text and "times as fast" not in text


def test_how_cost_grows(bench):
    scaling, learning = bench["scaling_learning"], bench["learning"]
    assert bench["catalogue"].find(learning.VARIED["width"][0].name, False) is learning.VARIED["width"][0]
    assert len(learning.SCALED) == sum(map(len, learning.VARIED.values()))
    assert not learning.SCALED.keys() & learning.LEARNT.keys()
    # a line in two logarithms
    assert scaling.exponent([(1.0, 2.0), (2.0, 8.0), (4.0, 32.0)]) == pytest.approx(2.0)
