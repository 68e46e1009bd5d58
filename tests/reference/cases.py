"""The runs that are held against Brian2, described once for both sides.

A `Case` is plain data: the model and its parameters in the units of neurosim (mV, ms, nA, nF, uS, MOhm; densities for the
squid axon), the method, the drive.  `run_neurosim` runs it with the built-in model, `brian2_side.run_brian2` with
equations written in Brian2's language and SI units.  data/reference/ holds what Brian2 gave for `STORED`.

What differs between the two simulators, and is put right here or in `brian2_side`:

    label of a spike    in the step from t to t + dt: Brian2 says t, neurosim t + dt
    refractory period   Brian2 integrates again from t + t_ref on, neurosim from t + dt + t_ref on: Brian2 is given t_ref + dt
    sampled current     Brian2's rk4 would look up t + dt/2 and t + dt; "(constant over dt)" holds it during the step
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

import neurosim as ns

STORE = Path(__file__).resolve().parents[2] / "data" / "reference"


@dataclass(frozen=True)
class Drive:
    """Input current of `n` neurons: amplitude[k], in [start, stop) only, plus frozen noise.

    Attributes:
        amplitude: one value for each neuron, in the unit of the input.
        start, stop: ms.
        sigma: standard deviation of the noise, drawn anew every `interval` ms from PCG64(seed), one column a neuron.
    """

    amplitude: tuple[float, ...]
    start: float = 0.0
    stop: float | None = None
    sigma: float = 0.0
    interval: float = 0.1
    seed: int = 0

    def noise(self, duration: float) -> np.ndarray | None:
        """Return the noise, shape (n_times, n), or None."""
        if not self.sigma:
            return None
        shape = (round(duration / self.interval), len(self.amplitude))
        drawn = np.random.Generator(np.random.PCG64(self.seed)).standard_normal(shape)
        # a grid of 2**-12 packs better, and no digit is lost in a file or by a conversion
        return np.round(self.sigma * drawn * 4096) / 4096

    def samples(self, duration: float, noise: np.ndarray | None) -> np.ndarray:
        """Return the whole current, shape (n_times, n), in rows of `interval`."""
        times = np.arange(round(duration / self.interval)) * self.interval
        stop = duration if self.stop is None else self.stop
        on = (times > self.start - 1e-9) & (times < stop - 1e-9)
        current = on[:, None] * np.array(self.amplitude)
        return current if noise is None else current + noise


@dataclass(frozen=True)
class Case:
    """One run.

    Attributes:
        model: key of `MODELS`.
        drive: the input current.
        method: name of the integrator, the same on both sides.
        dt, duration: ms.
        parameters: values that replace the defaults of the built-in: number, or one for each neuron.
        every: interval of the recorded traces in ms.
    """

    name: str
    model: str
    drive: Drive
    method: str
    dt: float
    duration: float
    parameters: dict[str, float | tuple[float, ...]] = field(default_factory=dict)
    every: float = 0.5

    @property
    def size(self) -> int:
        """Number of neurons."""
        return len(self.drive.amplitude)

    def description(self) -> str:
        """Return the case as JSON: a stored run is stale if it was made from another one."""
        return json.dumps(asdict(self), sort_keys=True)

    def values(self) -> dict[str, float | tuple[float, ...]]:
        """Return every parameter of the model: those of the case, else the defaults."""
        return {**MODELS[self.model].factory().parameters, **self.parameters}


@dataclass(frozen=True)
class Run:
    """What a simulator gave: spike times are the ends of the steps (ms), traces have shape (n_times, n)."""

    spike_times: np.ndarray
    spike_neurons: np.ndarray
    times: np.ndarray
    traces: dict[str, np.ndarray]


@dataclass(frozen=True)
class Model:
    """A built-in model, the states that are compared, and the largest differences that rounding explains.

    Attributes:
        tolerance: by state, in its unit.
    """

    factory: object
    tolerance: dict[str, float]


#: Both sides do the same operations on float64, in another order and in other units (volt against mV).  A rounding error
#: of 1e-16 of 100 mV is 1e-14 mV; a step of the subthreshold equations damps it, an upstroke amplifies it: by the ratio
#: of the slopes of v, some 1e3 for an action potential or a run to the peak.  Over hundreds of spikes that gives 1e-10 mV;
#: the bounds leave a factor of 100 for other processors and libraries.
MODELS = {
    "lif": Model(ns.LIF, {"v": 1e-9}),
    "adex": Model(ns.AdEx, {"v": 1e-7, "w": 1e-10}),
    "izhikevich": Model(ns.Izhikevich, {"v": 1e-7, "u": 1e-8}),
    "hodgkin_huxley": Model(ns.HodgkinHuxley, {"v": 1e-7, "m": 1e-9, "h": 1e-9, "n": 1e-9}),
    "traub_miles": Model(ns.TraubMiles, {"v": 1e-7, "m": 1e-9, "h": 1e-9, "n": 1e-9}),
}

#: a level alone, as Brian2's edge detection compares it before and after a step
LEVEL = {"v_th": 0.0, "dv_th": -1e6}


def _stored() -> tuple[Case, ...]:
    """Every model under constant, step and noisy current, with every method that both sides have."""
    plan = {
        "lif": (("exact", "euler", "exponential_euler", "rk4"), 0.1, 300.0, (1.4, 1.6, 2.0, 3.0), 0.8,
                {"t_ref": (0.0, 1.0, 2.0, 5.0)}),
        "adex": (("euler", "rk4"), 0.05, 300.0, (0.5, 0.7, 0.9, 1.2), 0.6,
                 {"t_ref": (0.0, 0.0, 1.0, 3.0), "v_reset": (-70.6, -58.0, -70.6, -50.0)}),
        "izhikevich": (("euler", "rk4"), 0.05, 250.0, (5.0, 7.0, 5.0, 14.0), 6.0,
                       {"a": (0.02, 0.02, 0.1, 0.02), "b": (0.2, 0.2, 0.2, 0.25),
                        "c": (-65.0, -55.0, -65.0, -50.0), "d": (8.0, 4.0, 2.0, 2.0)}),
        "hodgkin_huxley": (("exponential_euler", "euler", "rk4"), 0.02, 100.0, (2.0, 7.0, 12.0, 30.0), 10.0, LEVEL),
        "traub_miles": (("exponential_euler", "euler", "rk4"), 0.02, 100.0, (0.05, 0.2, 0.5, 1.0), 0.3, {}),
    }
    cases = []
    for model, (methods, dt, duration, amplitude, sigma, parameters) in plan.items():
        drives = {
            "constant": Drive(amplitude),
            "step": Drive(tuple(1.2 * a for a in amplitude), start=20.0, stop=0.6 * duration),
            "noise": Drive(amplitude, sigma=sigma, seed=20 + len(cases)),
        }
        cases += [Case(f"{model}/{shape}/{method}", model, drive, method, dt, duration, parameters,
                       every=0.2 if dt < 0.05 else 0.5) for shape, drive in drives.items() for method in methods]
    return tuple(cases)


STORED = _stored()


def run_neurosim(case: Case, noise: np.ndarray | None = None, method: str | None = "as in the case", **options) -> Run:
    """Run a case with the built-in model.

    Args:
        noise: the frozen noise, shape (n_times, n); None: drawn as the case says.
        method: another integrator than that of the case.
        **options: further arguments of `simulate`.
    """
    model = MODELS[case.model]
    cells = ns.Population(case.size, model.factory(**{k: np.array(v) for k, v in case.parameters.items()}), name="cells")
    drive = case.drive
    stimuli = [ns.Step(np.array(drive.amplitude), target=cells, start=drive.start, stop=drive.stop)]
    noise = drive.noise(case.duration) if noise is None else noise
    if noise is not None:
        stimuli.append(ns.TimedArray(noise, drive.interval, target=cells))
    probes = [ns.Probe(cells, name, every=case.every) for name in model.tolerance]
    result = ns.simulate(ns.Network([cells], stimuli=stimuli, probes=probes), case.duration, case.dt,
                         method=case.method if method == "as in the case" else method, **options)
    spikes = result.spikes["cells"]
    return Run(spikes.times, spikes.indices, result.traces["v"].times,
               {name: result.traces[name].values for name in model.tolerance})


def differences(one: Run, two: Run) -> dict[str, float]:
    """Return the largest difference of each trace, after checking that the traces have the same times."""
    np.testing.assert_allclose(one.times, two.times, rtol=0, atol=1e-9)
    return {name: float(np.max(np.abs(one.traces[name] - two.traces[name]))) for name in one.traces}


def spike_shift(one: Run, two: Run) -> float:
    """Return the largest difference of corresponding spike times in ms; infinite if a neuron has another number of them."""
    worst = 0.0
    for neuron in np.union1d(one.spike_neurons, two.spike_neurons):
        a = np.sort(one.spike_times[one.spike_neurons == neuron])
        b = np.sort(two.spike_times[two.spike_neurons == neuron])
        if len(a) != len(b):
            return float("inf")
        worst = max(worst, float(np.max(np.abs(a - b))))
    return worst


def sha256(path: Path) -> str:
    """Return the hash of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def file_of(case: Case) -> Path:
    """Return the file that holds the stored run of a case."""
    return STORE / f"brian2_{case.model}.h5"


def read_stored(case: Case) -> tuple[Run, np.ndarray | None, dict]:
    """Return (run, frozen noise or None, attributes) of a case from its file."""
    import h5py

    with h5py.File(file_of(case), "r") as file:
        group = file[case.name]
        attributes = dict(file.attrs) | dict(group.attrs)
        traces = {name: d[...] for name, d in group["traces"].items()}
        times = np.arange(len(next(iter(traces.values())))) * case.every
        noise = file[group.attrs["noise"]][...] if "noise" in group.attrs else None
        return Run(group["spike_times"][...], group["spike_neurons"][...], times, traces), noise, attributes
