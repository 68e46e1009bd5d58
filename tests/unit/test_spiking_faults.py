"""What bad input to spiking networks gets: encoders outside their range, layers that never or always fire, too few steps."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from neurosim import learning, spiking
from neurosim.errors import NumericalWarning, ParameterError

X, LABELS = np.random.default_rng(0).random((60, 4)), np.arange(60) % 3


def trained(layer, epochs=2):
    """Return what was warned of while a network with a hidden layer learnt."""
    model = learning.build([learning.Repeat(10), layer, learning.Integrator(3)], inputs=4, seed=0)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        learning.train(model, X, LABELS, learning.categorical_cross_entropy, learning.Adam(0.001), epochs=epochs)
    return [w for w in warned if issubclass(w.category, NumericalWarning)]


@pytest.mark.parametrize("options, words", [
    ({"threshold": 1e6}, "layer 1 (Spiking) never fires: 0 spikes per neuron and step"),
    ({"threshold": 1e-9, "initial": lambda shape, rng: np.ones(shape)}, "layer 1 (Spiking) always fires: 1 spikes per"),
])
def test_training_tells_once_of_a_layer_that_never_or_always_fires(options, words):
    told = trained(learning.Spiking(8, **options))
    assert len(told) == 1 and f"after epoch 0, {words}" in str(told[0].message) and "threshold" in str(told[0].message)
    # the warning points at the caller
    assert told[0].filename == __file__


def test_training_is_silent_about_layers_that_fire():
    assert not trained(learning.Spiking(8)) and not trained(learning.Spiking(8, recurrent=True))


@pytest.mark.parametrize("code, words", [
    (lambda: spiking.rate_code([[0.2, 1.5]], 9), "the value 1.5 in row 0, column 1, is not from 0 to 1"),
    (lambda: spiking.latency_code([[-0.1]], 9), "the value -0.1 in row 0, column 0"),
    (lambda: spiking.population_code([[np.nan]]), "the value nan in row 0, column 0"),
    (lambda: spiking.rate_code([[0.5]], 9, probability="a"), "probability must lie from 0 to 1, not 'a'"),
    (lambda: spiking.rate_code([[0.5]], 9, seed=-1), "seed must be a whole number of at least 0, not -1"),
    (lambda: spiking.phase_code([[0.5]], 5, period=10), "5 steps are less than a period of 10"),
    (lambda: spiking.delta_code([[[0.0], [np.inf]]]), "the value inf in sample 0, step 1, column 0 is not finite"),
    (lambda: spiking.delta_code([[["a"]]]), "signals must be numbers"),
    (lambda: spiking.delta_code([[0.0, 1.0]]), r"shape \(1, 2\); samples of steps in rows"),
])
def test_values_outside_the_range_of_an_encoder_are_named(code, words):
    with pytest.raises(ParameterError, match=words):
        code()
