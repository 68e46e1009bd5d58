"""Descriptions of predictive coding are checked, answers have the right shapes, and figures show what they were given."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

from neurosim import predictive
from neurosim.errors import ParameterError
from neurosim.plot.predictive import inference_energy, layer_cosines
from neurosim.predictive import PredictiveNetwork

X, T = np.random.default_rng(0).random((6, 4)), np.array([0, 1, 2, 0, 1, 2])


@pytest.mark.parametrize(("arguments", "options", "message"), [
    ((5,), {}, "at least two positive integers"),
    (((5, 0, 2),), {}, r"not \(5, 0, 2\)"),
    (((5, 4, 2), "tahn"), {}, "no activation 'tahn'. Did you mean 'tanh'"),
    (((5, 4, 2), ("tanh", "relu")), {}, "2 activations for 1 hidden layers"),
    (((5, 2), "thna"), {}, "no activation 'thna'"),
    (((5, 4, 2),), dict(direction="generativ"), "Did you mean 'generative'"),
    (((5, 4, 2),), dict(output="sofmax"), "Did you mean 'softmax'"),
    (((5, 4, 2),), dict(feedback="random"), "feedback must be one of 'transposed', 'learned'"),
    (((5, 4, 2),), dict(nu=0), "nu of layer 0 must be positive"),
    (((5, 4, 2),), dict(nu=(1, 1, 1)), "nu must be a number, or 2 of them"),
    (((5, 4, 2),), dict(nu=(1, np.ones(3))), "nu of layer 1 must be positive, a number or 4"),
    (((5, 4, 2),), dict(nu=([1, 2], 1), output="softmax"), "all units of layer 0 have the same nu"),
    (((5, 4, 2),), dict(prior=-1.0), "prior must be a positive number"),
    (((5, 4, 2),), dict(prior_mean=np.nan), "prior_mean must be a finite number"),
    (((5, 4, 2),), dict(dtype="int64"), "dtype must be float64 or float32"),
])
def test_networks_that_cannot_be(arguments: tuple, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        PredictiveNetwork(*arguments, **options)


NET = PredictiveNetwork((4, 5, 3))


@pytest.mark.parametrize(("call", "message"), [
    (lambda: predictive.settle(NET), "Neither data nor label is given"),
    (lambda: predictive.settle(NET, X[:, :3], T), r"data: the network needs shape \(rows, 4\); given: \(6, 3\)"),
    (lambda: predictive.settle(NET, X[0], T), r"given: \(4,\) of float64"),
    (lambda: predictive.settle(NET, X, T[:4]), "data have 6 rows, label has 4"),
    (lambda: predictive.settle(NET, X, T + 1), "class numbers go from 0 to 2; found 1 to 3"),
    (lambda: predictive.settle(NET, X, T.astype(float)), "class numbers .integers. of shape"),
    (lambda: predictive.settle(NET, np.where(X > 0.9, np.nan, X), T), "row .*, column .* is nan. Give finite numbers, or say"),
    (lambda: predictive.settle(NET, [["a"]*4], [0]), "data: numbers are needed"),
    (lambda: predictive.settle(NET, X, data_known=np.ones(4)), "a bool array of shape"),
    (lambda: predictive.settle(NET, label=T, data_known=np.ones(4, bool)), "data_known is given without data"),
    (lambda: predictive.settle(NET, X, iterations=-1), "iterations must be an integer of at least 0"),
    (lambda: predictive.settle(NET, X, step=0.0), "step must be a positive number"),
    (lambda: predictive.settle(NET, X, tolerance=-1), "tolerance must be 0 or a positive number"),
    (lambda: predictive.settle(NET, X, start=predictive.settle(NET, X[:2], iterations=0)), "a state of another network"),
    (lambda: predictive.settle(PredictiveNetwork((4, 3), output="softmax"), X, np.eye(6, 3) + 1), "values lie between 0 and 1"),
    (lambda: predictive.settle(PredictiveNetwork((4, 3), output="softmax"), X, T, label_known=np.array([True, False, True])),
     "all values of a sample must be known, or none"),
    (lambda: predictive.changes(NET, X, None), "learning needs both ends"),
    (lambda: predictive.changes(NET, X[:0], T[:0]), "there are no samples"),
    (lambda: predictive.changes(NET, X, T, "zil"), "no schedule 'zil'. Did you mean 'z-il'"),
    (lambda: predictive.changes(NET, X, T, "z-il", iterations=5), "leave out iterations and step"),
    (lambda: predictive.backprop(NET, X, None), "a gradient needs both ends"),
    (lambda: predictive.train(NET, X, T, epochs=-1), "epochs must be"),
    (lambda: predictive.train(NET, X, T, batch=0), "batch must be a positive integer"),
    (lambda: predictive.train(NET, X, T, rate=-0.1), "rate must be a number of at least 0"),
    (lambda: predictive.train(NET, X, T, momentum=1.0), r"momentum must be a number in \[0, 1\)"),
    (lambda: predictive.train(NET, X[:0], T[:0]), "samples with data and label are needed"),
    (lambda: predictive.generate(NET, T, noise=True), "noise=True needs direction 'generative'"),
    (lambda: inference_energy(predictive.settle(NET, X, T, iterations=2)), "give record=True to settle"),
    (lambda: inference_energy(np.array([[np.nan]])), "NaN or infinity"),
    (lambda: inference_energy(np.empty((3, 0))), "energies has shape"),
    (lambda: layer_cosines([1.5]), "between -1 and 1"),
    (lambda: layer_cosines(np.ones((2, 2)), [1, 2, 3]), "x has shape"),
    (lambda: layer_cosines(np.ones(2), names=["a"]), "1 names for 2 layers"),
    (lambda: layer_cosines({"a": np.ones(2), "b": np.ones(3)}), "is needed"),
])
def test_what_is_wrong_is_said(call: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        call()


def test_sizes_go_from_data_to_label_and_layers_from_below() -> None:
    up = PredictiveNetwork((4, 6, 5, 3), ("relu", "tanh"), direction="generative", top_activation="logistic")
    down = PredictiveNetwork((4, 6, 5, 3), ("relu", "tanh"))
    assert up.layers == (4, 6, 5, 3) and down.layers == (3, 5, 6, 4)
    assert [a and a.name for a in up.activations] == [None, "relu", "tanh", "logistic"]
    assert [a and a.name for a in down.activations] == [None, "tanh", "relu", "identity"]
    assert [m.shape for m in up.M] == [(6, 4), (5, 6), (3, 5)] and [w.shape for w in up.W] == [(4, 6), (6, 5), (5, 3)]
    assert (up.data_end, up.label_end, down.data_end, down.label_end) == (0, 3, 3, 0)
    # feedback "transposed" is the same memory; learnt feedback is among the parameters
    assert all(np.shares_memory(m, w) for m, w in zip(up.M, up.W)) and len(up.parameters) == 6
    own = PredictiveNetwork((4, 5, 3), feedback="learned")
    assert len(own.parameters) == 6 and not np.shares_memory(own.M[0], own.W[0])
    assert repr(down) == "PredictiveNetwork((4, 6, 5, 3), direction='discriminative')"
    same, other = PredictiveNetwork((4, 5, 3), seed=0), PredictiveNetwork((4, 5, 3), seed=1)
    assert np.array_equal(same.M[0], NET.M[0]) and not np.array_equal(other.M[0], NET.M[0])


def test_unknown_names_of_the_package() -> None:
    with pytest.raises(AttributeError, match="Did you mean 'settle'"):
        predictive.setle  # noqa: B018
    assert {"settle", "train", "infill"} <= set(dir(predictive))


def test_figures() -> None:
    net = PredictiveNetwork((4, 5, 3))
    state = predictive.settle(net, X, T, iterations=12, record=True)
    ax = inference_energy(state, label="digits")
    np.testing.assert_allclose(ax.lines[-1].get_ydata(), state.energies.mean(axis=1))
    assert ax.get_yscale() == "log" and inference_energy(np.zeros(3)).get_yscale() == "linear"
    bars = layer_cosines(predictive.cosines(net, X, T))
    assert len(bars.patches) == 2 and bars.patches[0].get_height() <= 1
    lines = layer_cosines(np.array([[1, 0.5], [0.9, -0.2]]), [1, 10])
    np.testing.assert_allclose(lines.lines[1].get_ydata(), [0.5, -0.2])
    assert lines.get_ylim()[0] < -0.2
    both = layer_cosines({"rest": [0.9, 0.8], "z-il": [1, 1]}, names=["upper", "lower"])
    assert len(both.patches) == 4 and [t.get_text() for t in both.get_xticklabels()] == ["upper", "lower"]
    for ax in (bars, lines, both):
        ax.figure.savefig(io.BytesIO())
