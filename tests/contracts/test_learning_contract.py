"""One contract for every layer: shapes as announced, gradients of all weights and of the inputs, seeds, dtypes."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim import autodiff as ad
from neurosim import learning as nl
from neurosim.learning.dense import FUSED
from neurosim.learning.layers import ACTIVATIONS

LAYERS = {
    **{f"dense {a}": (nl.Dense(3, a), (4,)) for a in ACTIVATIONS if a != "heaviside"},
    "dense of a function": (nl.Dense(3, ad.sin), (4,)), "dense without bias": (nl.Dense(3, "tanh", bias=False), (4,)),
    "dense over time": (nl.Dense(3, "logistic"), (5, 4)), "activation": (nl.Activation("softplus"), (4,)),
    "linear": (nl.Activation("linear"), (4,)), "flatten": (nl.Flatten(), (2, 3)),
    "conv2d": (nl.Conv2D(2, 3, padding="same", activation="tanh"), (4, 5, 2)),
    "conv2d stride": (nl.Conv2D(2, (2, 1), stride=(1, 2), dilation=2, bias=False), (4, 5, 2)),
    "conv1d": (nl.Conv1D(2, 3, padding=(2, 0), activation="elu"), (6, 2)),
    "max pool": (nl.MaxPool2D(2), (4, 5, 2)), "avg pool": (nl.AvgPool2D(3, 1, 1), (4, 5, 2)),
    "dropout": (nl.Dropout(0.3), (4,)), "batch norm": (nl.BatchNorm(), (4,)),
    "batch norm of images": (nl.BatchNorm(), (2, 3, 2)),
    "layer norm": (nl.LayerNorm(), (5, 4)),
    "recurrent": (nl.Recurrent(3), (4, 2)), "recurrent sequence": (nl.Recurrent(3, "linear", sequence=True), (4, 2)),
    "gru": (nl.GRU(3), (4, 2)), "gru sequence": (nl.GRU(3, sequence=True), (4, 2)),
    "mingru": (nl.MinGRU(3), (4, 2)), "mingru loop": (nl.MinGRU(3, sequence=True, scan=False), (4, 2)),
    "sequential": (nl.Sequential((nl.Dense(3, "tanh"), nl.Dense(2))), (4,)),
    "repeat": (nl.Repeat(3), (4,)), "spike count": (nl.SpikeCount(), (5, 4)),
    "integrator": (nl.Integrator(3, read="mean"), (5, 4)),
    "integrator of currents": (nl.Integrator(2, tau_synapse=5.0), (6, 3)),
}
#: layers whose gradients are not those of what they compute but of a smooth stand-in: tests/unit/test_spiking_*.py check them
SURROGATE = {
    "spiking": (nl.Spiking(3, tau=4.0), (6, 4)), "spiking recurrent": (nl.Spiking(3, recurrent=True, learn_tau=True), (6, 4)),
    "spiking adaptive": (nl.AdaptiveSpiking(4, share=0.5, tau_adaptation=5.0, refractory=1, recurrent=True), (6, 4)),
    "first spike": (nl.FirstSpike(), (6, 4)),
}


def samples(shape, n=3, dtype=np.float64):
    """Return samples of order one, none nearer to a kink than 0.05."""
    x = np.random.default_rng(5).standard_normal((n, *shape))
    return np.where(np.abs(x) < 0.05, 0.2, x).astype(dtype)


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("training", [False, True])
def test_gradients(name, training):
    """Of the inputs and of every weight, against central differences."""
    layer, shape = LAYERS[name]
    model = nl.build([layer], shape, seed=3)
    rng = np.random.default_rng(1)
    for v in model.parameters.values():
        v.value[...] += 0.3*rng.standard_normal(v.shape)

    def function(x, *values):
        for parameter, new in zip(model.parameters, values):
            set_weight(model._weights, parameter, new)
        return model(x, training, np.random.default_rng(7))

    ad.check_gradient(function, samples(shape), *(v.value.copy() for v in model.parameters.values()), elements=25)


def set_weight(tree, name, value):
    """Put a variable into the place of another one."""
    *path, last = name.split(".")
    for key in path:
        tree = tree[key]
    tree[last] = value


@pytest.mark.parametrize("name", [*LAYERS, *SURROGATE])
def test_shapes_seeds_and_dtypes(name):
    layer, shape = {**LAYERS, **SURROGATE}[name]
    x = samples(shape)
    made = {(seed, dtype): nl.build([layer], shape, seed, dtype) for seed in (0, 1) for dtype in ("float64", "float32")}
    for (_, dtype), model in made.items():
        y = model(x, True, np.random.default_rng(0))
        assert y.shape == (3, *model.outputs) == (3, *layer.shape(shape)) and y.dtype == dtype
        assert model.predict(x[:0]).shape == (0, *model.outputs)
        if y.tracked:
            y.sum().backward()
        assert all(v.grad.dtype == dtype and v.grad.shape == v.shape for v in model.parameters.values())
        assert all(v.dtype == dtype for v in model.memory.values())
    again = nl.build([layer], shape, 0)
    first, other = made[0, "float64"], made[1, "float64"]
    assert all(np.array_equal(v.value, first.parameters[k].value) for k, v in again.parameters.items())
    assert not first.parameters or any(not np.array_equal(v.value, first.parameters[k].value)
                                       for k, v in other.parameters.items()) or "norm" in name
    # use is a function of the inputs alone, sample by sample
    whole = first.predict(x)
    assert np.array_equal(whole, first.predict(x))
    np.testing.assert_allclose(first.predict(x, batch=1), whole, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("activation", FUSED)
def test_the_fused_layer_is_the_two_operations(activation):
    """The same sums in the same order, up to the rounding of a slope: three units in the last place."""
    x, w, b = (ad.Var(np.random.default_rng(k).standard_normal(s)) for k, s in enumerate([(2, 5, 4), (4, 3), 3]))
    from neurosim.learning.dense import fused

    y = fused(x, w, b, activation)
    y.backward(np.sin(np.arange(30.0)).reshape(y.shape))
    got = [v.grad for v in (x, w, b)]
    y.zero_grad()
    z = ad.affine(x, w, b)
    z = z if activation == "linear" else getattr(ad, activation)(z)
    z.backward(np.sin(np.arange(30.0)).reshape(y.shape))
    np.testing.assert_allclose(y.value, z.value, rtol=1e-15)
    for p, v in zip(got, (x, w, b)):
        np.testing.assert_allclose(p, v.grad, rtol=1e-14, atol=1e-14)


def test_every_public_layer_has_a_case():
    from neurosim.learning.layers import Layer

    public = {n for n in nl.__all__ if isinstance(getattr(nl, n), type) and issubclass(getattr(nl, n), Layer)} - {"Layer"}
    assert public == {type(layer).__name__ for layer, _ in [*LAYERS.values(), *SURROGATE.values()]}


def test_public_names():
    for name in nl.__all__:
        assert (getattr(nl, name).__doc__ or "").strip(), name
    with pytest.raises(AttributeError, match="Did you mean 'Dropout'"):
        nl.Dropuot  # noqa: B018
