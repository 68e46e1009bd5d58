"""Ready-made networks do what their equations say, in rate mode (small errors) and with spikes."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim import nef
from neurosim.errors import ParameterError
from neurosim.nef import networks
from neurosim.nef.pointers import Pointer, Vocabulary

BOTH = pytest.mark.parametrize("mode", [nef.RATE, nef.SPIKING])


def run(network, inputs, outputs, duration, mode, synapse=10.0, seed=0):
    """Return (times, {port: values}) of a network with functions of time, or constants, at its input ports."""
    nodes = {port: nef.Node(value) for port, value in inputs.items()}
    links = [nef.Connection(node, getattr(network, port), synapse=None) for port, node in nodes.items()]
    probes = [nef.Probe(getattr(network, port), synapse=synapse, name=port) for port in outputs]
    result = nef.simulate(nef.Network([*nodes.values(), network], links, probes), duration, mode=mode, seed=seed)
    return result[outputs[0]].times, {port: result[port].values for port in outputs}


def rmse(x, wanted):
    return np.sqrt(np.mean((x - wanted) ** 2))


@BOTH
def test_channel_product_squares(mode):
    """Errors of decoders of 100 neurons are near 0.01, ripple of spikes through 10 ms is 0.02 to 0.03."""
    t, y = run(networks.communication_channel(100), {"input": lambda t: np.sin(t / 100)}, ["output"], 400, mode)
    assert rmse(y["output"][50:, 0], np.sin((t[50:] - 15) / 100)) < 0.05
    t, y = run(networks.product(200), {"a": lambda t: np.sin(t / 80), "b": -0.8}, ["output"], 400, mode)
    assert rmse(y["output"][50:, 0], -0.8 * np.sin((t[50:] - 10) / 80)) < 0.06
    t, y = run(networks.squaring(100, 2), {"input": lambda t: [np.sin(t / 80), 0.5]}, ["output"], 400, mode)
    assert rmse(y["output"][50:], np.c_[np.sin((t[50:] - 10) / 80) ** 2, np.full(350, 0.25)]) < 0.06


@BOTH
def test_integrators(mode):
    """0.5 after 500 ms of 1, then held: drift of 200 neurons is some hundredths in a second."""
    t, y = run(networks.integrator(300, dt=1.0), {"input": lambda t: float(t < 500)}, ["output"], 1000, mode)
    assert abs(y["output"][250, 0] - 0.24) < 0.05 and abs(y["output"][520, 0] - 0.5) < 0.07
    assert abs(y["output"][-1, 0] - 0.5) < 0.15
    # c = 0.5 forgets with tau/(1 - c) = 200 ms
    inputs = {"input": lambda t: 2.0 * (t < 300), "control": lambda t: 1.0 - 0.5 * (t > 400)}
    t, y = run(networks.controlled_integrator(500), inputs, ["output"], 650, mode)
    held, left = y["output"][400, 0], y["output"][620, 0]
    assert abs(held - 0.6) < 0.15 and abs(left / held - np.exp(-210 / 200)) < 0.12
    t, y = run(networks.gated_integrator(200), {"input": lambda t: 0.6 - 1.2 * (t > 500), "gate": lambda t: float(t > 400)},
               ["output"], 900, mode)
    assert abs(y["output"][390, 0] - 0.6) < 0.1 and abs(y["output"][-1, 0] - 0.6) < 0.2
    t, y = run(networks.gated_integrator(100), {"input": 0.6, "gate": 0.0, "reset": lambda t: float(t > 300)}, ["output"], 900,
               mode)
    assert abs(y["output"][-1, 0]) < 0.1


@BOTH
def test_oscillators(mode):
    """Frequencies within 2 % (linear) and 5 % (controlled, from cubic functions decoded in three dimensions)."""
    kick = lambda t: [0.02 * (t < 50), 0.0]
    for pull in (0.0, 0.003):
        t, y = run(networks.oscillator(300, 2.0, pull=pull, dt=1.0), {"input": kick}, ["output"], 2000, mode)
        assert abs(frequency(t, y["output"]) / 2 - 1) < 0.02
    # the pull holds the length that spikes would lose
    assert 0.9 < np.hypot(*y["output"][-1]) < 1.1
    for c in (0.5, -1.0):
        t, y = run(networks.controlled_oscillator(1000, 2.0, dt=1.0), {"input": kick, "control": c}, ["output"], 2000, mode)
        assert abs(frequency(t, y["output"]) / (2 * c) - 1) < 0.05


def frequency(t, x):
    phase = np.unwrap(np.angle(x[:, 0] + 1j * x[:, 1]))
    k = len(t) // 3
    return (phase[-1] - phase[k]) / (t[-1] - t[k]) * 1000 / (2 * np.pi)


@BOTH
def test_van_der_pol_and_lorenz(mode):
    kick = lambda t: [0.02 * (t < 50), 0.0]
    t, y = run(networks.van_der_pol(800, 1.0, unit=100.0, dt=1.0), {"input": kick}, ["output"], 3000, mode)
    x = y["output"][600:, 0]
    # turns of the phase per time instead of crossings, which spikes make more than once
    period = 1000 / abs(frequency(t[600:], y["output"][600:])) / 100
    assert abs(period - 6.663) < 0.4 and abs(np.abs(x).max() - 2.0) < 0.25
    t, y = run(networks.lorenz(1000, offset=28.0, unit=1000.0, tau=100.0), {}, ["output"], 20000, mode)
    x = y["output"][2000:]
    # both wings, and of the size of the attractor; the length of this run says no more
    assert x[:, 0].min() < -8 < 8 < x[:, 0].max()
    np.testing.assert_allclose(x.std(0), [9.57, 11.14, 10.13], rtol=0.25)


@BOTH
def test_binding_and_clean_up(mode):
    v = Vocabulary(16, "ABCD", max_similarity=0.4, seed=1)
    bound = v["A"] * v["B"]
    t, y = run(networks.circular_convolution(100, 16), {"a": v["A"].vector, "b": v["B"].vector}, ["output"], 200, mode, 20.0)
    assert Pointer(y["output"][120:].mean(0)).compare(bound) > 0.97
    unbind, known = networks.circular_convolution(100, 16, invert_b=True), networks.cleanup(v)
    whole = nef.Network([unbind, known], [nef.Connection(unbind.output, known.input)],
                        ports={"a": unbind.a, "b": unbind.b, "output": known.output, "recognised": known.recognised})
    t, y = run(whole, {"a": bound.vector, "b": v["B"].vector}, ["output", "recognised"], 300, mode, 20.0)
    assert v.closest(y["output"][-1])[0] == "A"
    np.testing.assert_allclose(y["recognised"][-1], [1, 0, 0, 0], atol=0.25)


def test_associative_memory_answers_with_another():
    keys, values = Vocabulary(32, "AB", max_similarity=0.2), Vocabulary(8, "XY", max_similarity=0.9, seed=2)
    net = networks.associative_memory(keys, values)
    t, y = run(net, {"input": lambda t: keys["B"].vector if t < 200 else np.zeros(32)}, ["output"], 400, nef.SPIKING, 20.0)
    assert values.closest(y["output"][190])[0] == "Y" and np.linalg.norm(y["output"][-1]) < 0.1
    with pytest.raises(ParameterError, match="2 keys and 1 values"):
        networks.associative_memory(keys, np.ones((1, 4)))


@BOTH
def test_selection(mode):
    first, second = [0.8, 0.6, 0.5], [0.3, 0.6, 0.5]
    utility = lambda t: first if t < 250 else second
    clear = lambda t: first if t < 250 else [0.1, 0.9, 0.1]
    t, y = run(networks.winner_take_all(60, 3), {"input": clear}, ["output"], 500, mode)
    np.testing.assert_allclose(y["output"][[240, 499]], [[0.8, 0, 0], [0, 0.9, 0]], atol=0.1)
    bg, th = networks.basal_ganglia(3), networks.thalamus(3)
    whole = nef.Network([bg, th], [nef.Connection(bg.output, th.input, synapse=8.0)],
                        ports={"input": bg.input, "inhibition": bg.output, "output": th.output})
    t, y = run(whole, {"input": utility}, ["inhibition", "output"], 500, mode, 20.0)
    assert list(y["inhibition"][[240, 499]].argmax(1)) == [0, 1]
    np.testing.assert_allclose(y["output"][[240, 499]], [[1, 0, 0], [0, 1, 0]], atol=0.3)


@BOTH
def test_legendre_memory_delays(mode):
    net = networks.legendre_memory(200, 6, 300.0, delays=[0, 150, 300], dt=1.0)
    t, y = run(net, {"input": lambda t: np.sin(2 * np.pi * t / 500)}, ["delayed"], 1500, mode)
    wanted = np.sin(2 * np.pi * (t[:, None] - 10 - np.array([0, 150, 300])) / 500)
    assert rmse(y["delayed"][500:], wanted[500:]) < 0.1


def test_legendre_matrices_delay_exactly():
    """The equations without neurons: 12 coefficients delay a slow sine to 1e-3, after the window has filled."""
    from scipy.linalg import expm

    a, b = networks.lmu_matrices(12, 500.0)
    weights = networks.legendre_weights(12, 500.0, [0, 100, 500])
    step = expm(np.block([[a, b], [np.zeros((1, 13))]]))
    m, out = np.zeros(12), []
    # the middle of a step is what its held value stands for
    for k in range(2000):
        out.append(weights @ m)
        m = step[:12, :12] @ m + step[:12, 12] * np.sin(2 * np.pi * (k + 0.5) / 700)
    t = np.arange(2000)[:, None]
    np.testing.assert_allclose(np.array(out)[800:], np.sin(2 * np.pi * (t - [0, 100, 500]) / 700)[800:], atol=2e-3)


@pytest.mark.parametrize("make, words", [
    (lambda: networks.integrator(50, gain=np.nan), "integrator: gain must be a finite number"),
    (lambda: networks.gated_integrator(50, tau=0), "tau must be a finite number of at least"),
    (lambda: networks.legendre_memory(50, 0), "order must be a whole number"),
    (lambda: networks.legendre_memory(50, 6, delays=[600]), "must lie in the window, from 0 to 500 ms"),
    (lambda: networks.circular_convolution(50, 0), "dimensions must be a whole number"),
    (lambda: networks.winner_take_all(50, 3, threshold=2), "threshold must be a finite number from -1 to 1"),
    (lambda: networks.oscillator(50, pull=0.1, synapse=nef.Alpha(20.0)), "first-order"),
    (lambda: networks.product(50, magnitude=-1), "magnitude"),
])
def test_bad_arguments(make, words):
    with pytest.raises(ParameterError, match=words):
        make()
