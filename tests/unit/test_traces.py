"""Trace: what it holds, access by neuron id, interpolation in time, and the exports."""

import sys

import numpy as np
import pytest

from neurosim.errors import MissingPackageError, NeurosimWarning, ParameterError
from neurosim.simulator.traces import Trace

pytestmark = pytest.mark.filterwarnings("error")


def example(unit="mV"):
    times = np.arange(5) * 0.5
    values = np.stack([times**2, 10.0 - times, np.zeros(5)], axis=1)
    return Trace(times, values, [7, 0, 3], "v", unit, "E", "probe")


def test_columns_are_found_by_neuron_id():
    trace = example()
    assert trace[7].tolist() == [0.0, 0.25, 1.0, 2.25, 4.0] and trace[0].tolist() == [10, 9.5, 9, 8.5, 8]
    assert len(trace) == 5 and [c.tolist() for c in trace] == [trace[k].tolist() for k in (7, 0, 3)]
    for wrong in (1, -1, True, 0.0, "a", slice(None)):
        with pytest.raises(ParameterError, match="Recorded: 7, 0, 3"):
            trace[wrong]
    assert repr(trace) == "<Trace 'probe': v of 'E' in mV, 5 times x 3 neurons, 0 to 2 ms>"


def test_arrays_are_not_copied_and_one_column_may_be_flat():
    times, values = np.arange(3.0), np.zeros((3, 2))
    trace = Trace(times, values)
    assert np.shares_memory(trace.times, times) and np.shares_memory(trace.values, values)
    assert trace.neurons.tolist() == [0, 1]
    flat = Trace([0, 1, 2], np.array([1, 2, 3], np.float32), variable="w")
    assert flat.values.shape == (3, 1) and flat.values.dtype == np.float32 and flat.times.dtype == np.float64


def test_at_interpolates():
    trace = example()
    assert trace.at(0.5).tolist() == [0.25, 9.5, 0.0]
    # Between 1.0 and 1.5: 1 + 0.4 * 1.25 and 9 - 0.4 * 0.5.
    assert trace.at(1.2) == pytest.approx([1.5, 8.8, 0.0], rel=1e-14)
    assert trace.at([0.0, 2.0]).tolist() == [[0.0, 10.0, 0.0], [4.0, 8.0, 0.0]]
    assert trace.at(1.2, "previous").tolist() == [1.0, 9.0, 0.0]
    assert trace.at(1.3, "nearest").tolist() == [2.25, 8.5, 0.0]
    assert trace.at([]).shape == (0, 3)
    for outside in (-0.1, 2.1, [1.0, 3.0]):
        with pytest.raises(ParameterError, match="outside the recorded times, 0 to 2 ms"):
            trace.at(outside)
    for wrong in (np.nan, "a", [[1.0]]):
        with pytest.raises(ParameterError, match="t must be"):
            trace.at(wrong)
    with pytest.raises(ParameterError, match="Did you mean 'linear'"):
        trace.at(1.0, "liner")


def test_at_meets_samples_on_a_grid():
    times = np.arange(3001) * 0.1
    trace = Trace(times, np.arange(3001))
    for k in range(0, 3001, 7):
        edge = float(f"{k // 10}.{k % 10}")
        assert trace.at(edge, "previous").tolist() == [k]
        # The slope is 10 per ms and the rounding of a time below 300 ms is 6e-14 ms.
        assert trace.at(edge) == pytest.approx([k], abs=1e-12)


def test_at_keeps_nan_to_itself():
    trace = Trace([0.0, 1.0, 2.0], [1.0, 2.0, np.nan])
    assert trace.at(1.0).tolist() == [2.0] and np.isnan(trace.at(1.5)).all() and np.isnan(trace.at(2.0)).all()
    assert Trace([3.0], [[5.0]]).at(3.0).tolist() == [5.0]
    with pytest.raises(ParameterError, match="nothing was recorded"):
        Trace([], np.zeros((0, 2))).at(0.0)


def test_select_and_window():
    trace = example()
    part = trace.select([3, 7])
    assert part.neurons.tolist() == [3, 7] and part[7].tolist() == trace[7].tolist()
    assert trace.select(0).values.shape == (5, 1)
    assert (part.variable, part.unit, part.population, part.name) == ("v", "mV", "E", "probe")
    assert trace.window(0.5, 1.5).times.tolist() == [0.5, 1.0]
    assert trace.window(1.5).times.tolist() == [1.5, 2.0] and trace.window().equals(trace)
    assert len(trace.window(3.0)) == 0
    with pytest.raises(ParameterError, match="greater than start"):
        trace.window(1.0, 1.0)


def test_step_and_equality():
    assert example().step == 0.5 and Trace([0.0, 1.0, 3.0], np.zeros(3)).step is None
    assert Trace([1.0], [0.0]).step is None
    assert Trace(np.arange(1001) * 0.1, np.zeros(1001)).step == pytest.approx(0.1)
    assert example().equals(example()) and not example().equals(example("nA")) and not example().equals(1)
    nan = Trace([0.0], [np.nan])
    assert nan.equals(Trace([0.0], [np.nan])) and not nan.equals(Trace([0.0], [0.0]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0.0, 1.0], [[1.0]]), "do not fit 2 times"),
        (([0.0, 0.0], [1.0, 2.0]), "ascend"),
        (([1.0, 0.0], [1.0, 2.0]), "ascend"),
        (([0.0, np.nan], [1.0, 2.0]), "finite"),
        (([[0.0]], [1.0]), "shape"),
        (([0.0], ["a"]), "type"),
        (([0.0], [1j]), "type"),
        (([0.0], np.zeros((1, 1, 1))), "shape"),
        (([0.0], [[1.0, 2.0]], [0]), "2 columns"),
        (([0.0], [[1.0, 2.0]], [4, 4]), "twice"),
        (([0.0], [1.0], [0.5]), "whole number"),
    ],
)
def test_wrong_input_is_refused_with_the_reason(arguments, message):
    with pytest.raises(ParameterError, match=message):
        Trace(*arguments)


def test_empty_traces():
    assert len(Trace([], [])) == 0
    nobody = Trace([0.0, 1.0], np.zeros((2, 0)))
    assert nobody.neurons.size == 0 and nobody.at(0.5).shape == (0,)
    with pytest.raises(ParameterError, match=r"Recorded: \(none\)"):
        nobody[0]


def test_spikes_of_a_trace():
    times = np.arange(0.0, 100.0, 0.1)
    v = np.full((times.size, 2), -65.0)
    for peak in (20.03, 50.0, 81.27):
        v[:, 1] = np.maximum(v[:, 1], 30.0 - 100.0 * (times - peak) ** 2)
    spikes = Trace(times, v, [4, 9], "v", "mV", "E").detect_spikes(threshold=0.0)
    assert spikes.size == 2 and spikes[0].size == 0 and spikes.name == "E"
    # The peaks are parabolas, of which three samples give the vertex; what is left is rounding.
    assert spikes[1] == pytest.approx([20.03, 50.0, 81.27], abs=1e-9)
    with pytest.raises(ParameterError, match="fewer than two samples"):
        Trace([0.0], [0.0]).detect_spikes()


@pytest.mark.parametrize(
    ("method", "package", "extra"),
    [("to_dataframe", "pandas", "data"), ("to_xarray", "xarray", "data"), ("to_neo", "neo", "neo")],
)
def test_a_missing_package_is_named_with_the_command(monkeypatch, method, package, extra):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingPackageError, match=rf"pip install 'neurosim\[{extra}\]'"):
        getattr(example(), method)()


@pytest.mark.peers
def test_to_dataframe():
    pytest.importorskip("pandas")
    trace = example()
    frame = trace.to_dataframe()
    assert list(frame.columns) == ["time", "neuron", "value"] and len(frame) == 15
    table = frame.pivot(index="time", columns="neuron", values="value")
    for k in (7, 0, 3):
        assert table[k].tolist() == trace[k].tolist()
    assert frame.attrs == {"variable": "v", "unit": "mV", "population": "E", "name": "probe"}


@pytest.mark.peers
def test_to_xarray():
    pytest.importorskip("xarray")
    array = example().to_xarray()
    assert array.dims == ("time", "neuron") and array.name == "v"
    assert array.attrs["units"] == "mV" and array.time.attrs["units"] == "ms"
    assert float(array.sel(time=1.5, neuron=7)) == 2.25


@pytest.mark.peers
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("unit", ["mV", "nA", "uS", "MOhm", "uA/cm2", "mS/cm2", "uF/cm2", "Hz", "1/ms", ""])
def test_to_neo(unit):
    pytest.importorskip("neo")
    signal = example(unit).window(0.5).to_neo()
    assert type(signal).__name__ == "AnalogSignal" and signal.shape == (4, 3)
    assert float(signal.sampling_rate.rescale("Hz")) == 2000.0 and float(signal.t_start.rescale("ms")) == 0.5
    assert signal.magnitude[:, 0].tolist() == [0.25, 1.0, 2.25, 4.0]
    assert signal.annotations["unit"] == unit and signal.annotations["neurons"].tolist() == [7, 0, 3]
    assert (signal.dimensionality.string == "dimensionless") == (unit == "")


@pytest.mark.peers
def test_to_neo_unevenly_sampled_or_of_unknown_unit():
    neo = pytest.importorskip("neo")
    uneven = Trace([0.0, 1.0, 3.0], [1, 2, 3], variable="count").to_neo()
    assert isinstance(uneven, neo.IrregularlySampledSignal)
    assert uneven.times.rescale("ms").magnitude.tolist() == [0.0, 1.0, 3.0]
    with pytest.warns(NeurosimWarning, match="no unit 'furlong2'"):
        odd = example("furlong2").to_neo()
    assert odd.annotations["unit"] == "furlong2"
