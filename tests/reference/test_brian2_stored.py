"""The engine against the runs of Brian2 that are stored in data/reference/.

Where both use the same method they do the same arithmetic in another order: traces agree to rounding (`cases.MODELS` says
how much that is and why), and spikes fall into the same steps.
"""

import json
import re
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from cases import MODELS, STORE, STORED, Case, Run, differences, read_stored, run_neurosim, sha256, spike_shift

README = STORE.parent / "README.md"
#: a spike time is k dt + dt on one side and (k + 1) dt on the other
GRID = 1e-9
CASES = {c.name: c for c in STORED}
#: one method for each model; every other is a model to compile more, and takes minutes in all
FIRST = {c.model: c.name for c in reversed(STORED) if c.name != "lif/rk4"}.values()
EVERY = [name if name in FIRST or name.startswith("hodgkin_huxley") else pytest.param(name, marks=pytest.mark.slow)
         for name in CASES]


@cache
def both(name: str) -> tuple[Run, Run]:
    """Return (our run, Brian2's run) of a case."""
    case = CASES[name]
    theirs, noises, attributes = read_stored(case)
    assert attributes["case"] == case.description(), "The stored run is stale: run `make reference`."
    return run_neurosim(case, noises), theirs


@pytest.mark.parametrize("drive", ["constant", "step", "noise"])
@pytest.mark.parametrize("name", EVERY)
def test_same_method_gives_the_same_run(name, drive):
    case = CASES[name]
    ours, theirs = (run.of(case.neurons(drive)) for run in both(name))
    assert len(ours.spike_times) > 5
    assert spike_shift(ours, theirs) < case.dt + GRID
    for state, difference in differences(ours, theirs).items():
        assert difference < MODELS[case.model].tolerance[state], state


@pytest.mark.parametrize("name", EVERY)
def test_spikes_fall_into_the_same_steps(name):
    # stricter than "within one dt": a spike moves by a step only where v meets the threshold to within rounding
    assert spike_shift(*both(name)) < GRID


@pytest.mark.parametrize("model", ["hodgkin_huxley", "traub_miles"])
def test_other_method_agrees_to_the_integration_error(model):
    # Exponential Euler has order one, so that its distance to Brian2's RK4 (order four: error negligible beside it) is
    # proportional to dt, before the first spike in v and later in the times of the spikes.  Halving dt gives a ratio of 2;
    # 0.4 is left for terms of second order and for times that are multiples of dt.  A wrong equation gives 1.
    case = CASES[f"{model}/rk4"]
    neurons = case.neurons("constant")
    theirs = both(case.name)[1].of(neurons)
    early = theirs.times < theirs.spike_times.min() - 0.3
    gap, shift = [], []
    for dt in (case.dt / 2, case.dt / 4):
        ours = run_neurosim(replace(case, dt=dt), read_stored(case)[1], method="exponential_euler").of(neurons)
        gap.append(np.max(np.abs(ours.traces["v"] - theirs.traces["v"])[early]))
        shift.append(_shift_of_third_spikes(ours, theirs, neurons))
    assert gap[0] / gap[1] == pytest.approx(2.0, abs=0.4)
    assert shift[0] / shift[1] == pytest.approx(2.0, abs=0.4)


def _shift_of_third_spikes(one: Run, two: Run, neurons: range) -> float:
    times = [[run.spike_times[run.spike_neurons == k][2] for k in neurons if np.sum(run.spike_neurons == k) > 3]
             for run in (one, two)]
    return np.max(np.abs(np.subtract(*times)))


@pytest.mark.parametrize("model", [m if m in ("lif", "hodgkin_huxley") else pytest.param(m, marks=pytest.mark.slow)
                                   for m in MODELS])
def test_float32_stays_near(model):
    # a step rounds 100 mV by 4e-6 mV; until shortly before the first spike of a neuron the equations at most keep the sum:
    # 1e-5 sqrt(steps) is below 0.01 mV, and a wrong constant or a lost term is not
    case = CASES[f"{model}/rk4"]
    theirs, noises, _ = read_stored(case)
    ours = run_neurosim(case, noises, dtype="float32")
    for neuron in range(case.size):
        spikes = theirs.spike_times[theirs.spike_neurons == neuron]
        early = theirs.times < (spikes.min() if len(spikes) else case.duration) - 2.0
        gap = np.abs(ours.traces["v"] - theirs.traces["v"])[early, neuron]
        assert not len(gap) or gap.max() < 0.01


def test_every_data_file_is_listed_with_its_hash():
    listed = dict(re.findall(r"^\| `([^`]+)` \|.*\| `([0-9a-f]{64})` \|", README.read_text(encoding="utf-8"), re.M))
    found = {p.relative_to(README.parent).as_posix(): sha256(p) for p in README.parent.rglob("*")
             if p.is_file() and p.suffix not in (".py", ".md", ".pyc")}
    assert listed == found


def test_stored_files_are_small_and_say_what_they_are():
    assert sum(p.stat().st_size for p in STORE.glob("*.h5")) < 3_000_000
    for case in STORED:
        _, noises, attributes = read_stored(case)
        assert attributes["simulator"] == "Brian2"
        assert json.loads(attributes["case"])["method"] == case.method
        for name, noise in noises.items():
            assert noise.shape == (round(case.duration / 0.1), len(case.neurons(name)))


def test_a_case_splits_into_its_drives():
    case = Case("lif", "exact", 0.1, 10.0, STORED[0].drives)
    assert [list(case.neurons(n)) for n in ("constant", "step", "noise")] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    run = Run(np.array([1.0, 2.0, 3.0]), np.array([3, 4, 9]), np.zeros(1), {"v": np.arange(12.0)[None]})
    part = run.of(case.neurons("step"))
    assert part.spike_times.tolist() == [2.0] and part.traces["v"].tolist() == [[4.0, 5.0, 6.0, 7.0]]
    assert spike_shift(part, run) == float("inf")
