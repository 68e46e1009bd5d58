"""`neurosim compare` killed in the middle and taken up again: the page is the one that would have been."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from neurosim.learning.comparing.page import page
from neurosim.learning.comparing.running import arrange, carry_out
from neurosim.learning.learners.catalogue import LEARNERS

ROOT = Path(__file__).resolve().parents[2]


def start(command, out, *more):
    """Start a command, with `out` as its folder for results."""
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return subprocess.Popen([sys.executable, "-m", "neurosim", "compare", *command, "--out", str(out), *more],
                            env={**os.environ, "PYTHONPATH": paths}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def kept(out):
    """Return the finished records of a folder."""
    return {p.name: p.read_bytes() for p in (out / "records").glob("[!.]*.json")}


def killed_and_resumed(command, out, whole, after=1):
    """Kill a command when `after` of its `whole` runs are there, and go on with it."""
    run, until = start(command, out), time.monotonic() + 300
    try:
        while run.poll() is None and len(kept(out)) < after and time.monotonic() < until:
            time.sleep(0.005)
    finally:
        run.kill()
        run.wait()
    before = kept(out)
    assert after <= len(before) < whole and not (out / "comparison.html").exists()
    assert start(command, out, "--resume").wait() == 0
    assert len(kept(out)) == whole and before.items() <= kept(out).items()


def words(text):
    """Return what a page says, without figures, times, the sentences that rank by time, and the command."""
    text = re.sub(r"<figure>.*?</figure>|<style>.*?</style>|<pre>.*?</pre>|<h2>Figures</h2>|<li>To learn to.*?</li>", "",
                  text, flags=re.DOTALL)
    return re.sub(r"\b\d[\d.]* s\b", "TIME", re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", text))))


def test_words_of_a_page():
    said = words("<h2>Figures</h2><figure><img src='x'></figure><pre>a 3 s</pre><td>0.034 s</td><li>97.1 %</li>")
    assert said.split() == ["TIME", "97.1", "%"]


def test_all_learners_killed_and_resumed(tmp_path):
    rng = np.random.default_rng(0)
    answers = np.arange(24) % 2
    table = np.c_[rng.normal(size=(24, 3)) + answers[:, np.newaxis], answers]
    np.savetxt(tmp_path / "tiny.csv", table, delimiter=",", header="a,b,c,y", comments="")
    path, whole = str(tmp_path / "tiny.csv"), len(LEARNERS)
    command = [path, "--learners", "all", "--seeds", "1", "--epochs", "1", "--hidden", "6", "--measures", "cost,feedback"]
    killed_and_resumed(command, tmp_path / "out", whole)
    at_once = carry_out(arrange(path, "all", seeds=1, epochs=1, hidden=6, measures="cost,feedback"))
    assert words((tmp_path / "out" / "comparison.html").read_text()) == words(page(at_once))


@pytest.mark.slow
def test_all_learners_on_digits_killed_and_resumed(tmp_path):
    """The page of the whole command is the same after a kill."""
    command = ["digits", "--learners", "all", "--seeds", "1", "--jobs", "2"]
    killed_and_resumed(command, tmp_path / "out", len(LEARNERS), after=len(LEARNERS) // 2)
    assert start(command, tmp_path / "other").wait() == 0
    pages = [words((tmp_path / name / "comparison.html").read_text()) for name in ("out", "other")]
    assert pages[0] == pages[1] and "TIME" in pages[0]
