"""Predictive coding with populations of spiking neurons for value and error nodes (NEF).

    value node k of layer i     an ensemble that represents (x, b), and receives x + (tau_r/tau_value) (sigma'(x) b - e),
                                filtered by tau_r, from itself and from the errors, and b
    error node k of layer i     an ensemble that represents e, and receives (x - mu - beta)/nu, filtered by tau_error
    decoded between them        x and sigma(x) M from values to errors; e and b = e W from errors to values

The recurrent connection makes tau_value dx/dt = sigma'(x) b - e of the filter tau_r (principle 3 of the NEF); the filter of
the errors is tau_error de/dt = (x - mu)/nu - e, the equation of `simulate` with tau_error nu in place of its tau_error.
Inference only: weights are those of the network.

What is decoded differs from the rate form by the distortion of the decoders, which falls with the number of neurons, and by
the noise of spikes, which falls with the time over which one averages too.

Source: Eliasmith & Anderson 2003, Neural Engineering, MIT Press (isbn 9780262550604).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim import nef
from neurosim.errors import ParameterError
from neurosim.predictive.clamps import Clamps, clamps
from neurosim.predictive.network import PredictiveNetwork


@dataclass(frozen=True, eq=False)
class SpikingForm:
    """What populations of neurons came to.

    Attributes:
        x, e: decoded values and errors of all layers, (layers[i],), means over the last `average` ms; where a value is clamped
            it is what it was clamped to, where it was not known of layer 0, what is predicted.
        data, label: the layers of the two ends.
        result: the run: ``result["x1"]``, ``result["e0"]`` ... are traces; ``result.spikes`` the spikes of every ensemble.
        values, errors: arrays of ensembles by layer, or None.
        n_neurons: of all populations together.
    """

    x: list[np.ndarray]
    e: list[np.ndarray]
    data: np.ndarray
    label: np.ndarray
    result: nef.Result
    values: list[nef.EnsembleArray | None]
    errors: list[nef.EnsembleArray | None]
    n_neurons: int


def spiking(net: PredictiveNetwork, duration: float = 1500.0, dt: float = 1.0, *, data: Any = None, label: Any = None,
            data_known: Any = None, label_known: Any = None, neurons: int = 200, radii: tuple[float, float] = (1.5, 1.0),
            tau_value: float = 100.0, tau_recurrent: float = 20.0, tau_error: float = 10.0, average: float | None = None,
            seed: int = 0, threads: int = 1, progress: bool | None = None) -> SpikingForm:
    """Let a network of spiking neurons settle on one sample.

    Args:
        net: the network, with output "linear".
        duration, dt: ms.
        data, label, data_known, label_known: as for `settle`, with one row; of layer L all values are known, or none.
        neurons: for each error node; value nodes, which represent two numbers, have twice as many.
        radii: up to which values (x and b), and errors, are represented well.
        tau_value, tau_recurrent, tau_error: ms, see above.
        average: ms at the end over which means are taken; None: the last third.
        seed, threads, progress: as for `neurosim.nef.simulate`.

    Raises:
        ParameterError: for other outputs, more than one sample, a part of layer L known, times out of range.
    """
    held = clamps(net, data, label, data_known, label_known)
    if net.output != "linear":
        raise ParameterError("spiking: the network must have output 'linear'.")
    if held.rows != 1:
        raise ParameterError(f"spiking: one sample at a time settles, not {held.rows}: give one row.")
    if held.top.known is not None and held.top.known.any():
        raise ParameterError(f"spiking: of layer {net.top} all values must be known, or none.")
    average = duration/3 if average is None else average
    for name, value in (("duration", duration), ("tau_value", tau_value), ("tau_recurrent", tau_recurrent),
                        ("tau_error", tau_error), ("average", average)):
        if not (np.isscalar(value) and np.isfinite(value) and value > 0):
            raise ParameterError(f"spiking: {name} must be a positive time in ms, not {value!r}.")
    if average > duration:
        raise ParameterError(f"spiking: average={average:g} ms is longer than the run ({duration:g} ms).")
    if not (len(radii) == 2 and all(np.isscalar(r) and r > 0 for r in radii)):
        raise ParameterError(f"spiking: radii must be two positive numbers, for values and for errors, not {radii!r}.")
    form = _Form(net, held, neurons, radii, (tau_value, tau_recurrent, tau_error))
    result = nef.simulate(form.network, duration, dt, seed=seed, threads=threads, progress=progress)
    return form.read(result, average)


class _Form:
    """Ensembles, nodes and connections."""

    def __init__(self, net: PredictiveNetwork, held: Clamps, neurons: int, radii: tuple[float, float],
                 taus: tuple[float, float, float]):
        self.net, self.held = net, held
        top, radius, taus = net.top, radii, tuple(map(float, taus))
        self.values = [nef.EnsembleArray(2*neurons, n, 2, radius=radius[0], name=f"value{i}")
                       if 0 < i < top or (i == top and held.top.free) else None for i, n in enumerate(net.layers)]
        self.errors: list[nef.EnsembleArray | None] = []
        self.parts: list[Any] = [v for v in self.values if v is not None]
        self.connections: list[nef.Connection] = []
        #: which units of layer 0 have an error
        self.seen = np.ones(net.layers[0], bool) if held.bottom.known is None else held.bottom.known[0]
        for i, n in enumerate(net.layers[:-1]):
            units = np.flatnonzero(self.seen) if i == 0 else np.arange(n)
            error = nef.EnsembleArray(neurons, len(units), radius=radius[1], name=f"error{i}") if len(units) else None
            self.errors.append(error)
            if error is not None:
                self.parts.append(error)
                self._errors(i, error, units, taus)
        for i in range(1, top + 1):
            if self.values[i] is not None:
                self._values(i, taus)
        self.probes = [nef.Probe(a, synapse=taus[1], name=f"{v}{i}") for v, arrays in (("x", self.values), ("e", self.errors))
                       for i, a in enumerate(arrays) if a is not None]
        self.probes += [nef.Probe(ens.neurons) for p in self.parts if isinstance(p, nef.EnsembleArray) for ens in p.ensembles]
        self.network = nef.Network(self.parts, self.connections, self.probes)

    def _errors(self, i: int, error: nef.EnsembleArray, units: np.ndarray, taus: tuple[float, float, float]) -> None:
        """What error nodes receive: (x - mu - beta)/nu."""
        net, synapse, scale = self.net, taus[2], 1/self.net.nu[i][units]
        constant = -net.beta[i][units]*scale
        above, matrix = self.values[i + 1], net.M[i][:, units]
        if above is None:
            y = net.activations[i + 1].value(self.held.top.values)[0]
            constant = constant - (y @ matrix)*scale
        else:
            self.connections.append(nef.Connection(above, error, function=_first(net.activations[i + 1].value),
                                                   transform=-(matrix*scale).T, synapse=synapse))
        if i == 0:
            constant = constant + self.held.bottom.values[0, units]*scale
        else:
            own = self.values[i]
            self.connections.append(nef.Connection(own[list(range(0, own.size_out, 2))], error, transform=np.diag(scale),
                                                   synapse=synapse))
        node = nef.Node(np.asarray(constant, float), name=f"given{i}")
        self.parts.append(node)
        self.connections.append(nef.Connection(node, error, synapse=synapse))

    def _values(self, i: int, taus: tuple[float, float, float]) -> None:
        """What value nodes receive: their own next value, errors of their layer, and of the one below as b."""
        net, own, share = self.net, self.values[i], taus[1]/taus[0]
        first, second = (own[list(range(k, own.size_in, 2))] for k in (0, 1))
        a = net.activations[i]
        pull = 1/net.prior if i == net.top and net.prior is not None else 0.0

        def onward(p: np.ndarray) -> np.ndarray:
            x, b = p[:, :1], p[:, 1:]
            return x + share*(a.slope(x, a.value(x))*b - pull*(x - net.prior_mean))

        self.connections.append(nef.Connection(own, first, function=onward, synapse=taus[1]))
        if i < net.top:
            self.connections.append(nef.Connection(self.errors[i], first, transform=-share, synapse=taus[1]))
        below = self.errors[i - 1]
        if below is not None:
            units = np.flatnonzero(self.seen) if i == 1 else slice(None)
            self.connections.append(nef.Connection(below, second, transform=net.W[i - 1][units].T.astype(float),
                                                   synapse=taus[2]))

    def read(self, result: nef.Result, average: float) -> SpikingForm:
        """Return means of the last `average` ms."""
        net, held = self.net, self.held
        mean = lambda name: (t := result[name]).values[t.times >= t.times[-1] - average].mean(axis=0)
        x = [np.empty(0) if v is None else mean(f"x{i}")[::2] for i, v in enumerate(self.values)]
        if self.values[-1] is None:
            x[-1] = held.top.values[0].astype(float)
        e = [np.zeros(n) if a is None else mean(f"e{i}") for i, (n, a) in enumerate(zip(net.layers, self.errors))]
        y = net.activations[1].value(x[1])
        x[0] = np.where(self.seen, held.bottom.values[0], net.predict(0, y[None])[0])
        whole = np.zeros(net.layers[0])
        whole[self.seen] = e[0] if self.errors[0] is not None else 0.0
        e[0] = whole
        count = sum(ens.n_neurons for a in (*self.values, *self.errors) if a is not None for ens in a.ensembles)
        return SpikingForm(x, e, x[net.data_end], x[net.label_end], result, self.values, self.errors, count)


def _first(function: Any) -> Any:
    """Return a function of the first of two represented numbers."""
    return lambda p: function(p[:, :1])


