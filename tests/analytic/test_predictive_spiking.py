"""Value and error nodes made of spiking neurons settle where the rate form does, within the noise of their decoders."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurosim import predictive
from neurosim.errors import ParameterError
from neurosim.predictive import PredictiveNetwork

RNG = np.random.default_rng(1)
DATA, LABEL = RNG.random((1, 3)), RNG.random((1, 2))


def network(sizes=(3, 4, 2), **options: Any) -> PredictiveNetwork:
    net = PredictiveNetwork(sizes, seed=2, **options)
    for beta in net.beta:
        beta[:] = np.random.default_rng(9).normal(0, 0.3, beta.shape)
    return net


def distances(net: PredictiveNetwork, given: dict[str, Any], **options: Any) -> np.ndarray:
    """What is decoded less what the rate form gives, for all free values and all errors."""
    wanted = predictive.settle(net, **given, iterations=3000, step=0.05, backtracking=False)
    found = predictive.spiking(net, **given, **options)
    return np.concatenate([a - b[0] for a, b in zip(found.x + found.e, wanted.x + wanted.e)])


# Ensembles of 200 neurons decode a number with an error of about 1 % of their radius, of 400 two numbers with 2 %; a fixed
# point that feeds back on itself has a few times that. Six seeds of each case gave an RMS of 0.016 to 0.021, at most 0.064.
TOLERANCE = 0.1


@pytest.mark.parametrize(("options", "given"), [
    (dict(nu=(1, 0.5)), dict(data=DATA, label=LABEL)),
    (dict(direction="generative", prior=1.0), dict(data=DATA)),
    (dict(direction="generative", sizes=(3, 3, 3, 2)), dict(data=DATA, label=LABEL, data_known=np.array([True, False, True]))),
], ids=str)
def test_spiking_populations_settle_where_rates_do(options: dict[str, Any], given: dict[str, Any]) -> None:
    assert np.abs(distances(network(**options), given)).max() < TOLERANCE


def test_more_neurons_are_nearer() -> None:
    """Distortion and noise fall with the number of neurons: a factor 16 must halve the distance at least (in theory 1/4)."""
    net, given = network(), dict(data=DATA, label=LABEL)
    rms = [np.sqrt(np.mean([distances(net, given, neurons=n, seed=s)**2 for s in range(3)])) for n in (25, 400)]
    assert rms[1] < rms[0]/2


def test_spikes_traces_and_answers_are_there() -> None:
    net = network(direction="generative")
    found = predictive.spiking(net, 200, label=LABEL, neurons=30, average=50)
    np.testing.assert_allclose(found.label, LABEL[0])
    np.testing.assert_allclose(found.data, predictive.generate(net, LABEL)[0], atol=0.5)
    assert found.result["x1"].values.shape == (200, 8) and found.errors[0] is None and found.errors[1] is not None
    assert found.n_neurons == 4*60 + 4*30
    assert sum(len(s) for s in found.result.spikes.values()) > 100


def test_what_cannot_be_spiking_is_refused() -> None:
    with pytest.raises(ParameterError, match="one sample at a time settles, not 2"):
        predictive.spiking(network(), data=np.tile(DATA, (2, 1)))
    with pytest.raises(ParameterError, match="must have output 'linear'"):
        predictive.spiking(network(output="softmax"), data=DATA)
    with pytest.raises(ParameterError, match="of layer 2 all values must be known, or none"):
        predictive.spiking(network(), data=DATA, data_known=np.array([True, False, True]), label=LABEL)
    with pytest.raises(ParameterError, match="average=20 ms is longer than the run"):
        predictive.spiking(network(), 10, data=DATA, average=20)
    with pytest.raises(ParameterError, match="radii must be two positive numbers"):
        predictive.spiking(network(), 10, data=DATA, radii=(1, 0))
