"""Spikes as lists of events, for the simulator, and as dense arrays, for layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.errors import ParameterError


def to_events(s: Any, dt: float = 1.0, start: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Return times (ms, ascending) and neurons of the spikes of one sample, as `neurosim.SpikeInput` takes them.

    A spike of step t has time start + t dt.  Where an element is more than 1, there are as many spikes.

    Args:
        s: spikes, shape (T, units); whole numbers that are not negative.
        dt: ms per step.
        start: ms.

    Raises:
        ParameterError: a wrong shape, or elements that are no numbers of spikes.
    """
    s = np.asarray(s)
    if s.ndim != 2:
        raise ParameterError(f"to_events: spikes of shape {s.shape}; one sample, (T, units), is needed.")
    if not dt > 0:
        raise ParameterError(f"to_events: dt must be positive, not {dt!r} ms.")
    if s.size and (s.min() < 0 or np.any(s != np.floor(s))):
        raise ParameterError("to_events: elements must be numbers of spikes. Events of delta codes that are negative have no "
                             "spikes; give both signs lines of their own, with signed=False.")
    steps, neurons = np.nonzero(s)
    often = s[steps, neurons].astype(np.int64)
    return np.repeat(start + steps*dt, often), np.repeat(neurons, often)


def to_dense(times: Any, neurons: Any, units: int, steps: int, dt: float = 1.0, start: float = 0.0) -> np.ndarray:
    """Return the number of spikes of each step and neuron, (T, units) uint8, of one sample; spikes outside are left out.

    Args:
        times: ms.
        neurons: as many, from 0 to units - 1.
        units, steps: numbers of neurons and steps.
        dt: ms per step.
        start: ms of step 0.

    Raises:
        ParameterError: numbers of times and neurons differ, or a neuron is none.
    """
    times, neurons = np.asarray(times, float), np.asarray(neurons)
    if times.shape != neurons.shape or times.ndim != 1:
        raise ParameterError(f"to_dense: times of shape {times.shape} and neurons {neurons.shape} must be lists of one length.")
    if len(neurons) and not 0 <= neurons.min() <= neurons.max() < units:
        raise ParameterError(f"to_dense: neurons from {neurons.min()} to {neurons.max()}; they must be 0 to {units - 1}.")
    # times are multiples of dt but for rounding
    at = np.floor((times - start)/dt + 1e-6).astype(np.int64)
    inside = (at >= 0) & (at < steps)
    found = np.zeros((steps, units), np.int64)
    np.add.at(found, (at[inside], neurons[inside]), 1)
    if found.size and found.max() > 255:
        raise ParameterError(f"to_dense: {found.max()} spikes of a neuron in one step are more than uint8 holds. Use shorter "
                             "steps.")
    return found.astype(np.uint8)
