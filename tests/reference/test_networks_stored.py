"""Networks against the runs of Brian2 and NEST that are stored in data/reference/.

The same connections, weights, delays and spikes on both sides: see `network_cases` for what differs between the simulators
and how it is made the same.  Spikes must then fall into the same steps until the end of the run.
"""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pytest
from network_cases import Case, Run, agree_until, file_of, gap, ordered, pairs, read_stored, run_neurosim, uniform
from network_catalogue import CASES, RUNS
from network_statistics import N_E, N_I, NAMES, PAIRED, SEEDS, distance, measures, neurosim_random, split_rank

BOTH = [(peer, name) for peer, names in RUNS.items() for name in names]
#: where one peer has judged a network, the other one's run is left to the slow tests
JUDGED = [pair if pair[0] == "brian2" or ("brian2", pair[1]) not in BOTH else pytest.param(*pair, marks=pytest.mark.slow)
          for pair in BOTH]
#: what must agree in any case, in ms
AT_LEAST = 100.0
#: Both sides do the same operations on float64 in another order and other units: 1e-16 of 100 mV is 1e-14 mV a step.  A leaky
#: neuron forgets its errors, so that 1e-12 mV is never passed; channels amplify them by their upstroke (1e-9 seen).
ROUNDING = {"cobahh": 1e-6}
#: conductances in NEST: Runge-Kutta-Fehlberg with an error of up to 1e-6 mV a step, whose sum over tau_m = 200 steps is 2e-4,
#: and rk4 here, whose error is smaller.  A spike moves by a step only where v meets the threshold to within so much.
ADAPTIVE = {("nest", "coba"): 5e-4, ("nest", "double_exponential"): 5e-4}
#: relative to the largest weight: sums of some hundred changes
WEIGHTS = 1e-12


@cache
def case_of(name: str) -> Case:
    return CASES[name]()


@cache
def ours(name: str, method: str) -> Run:
    case = case_of(name)
    return run_neurosim(case, next(p for p, m in case.methods.items() if m == method))


def both(peer: str, name: str) -> tuple[Case, Run, Run]:
    """Return (case, our run, that of the peer)."""
    case = case_of(name)
    theirs, digest = read_stored(case, peer)
    assert digest == case.digest(), "The stored run is stale: run data/reference/make_network_reference.py."
    return case, ours(name, case.methods[peer]), theirs


@pytest.mark.parametrize(("peer", "name"), JUDGED)
def test_spikes_fall_into_the_same_steps(peer, name):
    case, one, two = both(peer, name)
    assert sum(len(two.spikes[c.name][0]) for c in case.cells) >= 20
    until = agree_until(one, two, case.dt, case.duration)
    assert until >= AT_LEAST
    # none of these networks is chaotic on this scale: errors die out between spikes, and no v comes so near to its threshold
    assert until == case.duration


@pytest.mark.parametrize(("peer", "name"), JUDGED)
def test_potentials_agree_to_rounding_or_to_the_error_of_integration(peer, name):
    _, one, two = both(peer, name)
    assert gap(one.traces, two.traces) < ADAPTIVE.get((peer, name), ROUNDING.get(name, 1e-9))


@pytest.mark.parametrize(("peer", "name"), [(p, n) for p, n in BOTH if any(w.rule for w in case_of(n).wires)])
def test_weights_agree_to_rounding(peer, name):
    case, one, two = both(peer, name)
    largest = max(float(np.max(np.abs(w))) for w in two.weights.values())
    assert gap(one.weights, two.weights) < WEIGHTS * largest
    for w in case.wires:
        if w.rule is not None and w.rule.kind not in ("short_term", "depression"):
            before = w.weight[np.lexsort((w.post, w.pre))]
            assert np.mean(np.abs(one.weights[w.name] - before) > 0.01 * largest) > 0.3, "Nothing was learnt."


def test_no_pair_meets_where_nest_has_another_rule():
    case = case_of("stdp_dendritic")
    run = ours("stdp_dendritic", "exact")
    for w in case.wires:
        (t_pre, pre), (t_post, post) = (run.spikes[n] for n in (w.source, w.target))
        for i, j, delay in zip(w.pre, w.post, w.delay):
            arrive = np.rint((t_post[post == j] + delay) / case.dt)
            assert not np.isin(np.rint(t_pre[pre == i] / case.dt), arrive).any()


@pytest.mark.parametrize("name", ["varied", "stdp"])
def test_a_wrong_delay_or_weight_is_seen(name):
    # what the comparison would say if one weight in a hundred were off by 1 %, or one delay by one step
    case, _, theirs = both("brian2", name)
    for change in ("weight", "delay"):
        wires = []
        for w in case.wires:
            values = getattr(w, change).copy()
            values[::100] += 0.01 * values[::100] if change == "weight" else case.dt
            wires.append(type(w)(**{**vars(w), change: values}))
        run = run_neurosim(type(case)(**{**vars(case), "wires": tuple(wires)}), "brian2")
        assert gap(run.traces, theirs.traces) > 1e-6 or agree_until(run, theirs, case.dt, case.duration) < case.duration


# -- statistics ---------------------------------------------------------------------------------------------------

def stored_samples(peer: str) -> list[dict[str, np.ndarray]]:
    import h5py

    with h5py.File(file_of(peer, "random"), "r") as file:
        return [{name: file[f"{seed}/{name}"][...] for name in NAMES} for seed in range(1, SEEDS[peer] + 1)]


@cache
def our_samples() -> tuple[dict[str, np.ndarray], ...]:
    return tuple(neurosim_random(seed) for seed in range(1, SEEDS["neurosim"] + 1))


@pytest.mark.parametrize("measure", NAMES)
@pytest.mark.parametrize("peer", ["brian2", "nest"])
def test_statistics_of_a_random_network(peer, measure):
    # 4 seeds of ours and 8 of a peer can be split in 495 ways.  If all are of one kind, our split is the one of greatest
    # excess with probability 1/495 = 0.2 %; for six such tests the false-alarm rate is below 1.3 %.  Seeds are fixed.
    rank, splits, across, within = split_rank([s[measure] for s in our_samples()], [s[measure] for s in stored_samples(peer)])
    assert splits == 495
    assert rank > 1, f"distance across {across:.4f}, within {within:.4f}"


@pytest.mark.parametrize("measure", NAMES)
def test_the_peers_agree_with_each_other(measure):
    # the same judgement between Brian2 and NEST: 4 seeds of one and all 8 of the other; 0.6 % for the three
    one, two = ([s[measure] for s in stored_samples(p)] for p in ("brian2", "nest"))
    rank, splits, _, _ = split_rank(one[:4], two)
    assert splits == 495 and rank > 1


def test_another_network_is_told_apart():
    # the judgement has power: with kicks and weights 10 % stronger, at least the CVs differ beyond the spread of seeds
    other = [neurosim_random(seed, weight=0.44) for seed in range(1, SEEDS["neurosim"] + 1)]
    assert split_rank([s["cv"] for s in other], [s["cv"] for s in stored_samples("nest")])[0] == 1


def test_distance_and_rank_of_known_samples():
    grid = np.arange(100.0)
    assert distance(grid, grid) == 0.0
    assert distance(grid, grid + 25) == pytest.approx(0.25)
    assert distance(grid, grid + 1000) == 1.0
    near, far = [grid + k for k in range(3)], [grid + 50 + k for k in range(4)]
    assert split_rank(near, far)[:2] == (1, 35)
    assert split_rank([grid] * 2, [grid] * 3)[0] == 10


def test_measures_of_a_known_run():
    # all neurons fire every 20 ms, neuron 1 at intervals of 10 and 30 ms
    times = np.arange(210.0, 2200.0, 20.0)
    own = np.where(np.arange(len(times)) % 2, times - 10, times)
    size = N_E + N_I
    neurons = np.repeat(np.arange(size), len(times))
    all_times = np.tile(times, size)
    all_times[neurons == 1] = own
    found = measures(all_times, neurons)
    assert found["counts"].tolist() == [100] * size
    assert found["cv"][0] == 0 and found["cv"][1] == pytest.approx(0.5, abs=0.01)
    assert len(found["correlations"]) == PAIRED * (PAIRED - 1) // 2
    assert found["correlations"][1] == pytest.approx(1.0, abs=1e-3)


# -- the tools themselves -----------------------------------------------------------------------------------------

def test_own_random_numbers_are_what_they_always_were():
    assert uniform(1, 3).tolist() == [0.17601256256594233, 0.45906731214326846, 0.5252187108738771]
    drawn = uniform(7, 100_000)
    # mean of 1e5 numbers: standard deviation 0.0009; correlation of neighbours: 0.003
    assert abs(drawn.mean() - 0.5) < 0.005 and abs(np.corrcoef(drawn[1:], drawn[:-1])[0, 1]) < 0.02
    pre, post = pairs(3, 100, 200, 0.1)
    assert abs(len(pre) - 2000) < 200 and pre.max() < 100 and post.max() < 200 and np.all(np.diff(pre) >= 0)


def test_agreement_ends_at_the_first_other_spike():
    def run(*spikes):
        times, neurons = zip(*spikes) if spikes else ((), ())
        return Run({"E": ordered(times, neurons, 0.1, 100.0)}, {})

    one = run((1.0, 0), (5.0, 1), (50.0, 0))
    assert agree_until(one, run((1.0, 0), (5.0, 1), (50.0, 0)), 0.1, 100.0) == 100.0
    assert agree_until(one, run((1.0, 0), (5.0, 1), (50.1, 0)), 0.1, 100.0) == pytest.approx(50.0)
    assert agree_until(one, run((1.0, 0), (5.0, 1), (50.1, 0)), 0.1, 100.0, slack=1) == 100.0
    assert agree_until(one, run((1.0, 0), (5.0, 1)), 0.1, 100.0) == pytest.approx(50.0)
    assert agree_until(one, run((1.0, 0), (50.0, 0)), 0.1, 100.0) == pytest.approx(5.0)
    assert agree_until(one, run(), 0.1, 100.0) == pytest.approx(1.0)


def test_stored_files_are_small_and_say_what_they_are():
    import h5py

    for peer, title in (("brian2", "Brian2"), ("nest", "NEST")):
        for what in ("networks", "random"):
            assert file_of(peer, what).stat().st_size < 300_000
            with h5py.File(file_of(peer, what), "r") as file:
                assert file.attrs["simulator"] == title and file.attrs["version"]
        with h5py.File(file_of(peer), "r") as file:
            assert set(file) == set(RUNS[peer])


def test_cases_hold_what_their_names_say():
    varied = case_of("varied")
    assert any(len(np.unique(w.delay)) > 20 and len(np.unique(w.weight)) > 20 for w in varied.wires)
    assert len(varied.cells) == 3 and {w.rule.dendritic for w in case_of("stdp_dendritic").wires} == {True}
    # one description, one hash
    assert json.dumps(CASES["stdp"]().digest()) == json.dumps(case_of("stdp").digest()) != json.dumps(varied.digest())
