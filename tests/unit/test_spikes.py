"""SpikeTrains: what it holds, how it is indexed, what it refuses, and that it copes with size."""

import sys
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.errors import MissingPackageError, ParameterError
from neurosim.simulator.spikes import SpikeTrains

pytestmark = pytest.mark.filterwarnings("error")


def example():
    times = [1.0, 2.0, 2.0, 3.5, 7.0, 9.0, 10.0]
    indices = [0, 2, 0, 2, 0, 2, 3]
    return SpikeTrains(times, indices, 5, 0.0, 10.0, "E", 0.5)


def test_arrays_of_the_right_type_are_shared_and_locked():
    times, indices = np.array([1.0, 2.0]), np.array([1, 0], np.int32)
    trains = SpikeTrains(times, indices, 2, stop=5.0)
    assert np.shares_memory(trains.times, times) and np.shares_memory(trains.indices, indices)
    assert times.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        trains.times[0] = 3.0
    with pytest.raises(ValueError, match="read-only"):
        trains[0][:] = 3.0


def test_types_are_converted_and_order_is_restored_stably():
    trains = SpikeTrains([5, 1, 5, 1], [3.0, 2.0, 1.0, 0.0], 4, stop=6)
    assert trains.times.dtype == np.float64 and trains.indices.dtype == np.int32
    assert trains.times.tolist() == [1, 1, 5, 5] and trains.indices.tolist() == [2, 0, 3, 1]


def test_access_by_neuron():
    trains = example()
    assert trains[0].tolist() == [1.0, 2.0, 7.0] and trains[1].tolist() == []
    assert trains[2].tolist() == [2.0, 3.5, 9.0] and trains[np.int64(3)].tolist() == [10.0]
    assert trains[-2].tolist() == [10.0] and trains[-5].tolist() == trains[0].tolist()
    assert [t.tolist() for t in trains] == [trains[k].tolist() for k in range(5)]
    assert len(trains) == 7
    for k in (5, -6):
        with pytest.raises(ParameterError, match=f"no neuron {k} among 5"):
            trains[k]


def test_slices_masks_and_lists_select_and_renumber():
    trains = example()
    part = trains[2:4]
    assert part.size == 2 and part.times.tolist() == [2.0, 3.5, 9.0, 10.0]
    assert part.indices.tolist() == [0, 0, 0, 1]
    assert (part.start, part.stop, part.name, part.dt) == (0.0, 10.0, "E", 0.5)
    assert trains[np.array([False, False, True, True, False])].equals(part)
    assert trains.select([2, 3]).equals(part) and trains[[-3, -2]].equals(part)
    assert [t.tolist() for t in trains[::-1]] == [t.tolist() for t in trains][::-1]
    twice = trains.select([0, 0])
    assert twice.indices.tolist() == [0, 1, 0, 1, 0, 1]
    assert trains.select([]).size == 0 and len(trains.select([])) == 0
    assert trains.select(3)[0].tolist() == [10.0]
    for wrong in ([5], [-6], [0.5], [[0]], np.array([True]), "a", None):
        with pytest.raises(ParameterError):
            trains.select(wrong)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 6)), max_size=40),
    st.lists(st.integers(-7, 6), max_size=9),
)
def test_access_agrees_with_plain_lists(pairs, chosen):
    trains = SpikeTrains([t for t, _ in pairs], [i for _, i in pairs], 7, stop=50.0)
    twin = [sorted(float(t) for t, i in pairs if i == k) for k in range(7)]
    assert [t.tolist() for t in trains] == twin
    picked = trains.select(chosen)
    assert [t.tolist() for t in picked] == [twin[k] for k in chosen]
    assert np.all(np.diff(picked.times) >= 0)


def test_windows_are_half_open_and_the_end_of_the_record_is_in():
    trains = example()
    assert trains.counts().tolist() == [3, 0, 3, 1, 0]
    assert trains.counts(2.0, 7.0).tolist() == [1, 0, 2, 0, 0]
    assert trains.counts(7.0).tolist() == trains.counts(7.0, 10.0).tolist() == [1, 0, 1, 1, 0]
    parts = [trains.counts(*window) for window in ((0, 2), (2, 7), (7, 10))]
    assert sum(parts).tolist() == trains.counts().tolist()
    assert trains.rates(0.0, 4.0) == pytest.approx([500.0, 0.0, 500.0, 0.0, 0.0])
    part = trains.window(2.0, 7.0)
    assert (part.start, part.stop, part.size) == (2.0, 7.0, 5) and part.times.tolist() == [2.0, 2.0, 3.5]
    assert part.counts().tolist() == trains.counts(2.0, 7.0).tolist()
    assert trains.window().equals(trains)


def test_times_on_a_grid_fall_on_the_right_side_of_an_edge():
    # 3 * 0.1 is 0.30000000000000004: every step k belongs to the window that starts at the decimal k/10.
    steps = np.arange(10001)
    trains = SpikeTrains(steps * 0.1, np.zeros(steps.size, np.int32), 1, stop=1000.0)
    for k in range(0, 9990, 37):
        edge = float(f"{k // 10}.{k % 10}")
        assert trains.window(edge, edge + 0.5).times.size == 5
    assert SpikeTrains([3 * 0.1], [0], 1, stop=0.3).counts().tolist() == [1]
    # 3 * 0.7 is 2.0999999999999996: on the other side of its decimal.
    below = SpikeTrains([0.7, 3 * 0.7], [0, 0], 1, stop=5.0)
    assert below.counts(2.1, 3.0).tolist() == below.counts(0.0, 2.1).tolist() == [1]


def test_a_window_outside_the_record_is_refused():
    trains = example()
    for window in ((-1.0, 5.0), (5.0, 11.0)):
        with pytest.raises(ParameterError, match="beyond what was recorded"):
            trains.rates(*window)
    for window in ((5.0, 5.0), (6.0, 5.0), (10.0, None)):
        with pytest.raises(ParameterError, match="stop greater than start"):
            trains.rates(*window)
    with pytest.raises(ParameterError, match="finite"):
        trains.rates(np.nan)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(times=[1.0, np.nan], indices=[0, 0]), "NaN"),
        (dict(times=[1.0, np.inf], indices=[0, 0]), "NaN or infinity"),
        (dict(times=[1.0], indices=[0, 0]), "1 times but 2 indices"),
        (dict(times=[[1.0]], indices=[0]), "shape"),
        (dict(times=[1.0], indices=[2]), "index 2 is out of range"),
        (dict(times=[1.0], indices=[-1]), "index -1 is out of range"),
        (dict(times=[1.0], indices=[0.5]), "whole numbers"),
        (dict(times=["a"], indices=[0]), "type"),
        (dict(times=[11.0], indices=[0]), "outside the window"),
        (dict(times=[-1.0], indices=[0]), "outside the window"),
        (dict(times=[], indices=[], stop=None), "stop is missing"),
        (dict(times=[], indices=[], stop=-1.0), "stop"),
        (dict(times=[], indices=[], size=-1), "size"),
        (dict(times=[], indices=[], size=1.5), "size"),
        (dict(times=[], indices=[], dt=0.0), "dt"),
    ],
)
def test_wrong_input_is_refused_with_the_reason(arguments, message):
    with pytest.raises(ParameterError, match=message):
        SpikeTrains(**{"size": 2, "stop": 10.0, **arguments})


def test_no_spikes_no_neurons_no_time():
    silent = SpikeTrains([], [], 3, stop=10.0)
    assert silent.rates().tolist() == [0, 0, 0] and silent.counts().dtype.kind == "i"
    assert np.isnan(silent.cv_isi()).all() and np.isnan(silent.cv2()).all() and np.isnan(silent.lv()).all()
    assert np.isnan(silent.fano(2.0)).all() and np.isnan(silent.rates_from_isi()).all()
    assert silent.rates_from_isi(silent=0.0).tolist() == [0, 0, 0]
    assert np.isnan(silent.correlation(1.0)).all() and silent.correlation(1.0).shape == (3, 3)
    assert silent.population_rate(1.0)[1].tolist() == [0.0] * 10
    assert silent.isi().size == 0 and silent.isi(1).size == 0 and [t.size for t in silent] == [0, 0, 0]
    nobody = SpikeTrains([], [], 0, stop=10.0)
    assert nobody.rates().shape == nobody.cv_isi().shape == nobody.fano(1.0).shape == (0,)
    assert nobody.correlation(1.0).shape == (0, 0) and list(nobody) == []
    assert np.isnan(nobody.population_rate(5.0)[1]).all()
    with pytest.raises(ParameterError, match="no neuron 0"):
        nobody[0]
    instant = SpikeTrains([], [], 2, start=5.0, stop=5.0)
    assert repr(instant) == "<SpikeTrains 0 spikes of 2 neurons, 5 to 5 ms>"
    with pytest.raises(ParameterError, match="empty"):
        instant.rates()


def test_measures_delegate():
    trains = SpikeTrains.from_trains([[10, 20, 40, 50, 90], [], [5.0]], stop=100.0)
    assert trains.size == 3 and len(trains) == 6
    intervals = np.array([10.0, 20.0, 10.0, 40.0])
    assert trains.isi(0).tolist() == trains.isi().tolist() == intervals.tolist()
    assert trains.isi(0, 15.0, 60.0).tolist() == [20.0, 10.0]
    assert trains.cv_isi() == pytest.approx([intervals.std() / intervals.mean(), np.nan, np.nan], nan_ok=True)
    assert trains.cv2() == pytest.approx([(2 / 3 + 2 / 3 + 6 / 5) / 3, np.nan, np.nan], nan_ok=True)
    assert trains.lv() == pytest.approx([(1 / 3 + 1 / 3 + 27 / 25) / 3, np.nan, np.nan], nan_ok=True)
    assert trains.rates_from_isi() == pytest.approx([50.0, np.nan, np.nan], nan_ok=True)
    times, rate = trains.population_rate(50.0)
    assert times.tolist() == [25.0, 75.0] and rate == pytest.approx([4 / 3 * 20, 2 / 3 * 20])
    assert trains.fano(50.0) == pytest.approx([0.5 / 2.5, np.nan, 0.5 / 0.5], nan_ok=True)
    assert trains.correlation(50.0)[0, 2] == pytest.approx(1.0)
    for wrong in (True, 0.0, "a"):
        with pytest.raises(ParameterError, match="not the id"):
            trains.isi(wrong)


def test_equality_by_content_and_repr():
    trains = example()
    assert trains.equals(example()) and trains != example()
    assert not trains.equals(trains.window(0.0, 9.5)) and not trains.equals(None)
    assert not trains.equals(SpikeTrains(trains.times, trains.indices, 6, 0.0, 10.0))
    assert not trains.equals(SpikeTrains(np.nextafter(trains.times, 0.0), trains.indices, 5, 0.0, 10.0))
    assert repr(trains) == "<SpikeTrains 'E', 7 spikes of 5 neurons, 0 to 10 ms, 140 Hz>"


def test_a_million_spikes_of_a_hundred_thousand_neurons():
    rng = np.random.default_rng(7)
    size, count = 100_000, 1_000_000
    times = np.sort(rng.uniform(0.0, 1000.0, count))
    indices = rng.integers(0, size, count).astype(np.int32)
    trains = SpikeTrains(times, indices, size, stop=1000.0)
    begun = time.perf_counter()
    assert trains.rates(0.0, 1000.0).sum() == pytest.approx(1e6)
    trains.cv_isi(), trains.cv2(), trains.lv(), trains.fano(50.0), trains.population_rate(1.0)
    first = trains[99_999]
    # About 0.5 s; ten times that still rules out a Python loop over the neurons of every measure.
    assert time.perf_counter() - begun < 5.0
    assert np.array_equal(first, times[indices == 99_999])
    begun = time.perf_counter()
    for k in range(0, size, 100):
        trains[k]
    # 1000 slices take about 1 ms; sorting anew each time would take over 30 s.
    assert time.perf_counter() - begun < 1.0


@pytest.mark.parametrize(
    ("method", "package", "extra"), [("to_dataframe", "pandas", "data"), ("to_neo", "neo", "neo")]
)
def test_a_missing_package_is_named_with_the_command(monkeypatch, method, package, extra):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingPackageError, match=rf"pip install 'neurosim\[{extra}\]'") as caught:
        getattr(example(), method)()
    assert isinstance(caught.value, ImportError)


@pytest.mark.peers
def test_to_dataframe():
    pytest.importorskip("pandas")
    frame = example().to_dataframe()
    assert list(frame.columns) == ["time", "neuron"] and len(frame) == 7
    assert frame.groupby("neuron")["time"].apply(list).to_dict() == {
        0: [1.0, 2.0, 7.0],
        2: [2.0, 3.5, 9.0],
        3: [10.0],
    }
    assert frame.attrs["size"] == 5 and frame.attrs["stop"] == 10.0


@pytest.mark.peers
@pytest.mark.filterwarnings("default")
def test_to_neo_and_quantities_back():
    pytest.importorskip("neo")
    trains = example()
    exported = trains.to_neo()
    assert len(exported) == 5
    for k, train in enumerate(exported):
        assert train.rescale("ms").magnitude.tolist() == trains[k].tolist()
        assert str(train.dimensionality) == "ms"
        assert (float(train.t_start), float(train.t_stop)) == (0.0, 10.0)
        assert train.annotations["neuron"] == k
    back = SpikeTrains.from_trains([t.rescale("s") for t in exported], stop=10.0)
    assert back.counts().tolist() == trains.counts().tolist()
    # From s to ms and back costs a rounding of 1 ulp or two.
    assert back.times == pytest.approx(trains.times, rel=1e-14)
