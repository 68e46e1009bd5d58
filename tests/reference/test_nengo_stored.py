"""Networks of ensembles against the runs of Nengo that are stored in data/reference/nengo.h5.

Encoders, gains, biases, evaluation points and inputs are the same on both sides, and so are the steps (`nengo_cases`): decoders
and, with rates, outputs must agree to rounding; with spikes, all of them must fall into the same steps.
"""

from __future__ import annotations

from functools import cache
from itertools import combinations
from math import comb

import numpy as np
import pytest
from nengo_cases import FILE, Case, Filter, Run, Stored, directions, error, group, ideal, read_stored
from nengo_networks import CASES, FUNCTIONS, OURS, SEEDS, curve, fourier_products
from nengo_ours import decoders, run

EPS = np.finfo(float).eps
#: With rates, two runs differ by that of their decoders (see `test_decoders`), 1e-12 relative to them, of which little is left
#: in the decoded value.  The butterfly parts by exp(0.9) in a unit of time, 20 of which are run.
ROUNDING = 1e-11
RATES = {"attractor": 1e-12 * float(np.exp(0.9 * 20))}


@cache
def case_of(name: str) -> Case:
    return CASES[name]()


@cache
def stored(name: str) -> Stored:
    found = read_stored(name)
    assert found.digest == case_of(name).digest(), "The stored run is stale: run data/reference/make_nengo_reference.py."
    return found


@cache
def ours(name: str, mode: str) -> Run:
    return run(case_of(name), mode)


def kept(name: str, values: np.ndarray) -> np.ndarray:
    """Return the values at the times that are stored."""
    every = stored(name).every
    return values[every - 1::every]


@pytest.mark.parametrize("name", [n for n in CASES if case_of(n).decoded])
def test_decoders(name):
    # (A'A + m s^2) D = A'Y with s = 0.1 max A: |A|^2 <= n m max^2, so that the condition number is at most 1 + 100 n, and a
    # solver that is backward stable errs by it times the rounding
    case, found = case_of(name), decoders(case_of(name))
    assert found.keys() == stored(name).spiking.decoders.keys()
    for key, theirs in stored(name).spiking.decoders.items():
        assert found[key].shape == theirs.shape
        n = max(len(g.gain) for g in case.groups)
        assert np.linalg.norm(found[key] - theirs) <= (1 + 100 * n) * EPS * np.linalg.norm(theirs)


@pytest.mark.parametrize("name", CASES)
def test_outputs_with_rates_agree_to_rounding(name):
    for probe, theirs in stored(name).rate.outputs.items():
        mine = kept(name, ours(name, "rate").outputs[probe])
        assert mine.shape == theirs.shape
        assert np.max(np.abs(mine - theirs)) < RATES.get(name, ROUNDING) * max(1.0, np.max(np.abs(theirs)))


@pytest.mark.parametrize("name", CASES)
def test_spikes_fall_into_the_same_steps(name):
    # v is the same to 1e-12, and so near to its threshold comes one spike in 1e10
    until = stored(name).spikes_until
    for key, (steps, neurons) in stored(name).spiking.spikes.items():
        mine, who = ours(name, "spiking").spikes[key]
        early = mine < until
        assert len(steps) > 50
        np.testing.assert_array_equal(mine[early], steps)
        np.testing.assert_array_equal(who[early], neurons)


@pytest.mark.parametrize("name", CASES)
def test_outputs_with_spikes(name):
    # to the single precision in which they are stored, even of the butterfly: it has the spikes of Nengo to the end
    for probe, theirs in stored(name).spiking.outputs.items():
        mine = kept(name, ours(name, "spiking").outputs[probe])
        assert np.max(np.abs(mine - theirs)) < 1e-6 * max(1.0, np.max(np.abs(theirs)))


@cache
def our_errors(name: str) -> list[float]:
    cases = [CASES[name](k) for k in OURS]
    return [error(c, run(c).outputs, FUNCTIONS) for c in cases]


def share_as_bad(mine, theirs) -> float:
    """Return the share of all splits into groups of these sizes in which the first has a mean as large as here."""
    values = np.r_[mine, theirs]
    means = np.array([values[list(chosen)].mean() for chosen in combinations(range(len(values)), len(mine))])
    return float(np.mean(means >= np.mean(mine) - 1e-12))


@pytest.mark.parametrize("name", CASES)
def test_errors_are_no_larger(name):
    # four draws of ours, other ones than Nengo's eight.  Are all of one kind, ours are the four worst in one of 495 splits:
    # false alarms in 0.2 % for a case, in less than 3 % for all of them.  Seeds are fixed.
    assert comb(len(OURS) + len(SEEDS), len(OURS)) == 495 and len(CASES) * 1 / 495 < 0.03
    assert share_as_bad(our_errors(name), stored(name).errors["spiking"]) > 1.5 / 495


def test_errors_of_the_same_draw():
    for name in CASES:
        case, theirs = case_of(name), stored(name).errors
        for mode in ("rate", "spiking"):
            assert error(case, ours(name, mode).outputs, FUNCTIONS) == pytest.approx(theirs[mode][0], rel=1e-4)


def test_curve_of_learning():
    case, theirs = case_of("learning"), stored("learning").learning
    assert theirs.shape == (len(SEEDS), 16)
    # Nengo learns: from 2 |x| to a quarter of it
    assert theirs[:, -1].mean() < 0.35 * theirs[:, 0].mean()
    mine = curve(case, ours("learning", "spiking").outputs)
    # the same decoders at the start, the same spikes: the same curve
    np.testing.assert_allclose(mine, theirs[0], rtol=1e-6)
    others = [curve(c, run(c).outputs) for c in (CASES["learning"](k) for k in OURS)]
    # all windows together, as above: 0.2 %
    assert share_as_bad([c.mean() for c in others], theirs.mean(axis=1)) > 1.5 / 495


# -- the judgement itself ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("what", ["gain", "bias", "encoders"])
def test_a_wrong_parameter_is_seen(what):
    # one neuron in fifty a thousandth off
    from dataclasses import replace

    case = case_of("channel")
    a = case.part("a")
    values = getattr(a, what).copy()
    values[::50] *= 1.001 if what != "encoders" else -1.0
    other = replace(case, parts=tuple(replace(p, **{what: values}) if p is a else p for p in case.parts))
    theirs = stored("channel").rate.outputs["b"]
    assert np.max(np.abs(kept("channel", run(other, "rate").outputs["b"]) - theirs)) > 1e5 * ROUNDING


def test_shares_of_known_samples():
    assert share_as_bad([5.0, 6.0], [1.0, 2.0, 3.0]) == 0.1
    assert share_as_bad([1.0, 2.0], [3.0, 4.0, 5.0]) == 1.0
    assert share_as_bad([1.0], [1.0, 1.0]) == 1.0


@pytest.mark.parametrize(("kind", "poles"), [("lowpass", 1), ("alpha", 2)])
def test_filter_of_the_ideal(kind, poles):
    # step response: 1 - e^{-t/tau}, for two poles 1 - e^{-t/tau} (1 + t/tau)
    tau, dt = 7.0, 1.0
    f, t = Filter(kind, tau, dt, 1), dt * np.arange(1, 51)
    seen = []
    for _ in t:
        f.push(np.ones(1))
        seen.append(f.value[0])
    np.testing.assert_allclose(seen, 1 - np.exp(-t / tau) * (1 if poles == 1 else 1 + t / tau), rtol=0, atol=1e-13)


@pytest.mark.parametrize("d", [2, 4, 5, 8])
def test_products_of_fourier_transforms_are_a_circular_convolution(d):
    left, right, back = fourier_products(d)
    a, b = directions(1, 2, d)
    pairs = (left @ a + right @ b).reshape(-1, 2)
    expected = [sum(a[i] * b[(k - i) % d] for i in range(d)) for k in range(d)]
    np.testing.assert_allclose(back @ pairs.prod(axis=1), expected, atol=1e-5)


def test_ideal_of_an_integrator_is_the_integral():
    case = case_of("integrator")
    u = case.part("u").values[:, 0]
    # held from 400 to 700 ms: what the filter of the probe shows of it at the end of that
    assert ideal(case, FUNCTIONS)["a"][690, 0] == pytest.approx(u[:690].sum() * case.dt / 1000, rel=0.006)


def test_drawn_groups_have_the_curves_that_were_asked_for():
    g = group(3, "g", 200, 3, radius=2.0)
    np.testing.assert_allclose(np.linalg.norm(g.encoders, axis=1), 1.0, rtol=1e-14)
    assert np.all(np.linalg.norm(g.points, axis=1) <= 2.0)
    top = g.gain + g.bias
    rates = 1000 / (2.0 + 20.0 * np.log(top / (top - 1)))
    assert np.all((rates > 199) & (rates < 401)) and rates.std() > 40
    intercepts = (1 - g.bias) / g.gain
    assert np.all((intercepts > -1.001) & (intercepts < 0.901))


def test_stored_file_is_small_and_says_what_it_is():
    import h5py

    assert FILE.stat().st_size < 1_000_000
    with h5py.File(FILE, "r") as file:
        assert file.attrs["simulator"] == "Nengo" and file.attrs["version"].startswith("4.")
        assert set(file) == set(CASES)
