"""Neural Engineering Framework: decoding error, integrator, oscillator and Lorenz attractor (Eliasmith & Anderson 2003).

    encode   a_i = G(gain_i e_i x + bias_i),  LIF neurons with tau_m = 20 ms, t_ref = 2 ms
    decode   x^ = sum_i d_i a_i,   d = argmin <(x - x^)^2> + sigma^2 sum_i d_i^2
    error    E = <(x - sum_i d_i a_i(x))^2>  +  sigma^2 sum_i d_i^2
               distortion                      noise of variance sigma^2 on each activity

The part due to noise falls as 1/N, the distortion faster, about as 1/N^2 if the decoders do not have to care for noise. With
decoders made for noise of 10 % the distortion stops to fall like this at some hundred neurons, where it is a few percent of the
whole error: `distortion_slope_noisy` shows it.

Dynamics x' = f(x) + u through a synapse tau: the recurrent connection decodes tau f(x) + x. What is decoded wrongly is the
velocity of a drift:

    integrator         x' = (x^(x) - x)/tau         at rest where x^(x) = x
    leaky integrator   A' = 1 - tau/tau_eff:  time constant of the network tau/(1 - A')
    oscillator         x' = w [[0, -1], [1, 0]] x
    Lorenz             x' = 10 (y - x),  y' = x (28 - z) - y,  z' = x y - 8/3 z        1 unit of time = 2 s

The state of the Lorenz attractor is held as (x/20, y/27, (z - 24)/22), for which a ball of radius 1.2 has little empty space,
and with decoders for noise of 1 %: with the default of 10 %, or in units of their own in a ball of radius 60, what is decoded
wrongly is enough to widen the attractor or to make C+ and C- stable (in Nengo 4.1 as well).

x without unit, times in ms, rates in Hz. A network in rate mode keeps the distortion only: its states end in the zeros of
x^(x) - x, which can be computed from the decoders. Spikes add noise, which moves x on. LIF neurons moreover answer a change
about l = 1 ms sooner than their rate curve says, which moves an eigenvalue i w of the loop by l (i w/tau - w^2): the oscillator
of 1 Hz is 1 % faster and shrinks by 4 % in a second. The unstable points C+ and C- of the Lorenz attractor have the eigenvalues
0.094 +- 10.2i in its own time: with 1 unit = 1 s, as usual, w^2 l = 0.1 makes some of the networks stay there for long, and
with 2000 neurons distortion does.

Source: C. Eliasmith, C. H. Anderson (2003), Neural Engineering, MIT Press, isbn 9780262550604: chapters 2, 4 and 8.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

import neurosim as ns
from neurosim import nef
from neurosim.errors import ParameterError
from neurosim.nef.dynamics import nonlinear
from neurosim.published import Number, Outcome, Reference

from ._figures import legend, letters, title

#: ms during which an input carries integrators to where they start, and an oscillator onto its circle
CARRIED = 200.0
#: from where on integrators start, evenly
REACH = 0.8
#: Lorenz attractor: time left out, ms; scale, center and radius of what the ensemble holds; |x| from which on a wing counts
SETTLING = 10_000.0
SCALE, CENTER, RADIUS, WING = np.array([20.0, 27.0, 22.0]), np.array([0.0, 0.0, 24.0]), 1.2, 3.0
#: noise that distortion-only decoders are made for
FAINT = 0.001

REFERENCE = Reference(
    citation="C. Eliasmith, C. H. Anderson (2003), Neural Engineering: Computation, Representation, and Dynamics in "
    "Neurobiological Systems, MIT Press",
    doi="",
    numbers={
        "noise_slope": Number(-1.0, 0.1, "", "The book, chapter 2: the error due to noise falls as 1/N. Slope of its logarithm "
                              "over that of N: a fit over 32 to 1024 neurons is good to 0.03."),
        "distortion_slope": Number(-2.0, 0.5, "", "The book, chapter 2: the distortion falls as about 1/N^2, an observation; "
                                   "hence the wide tolerance. Here: decoders for noise of 0.1 %."),
        "time_constant": Number(1000.0, 100.0, "ms", "From the equations, tau/(1 - A') with the default tau and A'. Fit to the "
                                "mean of the networks in rate mode; 30 ms between "
                                "means of 20, by distortion."),
        "time_constant_spikes": Number(1000.0, 150.0, "ms", "The same with spikes: mean of 20 networks, whose noise lets the "
                                       "decay seem shorter or longer."),
        "at_rest": Number(0.0, 0.02, "", "From the equations: integrators in rate mode end in zeros of x^(x) - x. Largest "
                          "distance from the nearest zero after a minute; near flat zeros it takes longer. Zeros are "
                          "0.15 apart."),
        "frequency": Number(1.0, 0.005, "Hz", "From the equations, w/(2 pi), in rate mode; 0.1 % between networks."),
        "frequency_spikes": Number(1.0, 0.03, "Hz", "The same with spikes, 1.1 +- 0.2 % faster."),
        "lorenz_z": Number(23.55, 0.5, "", "Mean of z. From the equations, by Runge-Kutta with steps of 0.005, 52,000 units "
                           "of time: 23.55. Ten networks give 23.39 +- 0.13; the tolerance is three of these and the rest."),
        "lorenz_rms_x": Number(7.92, 0.1, "", "Root mean square of x, likewise: 7.92. Ten networks: 7.895 +- 0.022."),
        "lorenz_sd_z": Number(8.63, 0.5, "", "Standard deviation of z, likewise: 8.63. Ten networks: 8.71 +- 0.14."),
        "lorenz_switches": Number(0.577, 0.2, "", "Changes from one wing to the other in a unit of time, likewise: 0.577. Ten "
                                  "networks: 0.573 +- 0.07."),
    },
)


def _unit(default: float, unit: str):
    return field(default=default, metadata={"unit": unit})


@dataclass(frozen=True)
class Parameters:
    """sizes: numbers of neurons for the errors. draws: populations of each size, 20. noise: standard deviation of the noise on
    activities over the greatest one, 0.1. n: neurons of an integrator, 200. networks: integrators, 20. n_oscillator, n_lorenz:
    neurons, 500 and 4000. tau: synapse of recurrent connections (ms), 100. tau_eff: time constant of the leaky integrator (ms),
    1000. frequency: of the oscillator (Hz), 1. reg_lorenz: noise that the decoders of the Lorenz attractor are made for, 0.01.
    length: of the runs of integrators and oscillator (ms), 5000. rest: time that integrators in rate mode get to come to rest
    (ms), 60,000. unit: of the time of the Lorenz attractor (ms), 2000. length_lorenz: (ms), 130,000. max_rates: lowest and
    highest (Hz), 200 and 400. dt: time step (ms), 1. wiring: seed of the populations for the errors, 1.
    """

    sizes: tuple[int, ...] = (32, 64, 128, 256, 512, 1024)
    draws: int = 20
    noise: float = 0.1
    n: int = 200
    networks: int = 20
    n_oscillator: int = 500
    n_lorenz: int = 4000
    tau: float = _unit(100.0, "ms")
    tau_eff: float = _unit(1000.0, "ms")
    frequency: float = _unit(1.0, "Hz")
    reg_lorenz: float = 0.01
    length: float = _unit(5000.0, "ms")
    rest: float = _unit(60_000.0, "ms")
    unit: float = _unit(2000.0, "ms")
    length_lorenz: float = _unit(130_000.0, "ms")
    max_rates: tuple[float, ...] = field(default=(200.0, 400.0), metadata={"unit": "Hz"})
    dt: float = _unit(1.0, "ms")
    wiring: int = 1


def _rates(p: Parameters) -> ns.Uniform:
    if len(p.max_rates) != 2:
        raise ParameterError(f"max_rates={p.max_rates!r} must be two rates in Hz, the lowest and the highest.")
    return ns.Uniform(*p.max_rates)


def errors(p: Parameters, n: int, noise: float, draw: int) -> tuple[float, float]:
    """Return distortion and error due to noise of one population.

    n: neurons. noise: that the decoders are made for, standard deviation over the greatest activity. draw: which population.
    """
    cells = nef.Ensemble(n, encoders=nef.Sphere(), max_rates=_rates(p))
    x, a = nef.tuning_curves(cells, np.linspace(-1.0, 1.0, 501)[:, None], seed=1000 * p.wiring + draw)
    d, _ = nef.L2(noise)(a, x)
    return float(np.mean((a @ d - x) ** 2)), float((noise * a.max()) ** 2 * np.sum(d**2))


def starts(p: Parameters) -> np.ndarray:
    """Return where the integrators start, shape (networks,)."""
    return np.linspace(-REACH, REACH, p.networks) if p.networks > 1 else np.array([REACH / 2])


def build(parameters: Parameters = Parameters(), leaky: bool = False) -> nef.Network:
    """Return integrators side by side, each with neurons of its own, carried to `starts` by their input and then left alone.

    Decoded values are recorded by the probe ``x``, through a filter of 10 ms, the state of the synapses themselves by ``w``.

    parameters: see `Parameters`; leaky: with A' = 1 - tau/tau_eff, else 1.
    """
    p = parameters
    memory = nef.EnsembleArray(p.n, p.networks, name="memory", max_rates=_rates(p))
    wanted = starts(p)
    carry = nef.Node(lambda t: wanted if t < CARRIED else np.zeros(p.networks), name="input")
    rate = -1.0 / p.tau_eff if leaky else 0.0
    a, b = nef.recurrent(rate, 1.0 / CARRIED, p.tau, p.dt)
    relay = nef.Node(size_in=p.networks, name="state")
    links = [nef.Connection(carry, relay, transform=float(b[0, 0]), synapse=p.tau),
             nef.Connection(memory, relay, transform=float(a[0, 0]), synapse=p.tau, name="recurrent"),
             nef.Connection(relay, memory, synapse=None)]
    return nef.Network([carry, memory, relay], links, [nef.Probe(memory, synapse=10.0, name="x"), nef.Probe(relay, name="w")])


def oscillator(p: Parameters) -> nef.Network:
    """Return the oscillator; probe ``x``. A short input carries it to (0.8, 0)."""
    swing = nef.networks.oscillator(p.n_oscillator, p.frequency, synapse=p.tau, dt=p.dt, max_rates=_rates(p), name="oscillator")
    # against its own turning, or else a long input would lead nowhere
    w = 2 * np.pi * p.frequency / 1000.0
    size = REACH / CARRIED

    def carried(t: float) -> np.ndarray:
        return size * np.array([np.cos(w * t), np.sin(w * t)]) if t < CARRIED else np.zeros(2)

    kick = nef.Node(carried, name="kick")
    return nef.Network([kick, swing], [nef.Connection(kick, swing.input, synapse=None)],
                       [nef.Probe(swing.output, synapse=10.0, name="x")])


def lorenz(p: Parameters) -> nef.Network:
    """Return the Lorenz attractor; probe ``x`` gives the scaled state, see `unscaled`."""
    def field(state: np.ndarray) -> np.ndarray:
        x, y, z = np.moveaxis(unscaled(state), -1, 0)
        return np.stack([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z], axis=-1) / SCALE / p.unit

    solver = nef.L2(p.reg_lorenz)
    state = nef.Ensemble(p.n_lorenz, 3, radius=RADIUS, max_rates=_rates(p), name="lorenz")
    back = nef.Connection(state, state, function=nonlinear(field, p.tau, p.dt), synapse=p.tau, solver=solver)
    return nef.Network([state], [back], [nef.Probe(state, synapse=10.0, solver=solver, name="x")])


def unscaled(state: np.ndarray) -> np.ndarray:
    """Return x, y, z from what the ensemble holds, shape (..., 3)."""
    return state * SCALE + CENTER


def switches(x: np.ndarray) -> int:
    """Return how often x goes from above `WING` to below -WING or back."""
    side = np.sign(x[np.abs(x) > WING])
    return int(np.sum(side[1:] != side[:-1]))


def zeros(x: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Return where x^(x) - x changes its sign from + to -, where an integrator comes to rest.

    x: ascending, shape (m,). error: x^(x) - x, shape (m,).
    """
    k = np.flatnonzero((error[:-1] > 0) & (error[1:] <= 0))
    return x[k] + (x[k + 1] - x[k]) * error[k] / (error[k] - error[k + 1])


def decoded(built: nef.Built, ensemble: nef.Ensemble, decoders: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return x^(x) of one ensemble at x, shape (m,)."""
    return (built[ensemble].rates(x[:, None]) @ decoders)[:, 0]


def time_constant(times: np.ndarray, x: np.ndarray, begin: float, end: float) -> float:
    """Return the time constant (ms) of a line fitted to the logarithm of |x| between begin and end; NaN without decay."""
    inside = (times >= begin) & (times < end) & (x > 0)
    if inside.sum() < 2:
        return float("nan")
    slope = np.polyfit(times[inside], np.log(x[inside]), 1)[0]
    return float(-1.0 / slope) if slope < 0 else float("nan")


def turning(times: np.ndarray, x: np.ndarray, begin: float) -> float:
    """Return the mean frequency (Hz) of x (n_times, 2) around the origin after `begin`, from its angle."""
    inside = times >= begin
    if inside.sum() < 2:
        return float("nan")
    angle = np.unwrap(np.arctan2(x[inside, 1], x[inside, 0]))
    return float(1000.0 * (angle[-1] - angle[0]) / (2 * np.pi * (times[inside][-1] - times[inside][0])))


def _scaling(p: Parameters) -> dict[str, np.ndarray]:
    """Return mean errors by number of neurons, each of shape (sizes,)."""
    out: dict[str, list[float]] = {name: [] for name in ("distortion", "noise", "distortion_faint")}
    for n in p.sizes:
        found = np.mean([errors(p, n, p.noise, k) for k in range(p.draws)], axis=0)
        out["distortion"].append(found[0])
        out["noise"].append(found[1])
        out["distortion_faint"].append(np.mean([errors(p, n, FAINT, k)[0] for k in range(p.draws)]))
    return {name: np.array(values) for name, values in out.items()}


def _slope(sizes, values: np.ndarray) -> float:
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0]) if len(sizes) > 1 else float("nan")


def run(parameters: Parameters = Parameters(), *, duration: float | None = None, seed: int = 0, threads: int = 1,
        progress=None) -> Outcome:
    """Measure the errors and run integrators, oscillator and Lorenz attractor; `duration` (ms) cuts each of the runs off."""
    p = parameters
    limit = np.inf if duration is None else duration
    options = dict(dt=p.dt, seed=seed, threads=threads, progress=progress)
    scaling = _scaling(p)
    measured = {"noise_slope": _slope(p.sizes, scaling["noise"]),
                "distortion_slope": _slope(p.sizes, scaling["distortion_faint"]),
                "distortion_slope_noisy": _slope(p.sizes, scaling["distortion"])}
    results: dict[str, object] = {"sizes": np.array(p.sizes)} | scaling

    sign = np.sign(starts(p))
    for name, mode in (("time_constant", nef.RATE), ("time_constant_spikes", nef.SPIKING)):
        leaky = nef.simulate(build(p, leaky=True), min(CARRIED + 1.5 * p.tau_eff, limit), mode=mode, **options)["x"]
        measured[name] = time_constant(leaky.times, (leaky.values * sign).mean(axis=1), CARRIED + 100.0, CARRIED + p.tau_eff)
    net = build(p)
    spiking = nef.simulate(net, min(p.length, limit), mode=nef.SPIKING, **options)
    rate = nef.simulate(net, min(p.rest, limit), mode=nef.RATE, **options)
    # at both ends neurons saturate: whatever lies beyond comes back to the last zero
    grid = np.linspace(-1.5, 1.5, 3001)
    built = rate.built
    wrong, last, distance = [], rate["w"].values[-1], []
    for k, (ensemble, d) in enumerate(zip(net["memory"].ensembles, built.decoders("recurrent"))):
        wrong.append(decoded(built, ensemble, d, grid) - grid)
        distance.append(np.min(np.abs(zeros(grid, wrong[-1]) - last[k]), initial=np.inf))
    measured["at_rest"] = float(np.max(distance)) if limit >= p.rest else float("nan")
    x = spiking["x"]
    begun = int(np.argmin(np.abs(x.times - CARRIED - 50.0)))
    moved = x.values[-1] - x.values[begun]
    seconds = max(x.times[-1] - x.times[begun], p.dt) / 1000.0
    measured["drift"] = float(np.sqrt(np.mean(moved**2)) / seconds)
    measured["drift_distortion"] = float(1000.0 / p.tau * np.sqrt(np.mean(np.square(wrong)[:, np.abs(grid) <= REACH])))

    for name, mode in (("frequency", nef.RATE), ("frequency_spikes", nef.SPIKING)):
        swing = nef.simulate(oscillator(p), min(p.length, limit), mode=mode, **options)["x"]
        measured[name] = turning(swing.times, swing.values, 2 * CARRIED)
    measured["oscillator_radius"] = float(np.linalg.norm(swing.values[swing.times >= 2 * CARRIED], axis=1).mean()) \
        if swing.times[-1] >= 2 * CARRIED else float("nan")
    wings = nef.simulate(lorenz(p), min(p.length_lorenz, limit), mode=nef.SPIKING, **options)["x"]
    path = unscaled(wings.values)
    late = path[wings.times >= SETTLING]
    if len(late):
        measured |= {"lorenz_z": float(late[:, 2].mean()), "lorenz_rms_x": float(np.sqrt(np.mean(late[:, 0] ** 2))),
                     "lorenz_sd_z": float(late[:, 2].std()),
                     "lorenz_switches": switches(late[:, 0]) / (len(late) * p.dt / p.unit)}
    tuning = nef.tuning_curves(nef.Ensemble(12, max_rates=_rates(p)), seed=p.wiring)
    results |= {"tuning_x": tuning[0][:, 0], "tuning": tuning[1], "grid": grid, "wrong": np.array(wrong), "last": last,
                "integrators": np.column_stack([x.times, x.values])[::5], "rate": np.column_stack([rate["x"].times,
                                                                                                 rate["x"].values])[::20],
                "oscillator": np.column_stack([swing.times, swing.values])[::2],
                "lorenz": np.column_stack([wings.times, path])[::2]}
    return Outcome(measured, results, p)


def figure(outcome: Outcome):
    """Return tuning curves, errors, integrators, their drift, the oscillator and the Lorenz attractor."""
    r, p, m = outcome.results, outcome.parameters, outcome.measured
    blue, red, green, grey = *ns.plot.PALETTE[:3], "#8C8C8C"
    fig, axes = ns.plot.figure(2, 3, width=7.2, height=4.7)
    curves, error, memory, drift, circle, wings = np.ravel(axes)
    ns.plot.tuning_curves(r["tuning_x"], r["tuning"], ax=curves)
    curves.set(xlabel="x", ylabel="Rate (Hz)", xlim=(-1, 1), ylim=(0, None))

    n = r["sizes"]
    for values, color, name in ((r["noise"], blue, "noise"), (r["distortion_faint"], red, "distortion"),
                                (r["distortion"], green, "distortion, for noise")):
        error.loglog(n, values, marker="o", ms=3, lw=1.1, color=color, label=name)
    for first, power in ((r["noise"][0], -1), (r["distortion_faint"][0], -2)):
        error.loglog(n, first * (n / n[0]) ** power, color=grey, lw=0.7, ls="--")
        error.annotate(f"$N^{{{power}}}$", (n[-1], first * (n[-1] / n[0]) ** power), fontsize=6, color="#595959",
                       textcoords="offset points", xytext=(2, 2))
    error.set(xlabel="Neurons N", ylabel="Squared error")
    legend(error, "lower left")
    title(error, f"decoding error, {p.draws} draws")

    times, values = r["integrators"][:, 0], r["integrators"][:, 1:]
    for k in range(values.shape[1]):
        memory.plot(times / 1000, values[:, k], color=blue, lw=0.6, alpha=0.8)
        memory.axhline(starts(p)[k], color=grey, lw=0.4, ls=":", zorder=0)
    memory.set(xlabel="Time (s)", ylabel="x", xlim=(0, times[-1] / 1000), ylim=(-1.25, 1.25))
    title(memory, f"integrators of {p.n} neurons")

    velocity = 1000.0 / p.tau * r["wrong"][0]
    drift.axhline(0, color=grey, lw=0.6)
    drift.plot(r["grid"], velocity, color=blue, lw=1.1)
    rest = zeros(r["grid"], r["wrong"][0])
    drift.plot(rest, np.zeros(rest.size), ls="", marker="o", ms=3.5, color=red, label="at rest")
    inner = velocity[np.abs(r["grid"]) <= 1.0]
    drift.set(xlabel="x", ylabel="Drift (1/s)", xlim=(-1.1, 1.1), ylim=(1.3 * inner.min(), 1.5 * inner.max()))
    legend(drift, "upper right")
    title(drift, "drift of one of them")

    swing = r["oscillator"]
    circle.plot(swing[:, 1], swing[:, 2], color=blue, lw=0.6)
    circle.set(xlabel="$x_1$", ylabel="$x_2$", xlim=(-1.25, 1.25), ylim=(-1.25, 1.25))
    circle.set_aspect("equal", adjustable="box")
    title(circle, f"oscillator, {m['frequency_spikes']:.2f} Hz")

    path = r["lorenz"][r["lorenz"][:, 0] < 40 * p.unit]
    wings.plot(path[:, 1], path[:, 3], color=blue, lw=0.35)
    spread = np.sqrt(8 / 3 * 27)
    wings.plot([-spread, spread], [27.0] * 2, ls="", marker="+", color=red, ms=5)
    wings.set(xlabel="x", ylabel="z")
    title(wings, "Lorenz attractor")
    letters(np.ravel(axes))
    return fig
