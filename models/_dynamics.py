"""Measurements that several published models share: rates, growth rates, zeros of curves, states of rest."""

from __future__ import annotations

import numpy as np

import neurosim as ns


def steady_rates(spikes, start: float) -> np.ndarray:
    """Return the rate of every neuron, 1000 (n - 1)/(t_last - t_first) Hz, from its spikes after `start` ms.

    A neuron with fewer than three spikes, or silent for the last two of its intervals, has rate 0: it has
    stopped. Counting spikes would round the rate to 1/duration; intervals do not.
    """
    rates = np.zeros(spikes.size)
    for k in range(spikes.size):
        times = spikes[k]
        times = times[times >= start]
        if times.size >= 3 and spikes.stop - times[-1] < 2.0 * (times[-1] - times[-2]):
            rates[k] = 1000.0 * (times.size - 1) / (times[-1] - times[0])
    return rates


def growth_rates(times: np.ndarray, deviations: np.ndarray) -> np.ndarray:
    """Return the rate at which small oscillations grow (1/ms), one for each column.

    The slope of the straight line through the logarithms of the maxima: the real part of the leading
    eigenvalue of a focus, if `deviations` (n_times, n) are small distances from the fixed point.
    """
    found = np.full(deviations.shape[1], np.nan)
    for k, x in enumerate(deviations.T):
        top = np.flatnonzero((x[1:-1] > x[:-2]) & (x[1:-1] >= x[2:]) & (x[1:-1] > 0)) + 1
        # vertex of the parabola through three samples: the maximum lies between samples
        bend = x[top - 1] - 2.0 * x[top] + x[top + 1]
        height = x[top] - (x[top + 1] - x[top - 1]) ** 2 / (8.0 * bend)
        if top.size >= 3:
            found[k] = np.polyfit(times[top], np.log(height), 1)[0]
    return found


def zero_of_curve(x: np.ndarray, y: np.ndarray) -> float:
    """Return where the parabola fitted to y(x) crosses zero within the range of x; NaN where it does not."""
    if not np.all(np.isfinite(y)):
        return float("nan")
    middle = float(np.mean(x))
    roots = np.roots(np.polyfit(x - middle, y, 2)) + middle
    roots = roots[np.abs(roots.imag) < 1e-12].real
    roots = roots[(roots >= np.min(x)) & (roots <= np.max(x))]
    return float(roots[0]) if roots.size == 1 else float("nan")


def rest(model: ns.NeuronModel, currents) -> dict[str, np.ndarray]:
    """Return each state at the fixed point for each current, an array of the length of `currents`."""
    found: list[dict[str, float]] = []
    for current in np.ravel(currents):
        # the last fixed point is a good start for the next
        start = found[-1] if found else None
        found.append(
            ns.analysis.fixed_point(model, inputs={model.inputs[0]: float(current)}, start=start).values
        )
    return {name: np.array([one[name] for one in found]) for name in model.state_names}
