"""Graded neurons with the collective properties of two-state neurons (Hopfield 1984).

    C du_i/dt = sum_j T_ij V_j - u_i/R + I_i,    V_i = g(lambda u_i)
    E = -1/2 sum T_ij V_i V_j + sum_i 1/(lambda R) int_0^(V_i) g^-1(V) dV - sum I_i V_i

never rises for symmetric T. With R = 1 and tau = R C this is `neurosim.attractors.ContinuousHopfield` with W = T, b = I and the
gain lambda, which runs on the engine. For lambda to infinity the last integral vanishes, and states of rest go to corners, the
stable states of the network of two-state neurons with the same T; for small lambda V = 0 is the only one.

The paper's example (Fig. 3) are two neurons with T_12 = T_21 = 1, lambda = 1.4 and g(u) = (2/pi) arctan(pi u/2). Its states of
rest are V_1 = V_2 = +-V*,  V* = g(lambda V*), since u = T V there, and V = 0, a saddle: two minima if lambda > 1.

Numbers whose notes say "Fig. 3" are from the paper's caption; the others are what its equations or statements give.

Source: J. J. Hopfield (1984), doi:10.1073/pnas.81.10.3088.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

import neurosim as ns
from neurosim import attractors
from neurosim.published import Number, Outcome, Reference

from ._figures import legend, letters, title

#: energies of the contours of Fig. 3
CONTOURS = (-0.041, -0.023, -0.003, 0.017, 0.156, 0.449)


def rest(gain: float = 1.4) -> float:
    """Return V* > 0 with V* = (2/pi) arctan(pi lambda V*/2); 0 for a gain of 1 or less."""
    low, high = 0.0, 1.0
    if gain <= 1:
        return 0.0
    low = 1e-9
    # the difference is positive from 0 to V*, and negative beyond
    for _ in range(100):
        v = 0.5 * (low + high)
        low, high = (v, high) if 2 / math.pi * math.atan(math.pi / 2 * gain * v) > v else (low, v)
    return 0.5 * (low + high)


def lowest(gain: float = 1.4) -> float:
    """Return the energy at V_1 = V_2 = V*."""
    v = rest(gain)
    return -v * v - 8 / (math.pi**2 * gain) * math.log(math.cos(math.pi / 2 * v))


REFERENCE = Reference(
    citation="J. J. Hopfield (1984), Neurons with graded response have collective computational properties like those of "
    "two-state neurons, Proc. Natl. Acad. Sci. USA 81, 3088-3092",
    doi="10.1073/pnas.81.10.3088",
    numbers={
        "stable_states": Number(2, 0, "", "Fig. 3, a two-neuron, two-stable-state system: different ends of runs from a "
                                "grid of starts."),
        "rest_v": Number(rest(), 1e-6, "", "V* of both neurons at rest, root of V = g(lambda V) by bisection; runs of 40 time "
                         "constants end 1e-6 from it or nearer."),
        "lowest_energy": Number(lowest(), 1e-6, "", "E there, closed form -V*^2 - 8/(pi^2 lambda) ln cos(pi V*/2); the same."),
        "regions_below_zero": Number(2, 0, "", "Fig. 3: each of the contours at -0.003, -0.023 and -0.041 goes around the two "
                                     "stable states one by one; pieces of E < -0.003 on a grid."),
        "regions_above_zero": Number(1, 0, "", "Fig. 3: the contour at 0.017 goes around both of them; pieces of E < 0.017."),
        "inner_regions": Number(2, 0, "", "Fig. 3: the innermost contours, at -0.041, are still there: pieces of E < -0.041."),
        "rises": Number(0, 0, "", "E never rises: steps in which it does, by more than 1e-12 of its size (rounding)."),
        "states_low_gain": Number(1, 0, "", "Text: for small lambda one minimum is left; different ends for lambda = 0.9."),
        "onset": Number(1.0, 0.01, "", "From the equations: two states from lambda = 1 on, where the slope of g(lambda V) "
                        "at 0 is 1. Square of V* over lambda, extended to 0 by a parabola."),
        "corners": Number(1.0, 0.0, "", "Text: for high gain states of rest are those of two-state neurons. Part of the stable "
                          "states of such a network (30 neurons, 3 memories) that the graded one with lambda = 100 stays at."),
        "corners_back": Number(1.0, 0.0, "", "The other way round: part of the ends of runs with lambda = 100 from random "
                               "starts whose signs are stable states of two-state neurons."),
    },
)


def _unit(default: float, unit: str):
    return field(default=default, metadata={"unit": unit})


@dataclass(frozen=True)
class Parameters:
    """gain: lambda, 1.4. tau: R C (ms), 10. grid: starts along each axis, 8. high_gain: lambda of the limit, 100. n: neurons
    there, 30. memories: stored there, 3. starts: runs there, 30. dt: time step (ms), 0.1.
    """

    gain: float = 1.4
    tau: float = _unit(10.0, "ms")
    grid: int = 8
    high_gain: float = 100.0
    n: int = 30
    memories: int = 3
    starts: int = 30
    dt: float = _unit(0.1, "ms")


def pairs(p: Parameters, gain: float, copies: int = 1) -> attractors.ContinuousHopfield:
    """Return `copies` of the two-neuron system side by side, which do not feel each other."""
    t = np.kron(np.eye(copies), [[0.0, 1.0], [1.0, 0.0]])
    return attractors.ContinuousHopfield(t, gain=gain, tau=p.tau, squash=attractors.ARCTAN)


def potential(v: np.ndarray, gain: float) -> np.ndarray:
    """Return u with V = g(lambda u)."""
    return np.tan(np.pi / 2 * np.asarray(v)) * 2 / (np.pi * gain)


def build(parameters: Parameters = Parameters()) -> ns.Network:
    """Return the two neurons of Fig. 3, from V = (0.3, -0.25) on; probes ``x`` (u) and ``y`` (V)."""
    p = parameters
    return pairs(p, p.gain).network(potential(np.array([0.3, -0.25]), p.gain))


def run(parameters: Parameters = Parameters(), *, duration: float | None = None, seed: int = 0, threads: int = 1,
        progress=None) -> Outcome:
    """Run all experiments; `duration` (ms) is that of each run, 40 time constants if None."""
    p, rng = parameters, np.random.default_rng(seed)
    length = 40 * p.tau if duration is None else duration
    options = dict(dt=p.dt, seed=seed, threads=threads, progress=progress)
    v = np.linspace(-0.9, 0.9, p.grid)
    # none on the line V_1 = -V_2, which ends in the saddle
    start = np.stack(np.meshgrid(v, v + 0.011), -1).reshape(-1, 2)
    path, energy = _grid(p, p.gain, start, length, options)
    low, _ = _grid(p, 0.9, start, 2 * length, options)
    gains = p.gain * np.array([1.02, 1.04, 1.06, 1.1]) / 1.4
    states = [_grid(p, g, np.array([[0.5, 0.4]]), 6 * length, options)[0][-1, 0] for g in gains]
    mesh = np.linspace(-0.96, 0.96, 193)
    plane = np.stack(np.meshgrid(mesh, mesh), -1)
    surface = pairs(p, p.gain).energy(potential(plane, p.gain))
    ends = path[-1]
    measured = {
        "stable_states": _different(ends), "rest_v": float(np.abs(ends).mean()), "lowest_energy": float(energy[-1].mean()),
        "regions_below_zero": _pieces(surface < -0.003), "regions_above_zero": _pieces(surface < 0.017),
        "inner_regions": _pieces(surface < -0.041),
        "rises": float(np.sum(np.diff(energy, axis=0) > 1e-12 * np.abs(energy).max())),
        "states_low_gain": _different(low[-1]),
        "onset": float(np.polyval(np.polyfit(np.mean(np.square(states), axis=1), gains, 2), 0.0)),
        **_corners(p, rng, length, options),
    }
    main = ns.simulate(build(p), length, **options)
    return Outcome(measured, {"main": main, "path": path, "energy": energy, "mesh": mesh, "surface": surface,
                              "times": np.arange(len(energy)) * p.dt}, p)


def _grid(p: Parameters, gain: float, start: np.ndarray, length: float, options: dict) -> tuple[np.ndarray, np.ndarray]:
    """Return V (n_times, n_starts, 2) and E (n_times, n_starts) of runs from V = start (n_starts, 2)."""
    side = pairs(p, gain, len(start))
    u = ns.simulate(side.network(potential(start, gain).ravel()), length, **options).traces["x"].values
    u = u.reshape(len(u), len(start), 2)
    one = pairs(p, gain)
    return one.output(u), one.energy(u)


def _different(ends: np.ndarray) -> float:
    """Return the number of different rows, to two digits."""
    return float(len(np.unique(np.round(ends, 2) + 0.0, axis=0)))


def _pieces(inside: np.ndarray) -> float:
    from scipy.ndimage import label

    return float(label(inside)[1])


def _corners(p: Parameters, rng: np.random.Generator, length: float, options: dict) -> dict[str, float]:
    """Compare states of rest of graded neurons with high gain with those of two-state neurons, both ways."""
    x = rng.integers(0, 2, (p.memories, p.n)) * 2.0 - 1.0
    # fields are sums of 3 odd numbers (29 others agree or not), hence never 0: nothing depends on ties
    w = attractors.hebbian(x)
    binary = attractors.Hopfield(w)
    graded = attractors.ContinuousHopfield(w, gain=p.high_gain, tau=p.tau, squash=attractors.ARCTAN)
    stable = np.unique(binary.recall(rng.integers(0, 2, (p.starts, p.n)) * 2.0 - 1.0, seed=rng).states, axis=0)

    def ends(start: np.ndarray) -> np.ndarray:
        rows = attractors.ContinuousHopfield(np.kron(np.eye(len(start)), w), gain=p.high_gain, tau=p.tau,
                                             squash=attractors.ARCTAN)
        final = ns.simulate(rows.network(start.ravel(), every=length), length, **options).final("units", "x")
        return np.sign(graded.output(final.reshape(start.shape)))

    kept = ends(stable * np.abs(binary.fields(stable)))
    found = ends(rng.normal(size=(p.starts, p.n)))
    return {"corners": float(np.mean((kept == stable).all(axis=1))), "corners_back": float(np.mean(binary.stable(found)))}


def figure(outcome: Outcome):
    """Return the figure: the energy map of Fig. 3 with the motion on it, energies over time, and a run of the main network."""
    r, p = outcome.results, outcome.parameters
    fig, axes = ns.plot.figure(1, 3, width=7.2, height=2.6)
    a, b, c = axes[0]
    lines = a.contour(r["mesh"], r["mesh"], r["surface"], levels=CONTOURS, colors="#8C8C8C", linewidths=0.7)
    a.clabel(lines, fontsize=4.5, fmt="%g")
    path = r["path"]
    for k in range(path.shape[1]):
        a.plot(path[:, k, 0], path[:, k, 1], color=ns.plot.PALETTE[0], lw=0.4, alpha=0.6)
    a.plot(path[-1, :, 0], path[-1, :, 1], "o", color=ns.plot.PALETTE[1], ms=3.5, ls="")
    a.set(xlabel="V₁", ylabel="V₂", aspect="equal", xlim=(-0.96, 0.96), ylim=(-0.96, 0.96))
    title(a, f"Energy and motion, λ = {p.gain:g}")
    shown = r["times"] <= 12 * p.tau
    ns.plot.energy_trace(r["energy"][shown], r["times"][shown], ax=b, xlabel="Time (ms)")
    title(b, "Energy of all runs")
    v = r["main"].traces["y"]
    for k in range(2):
        c.plot(v.times, v.values[:, k], lw=1.1, label=f"V{'₁₂'[k]}")
    c.axhline(rest(p.gain), color="#8C8C8C", lw=0.7, ls=":")
    c.set(xlabel="Time (ms)", ylabel="Output")
    legend(c, "lower right")
    title(c, "One run")
    letters((a, b, c))
    return fig
