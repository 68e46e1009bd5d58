"""Legendre memory unit: a sliding window of a signal, ideal and in spiking neurons (Voelker, Kajic & Eliasmith 2019).

    theta m' = A m + B u,    A_ij = (2 i + 1) (-1 if i < j else (-1)^(i - j + 1)),    B_i = (2 i + 1) (-1)^i,    i, j < d
    u(t - r theta) = sum_i P_i(2 r - 1) m_i(t)    for 0 <= r <= 1

P_i: Legendre polynomials. The m_i are what the last theta ms of u look like, as well as d numbers can tell. What comes out at
r = 1 is u through the Pade approximant [d - 1/d] of a pure delay:

    H(s) = sum_(k<d) c_k (-s theta)^k / sum_(k<=d) b_k (s theta)^k,     c_k = (2d-1-k)! (d-1)!/((d-1-k)! k!)
                                                                      b_k = (2d-1-k)! d!/((d-k)! k!)

Its error |H(i w) - exp(-i w theta)| is nothing for slow signals and grows steeply from about 0.17 d (d = 6) to 0.29 d (d = 100)
cycles in a window on: that is what such a memory holds.

In neurons: one ensemble for each m_i, recurrent connections A' = tau A/theta + 1 through a synapse tau (`nef.recurrent`). Of
M Poisson neurons in all each ensemble has M/d. The Euclidean distance of the m_i from the ideal ones grows as d/sqrt(M).
LIF neurons in the same place (`cells=lif`) are less noisy, but are 1 ms ahead of their rate curve, which leaves an error that
no number of neurons removes.

u and m without unit, times in ms. Nothing is trained here: of the paper's experiments those with backpropagation are left out.

Source: A. Voelker, I. Kajic, C. Eliasmith (2019), NeurIPS 32. The matrices: A. Voelker, C. Eliasmith (2018),
doi:10.1162/neco_a_01046.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

import neurosim as ns
from neurosim import nef
from neurosim.errors import ParameterError
from neurosim.nef.neurons import NeuronType
from neurosim.published import Number, Outcome, Reference

from ._figures import legend, letters, title

#: windows at the beginning that are left out of all errors, while the memory fills
FILLED = 1.5
#: filter of what is read out, ms
READ = 20.0
#: neuron types by name
CELLS = ("poisson", "lif")

REFERENCE = Reference(
    citation="A. Voelker, I. Kajic, C. Eliasmith (2019), Legendre memory units: continuous-time representation in recurrent "
    "neural networks, Advances in Neural Information Processing Systems 32",
    doi="",
    numbers={
        "pade": Number(0.0, 1e-9, "", "From the equations: largest distance of the transfer function of A, B and P_i(1) "
                       "from the Pade approximant of a delay, up to d/3 cycles in a window; rounding."),
        "sine_error": Number(0.2355, 0.001, "", "From the equations: error of a sine with 1.5 cycles in a window, d = 6, over "
                             "its amplitude, by the Pade approximant. Here in 10,000 steps a window: half a step is 0.0005."),
        "long_error": Number(0.0, 0.01, "", "The abstract: dependencies over 100,000 steps. Here a delay of so many, d = 100, "
                             "of noise with up to 20 cycles in a window: root mean square error over that of the signal. By "
                             "the Pade approximant it is below 0.01 up to 29 cycles."),
        "slope_neurons": Number(-0.5, 0.1, "", "The abstract: the error with M Poisson neurons scales as d/sqrt(M). Slope of "
                                "the logarithms; means of five networks are good to 4 %, thus the slope to 0.03."),
        "slope_order": Number(1.0, 0.2, "", "The same, over d at one M. Means of five networks are good to 4 %; and d = 3 "
                              "does not hold the whole signal, so that its m are smaller."),
    },
)


def _unit(default: float, unit: str):
    return field(default=default, metadata={"unit": unit})


@dataclass(frozen=True)
class Parameters:
    """order: d, coefficients, 6. theta: window (ms), 1000. neurons: in all, M, 4800. cells: poisson or lif. cycles: highest
    frequency of the input, cycles in a window, 1. length: of the runs, windows, 6. tau: synapse of the recurrent connections
    (ms), 100. sizes: M for the errors, with d = order. orders: d for the errors, with M = neurons. networks: of each, 5.
    long_steps, long_order, long_cycles: steps of the long delay, 100,000, its d, 100, and cycles of its input in a window, 20.
    dt: time step (ms), 1. signal: seed of the input, 1.
    """

    order: int = 6
    theta: float = _unit(1000.0, "ms")
    neurons: int = 4800
    cells: str = "poisson"
    cycles: float = 1.0
    length: float = 6.0
    tau: float = _unit(100.0, "ms")
    sizes: tuple[int, ...] = (600, 1200, 2400, 4800, 9600)
    orders: tuple[int, ...] = (3, 6, 12, 24)
    networks: int = 5
    long_steps: int = 100_000
    long_order: int = 100
    long_cycles: float = 20.0
    dt: float = _unit(1.0, "ms")
    signal: int = 1


@dataclass(frozen=True)
class Poisson(NeuronType):
    """Neurons that fire at random, at each moment as likely as the rate curve of a LIF neuron says.

    Args:
        curve: whose rates.
    """

    curve: nef.LIF = nef.LIF()
    onset = 1.0

    def rates(self, current) -> np.ndarray:
        """Return G(J) in Hz."""
        return self.curve.rates(current)

    def current(self, rate: np.ndarray) -> np.ndarray:
        """Return J with G(J) = rate."""
        return self.curve.current(rate)

    def limits(self) -> tuple[float, float]:
        """Return the rates (Hz) between which a max_rate must lie."""
        return self.curve.limits()

    def _model(self, **options) -> ns.NeuronModel:
        return ns.NeuronModel.from_equations(
            "rate = where(i > 1, 1000/(t_ref + tau_m*log1p(1/maximum(i - 1, 1e-30))), 0)", inputs=["i"],
            parameters={"tau_m": self.curve.tau_m, "t_ref": self.curve.t_ref}, **options)

    def spiking_model(self) -> ns.NeuronModel:
        """Return the model with spikes."""
        return self._model(threshold="rand() < rate*dt/1000", edge=False, name="Poisson")

    def rate_model(self) -> ns.NeuronModel:
        """Return the model of rate mode."""
        return self._model(name="PoissonRate")


def pade(order: int, w: np.ndarray) -> np.ndarray:
    """Return the Pade approximant [d - 1/d] of exp(-i w), by its closed form; w: radians in a window."""
    from fractions import Fraction
    from math import factorial

    d = order
    c = [Fraction(factorial(2 * d - 1 - k) * factorial(d - 1), factorial(d - 1 - k) * factorial(k)) for k in range(d)]
    b = [Fraction(factorial(2 * d - 1 - k) * factorial(d), factorial(d - k) * factorial(k)) for k in range(d + 1)]
    s = 1j * np.asarray(w, dtype=float)
    return (sum(float(v / b[0]) * (-s) ** k for k, v in enumerate(c)) / sum(float(v / b[0]) * s**k for k, v in enumerate(b)))


def transfer(order: int, w: np.ndarray) -> np.ndarray:
    """Return the transfer function of the memory from u to u(t - theta), from A, B and P_i(1); w: radians in a window."""
    a, b = nef.networks.lmu_matrices(order, 1.0)
    c = nef.networks.legendre_weights(order, 1.0, [1.0])
    return np.array([(c @ np.linalg.solve(1j * x * np.eye(order) - a, b))[0, 0] for x in np.ravel(w)])


def ideal(order: int, window: int, u: np.ndarray) -> np.ndarray:
    """Return the m_i at the start of each step, shape (n_times, order), exact for u held during each step.

    window: steps of the window, theta/dt. u: shape (n_times,).
    """
    from scipy.linalg import expm

    a, b = nef.networks.lmu_matrices(order, float(window))
    whole = expm(np.block([[a, b], [np.zeros((1, order + 1))]]))
    a, b = np.ascontiguousarray(whole[:order, :order]), whole[:order, order]
    out = np.empty((len(u), order))
    m = np.zeros(order)
    for k, value in enumerate(np.asarray(u, dtype=float).tolist()):
        out[k] = m
        m = a @ m + b * value
    return out


def noise(n: int, window: int, cycles: float, seed: int) -> np.ndarray:
    """Return n steps of noise with up to `cycles` cycles in `window` steps, with the greatest value 1."""
    rng = np.random.default_rng([seed, 2019])
    f = np.arange(n // 2 + 1) * window / n
    inside = (f > 0) & (f <= cycles)
    if not inside.any():
        raise ParameterError(f"There is no frequency of up to {cycles:g} cycles in a window in a run of {n} steps. Give a "
                             "longer run or more cycles.")
    spectrum = np.where(inside, rng.normal(size=f.size) + 1j * rng.normal(size=f.size), 0)
    u = np.fft.irfft(spectrum, n)
    return u / np.abs(u).max()


def build(parameters: Parameters = Parameters(), order: int | None = None, neurons: int | None = None,
          duration: float | None = None, seed: int = 0) -> nef.Network:
    """Return the memory with its input; probes ``m`` (through tau) and ``past``: the input of 0, 1/4, 1/2, 3/4, 1 window ago.

    order, neurons: others than in `parameters`. duration: ms of input; None: `length` windows. seed: of the input.
    """
    p = parameters
    if p.cells not in CELLS:
        raise ParameterError(f"cells={p.cells!r} must be one of {', '.join(CELLS)}.")
    d, total = order or p.order, neurons or p.neurons
    if total < 2 * d:
        raise ParameterError(f"{total} neurons are too few for {d} ensembles. Give at least {2 * d}.")
    u = nef.Node(nef.Samples(_input(p, duration, seed), p.dt), name="u")
    memory = nef.networks.legendre_memory(total // d, d, p.theta, delays=np.linspace(0, p.theta, 5), synapse=p.tau, dt=p.dt,
                                          neurons=Poisson() if p.cells == "poisson" else nef.LIF(), name="memory")
    return nef.Network([u, memory], [nef.Connection(u, memory.input, synapse=None)],
                       [nef.Probe(memory.output, synapse=p.tau, name="m"),
                        nef.Probe(memory.delayed, synapse=READ, name="past")])


def _input(p: Parameters, duration: float | None, seed: int) -> np.ndarray:
    steps = max(2, round((p.length * p.theta if duration is None else duration) / p.dt))
    return noise(steps, round(p.theta / p.dt), p.cycles, p.signal + 1000 * seed)


def state_error(p: Parameters, result: nef.Result, u: np.ndarray) -> float:
    """Return the root mean square over time of the distance of the m_i from the ideal ones, both filtered by tau."""
    found = result["m"].values
    order = found.shape[1]
    wanted = nef.Lowpass(p.tau).apply(ideal(order, round(p.theta / p.dt), u), p.dt)
    late = slice(round(FILLED * p.theta / p.dt), None)
    e = found[late] - wanted[late]
    return float(np.sqrt(np.mean(np.sum(e**2, axis=1)))) if len(e) else float("nan")


def _errors(p: Parameters, order: int, neurons: int, duration: float | None, options: dict) -> float:
    out = []
    for k in range(p.networks):
        own = options["seed"] * 100 + k
        result = nef.simulate(build(p, order, neurons, duration, own), (p.length * p.theta if duration is None else duration),
                              p.dt, **{**options, "seed": own})
        out.append(state_error(p, result, _input(p, duration, own)))
    return float(np.mean(out))


def _slope(x, y: np.ndarray) -> float:
    good = np.isfinite(y)
    return float(np.polyfit(np.log(np.asarray(x)[good]), np.log(y[good]), 1)[0]) if good.sum() > 1 else float("nan")


def sine_error(order: int, cycles: float, window: int = 10_000) -> float:
    """Return the amplitude of the error of a delayed sine over that of the sine, by the ideal memory in steps.

    cycles: in a window. window: steps.
    """
    t = np.arange(round(8 * window)) / window
    y = ideal(order, window, np.sin(2 * np.pi * cycles * t)) @ np.ones(order)
    # whole periods after the memory has forgotten its beginning
    periods = max(1, int(3 * cycles))
    late = t >= t[-1] - periods / cycles
    wrong = y[late] - np.sin(2 * np.pi * cycles * (t[late] - 1.0))
    return float(np.sqrt(2 * np.mean(wrong**2)))


def _long(p: Parameters) -> tuple[float, np.ndarray]:
    """Return the error of the long delay, and the input and what comes out, shape (some 1000, 2)."""
    n = p.long_steps
    u = noise(5 * n // 2, n, p.long_cycles, p.signal)
    y = ideal(p.long_order, n, u) @ np.ones(p.long_order)
    # the window fills, and what the first step of the input leaves behind is gone half a window later
    begin = 3 * n // 2
    wanted, found = u[begin - n:-n], y[begin:]
    error = float(np.sqrt(np.mean((found - wanted) ** 2) / np.mean(wanted**2)))
    return error, np.column_stack([wanted, found])[::max(1, n // 1000)]


def run(parameters: Parameters = Parameters(), *, duration: float | None = None, seed: int = 0, threads: int = 1,
        progress=None) -> Outcome:
    """Measure the ideal memory and the memory of neurons; `duration` (ms) cuts each of the runs off."""
    p = parameters
    options = dict(seed=seed, threads=threads, progress=progress)
    length = p.length * p.theta if duration is None else duration
    w = np.linspace(0.01, 2 * np.pi * p.order / 3, 200)
    measured = {"pade": float(np.abs(transfer(p.order, w) - pade(p.order, w)).max()), "sine_error": sine_error(p.order, 1.5)}
    results: dict[str, object] = {}
    measured["long_error"], results["long"] = _long(p)

    main = {}
    u = _input(p, duration, seed)
    for name, mode in (("spikes", nef.SPIKING), ("rates", nef.RATE)):
        main[name] = nef.simulate(build(p, duration=duration, seed=seed), length, p.dt, mode=mode, **options)
        measured[f"state_error_{name}"] = state_error(p, main[name], u)
    window = round(p.theta / p.dt)
    past = main["spikes"]["past"].values
    delays = np.linspace(0, window, past.shape[1]).round().astype(int)
    late = np.arange(round(FILLED * window), len(u))
    rms, read = np.sqrt(np.mean(u**2)), nef.Lowpass(READ).apply(u, p.dt)
    for name in main:
        wrong = [main[name]["past"].values[late, k] - read[late - s] for k, s in enumerate(delays)]
        measured[f"delay_error_{name}"] = float(np.sqrt(np.mean(wrong[-1] ** 2)) / rms) if late.size else float("nan")
        results[f"wrong_{name}"] = np.array([np.sqrt(np.mean(e**2)) / rms if late.size else np.nan for e in wrong])

    by_size = np.array([_errors(p, p.order, m, duration, options) for m in p.sizes])
    by_order = np.array([_errors(p, d, p.neurons, duration, options) for d in p.orders])
    measured |= {"slope_neurons": _slope(p.sizes, by_size), "slope_order": _slope(p.orders, by_order)}
    results |= {"time": np.arange(len(u)) * p.dt, "u": u, "past": past, "past_rates": main["rates"]["past"].values,
                "m": main["spikes"]["m"].values, "ideal": nef.Lowpass(p.tau).apply(ideal(p.order, window, u), p.dt),
                "delays": delays * p.dt, "sizes": np.array(p.sizes), "by_size": by_size, "orders": np.array(p.orders),
                "by_order": by_order}
    return Outcome(measured, results, p)


def figure(outcome: Outcome):
    """Return what comes out after a window, the coefficients, errors of the ideal memory, the long delay, errors of neurons."""
    r, p, m = outcome.results, outcome.parameters, outcome.measured
    blue, red, green, grey = *ns.plot.PALETTE[:3], "#8C8C8C"
    fig, axes = ns.plot.figure(2, 3, width=7.2, height=4.7)
    delayed, state, capacity, far, size, order = np.ravel(axes)
    t = r["time"] / 1000
    delayed.plot(t, r["past"][:, -1], color=blue, lw=0.5, label="spikes")
    delayed.plot(t, r["past_rates"][:, -1], color=red, lw=1.1, label="rates")
    delayed.plot(t + p.theta / 1000, r["u"], color="black", lw=0.8, ls="--", label="input, delayed")
    delayed.set(xlabel="Time (s)", ylabel="u(t - θ)", xlim=(0, t[-1]), ylim=(-1.3, 2.3))
    legend(delayed, "upper left", ncols=2)
    title(delayed, f"{p.neurons} {'Poisson' if p.cells == 'poisson' else 'LIF'} neurons, d = {p.order}")

    for k in range(p.order):
        color = ns.plot.PALETTE[k % 6]
        state.plot(t, r["m"][:, k] - 1.5 * k, color=color, lw=0.6)
        state.plot(t, r["ideal"][:, k] - 1.5 * k, color="black", lw=0.6, ls="--")
    state.set(xlabel="Time (s)", ylabel="Coefficient", xlim=(0, t[-1]), yticks=[-1.5 * k for k in range(p.order)],
              yticklabels=[f"$m_{{{k}}}$" for k in range(p.order)])
    title(state, "beside the ideal ones")

    cycles = np.linspace(0.02, 0.6, 300)
    for d, color in ((3, blue), (6, red), (12, green), (24, ns.plot.PALETTE[4])):
        w = 2 * np.pi * cycles * d
        capacity.plot(cycles, np.abs(pade(d, w) - np.exp(-1j * w)), color=color, lw=1.1, label=f"d = {d}")
    capacity.plot(1.5 / 6, m["sine_error"], ls="", marker="o", ms=3.5, color="black", label="in steps")
    capacity.axhline(0.01, color=grey, lw=0.6, ls=":")
    capacity.set(xlabel="Cycles in a window over d", ylabel="Error of the delay", yscale="log", ylim=(1e-6, 3), xlim=(0, 0.6))
    legend(capacity, "lower right")
    title(capacity, "ideal memory")

    steps = np.arange(len(r["long"])) * max(1, p.long_steps // 1000) / 1000
    far.plot(steps, r["long"][:, 0], color=blue, lw=1.1, label="input")
    far.plot(steps, r["long"][:, 1], color="black", lw=0.7, ls="--", label=f"{p.long_steps:,} steps later")
    far.set(xlabel="Step (thousands)", ylabel="u", xlim=(0, steps[-1] / 2), ylim=(-1.1, 1.6))
    legend(far, "upper right", ncols=2)
    title(far, f"ideal memory, d = {p.long_order}")

    size.loglog(r["sizes"], r["by_size"], marker="o", ms=3.5, color=blue, lw=1.1)
    size.loglog(r["sizes"], r["by_size"][0] * (r["sizes"] / r["sizes"][0]) ** -0.5, color=grey, ls="--", lw=0.7)
    size.set(xlabel="Neurons M", ylabel="Distance from ideal m")
    title(size, f"d = {p.order}, slope {m['slope_neurons']:.2f}")
    order.loglog(r["orders"], r["by_order"], marker="o", ms=3.5, color=blue, lw=1.1)
    order.loglog(r["orders"], r["by_order"][0] * r["orders"] / r["orders"][0], color=grey, ls="--", lw=0.7)
    order.set(xlabel="Coefficients d", ylabel="Distance from ideal m")
    title(order, f"M = {p.neurons}, slope {m['slope_order']:.2f}")
    for ax, ticks in ((size, r["sizes"]), (order, r["orders"])):
        ax.set_xticks(ticks, [f"{v:g}" for v in ticks])
        low, high = ax.get_ylim()
        marks = [v for v in (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0) if low <= v <= high]
        ax.set_yticks(marks, [f"{v:g}" for v in marks])
        ax.minorticks_off()
    letters(np.ravel(axes))
    return fig
