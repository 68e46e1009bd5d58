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

#: interval between the samples of a drive in ms
INTERVAL = 0.1
STORE = Path(__file__).resolve().parents[2] / "data" / "reference"


@dataclass(frozen=True)
class Drive:
    """Input current of some neurons: amplitude[k] in [start, stop) only, plus frozen noise.

    Attributes:
        amplitude: one value for each neuron, in the unit of the input.
        start, stop: ms.
        sigma: standard deviation of the noise, drawn anew every `INTERVAL` from PCG64(seed), one column a neuron.
    """

    name: str
    amplitude: tuple[float, ...]
    start: float = 0.0
    stop: float | None = None
    sigma: float = 0.0
    seed: int = 0

    def noise(self, duration: float) -> np.ndarray | None:
        """Return the noise, shape (n_times, n), or None."""
        if not self.sigma:
            return None
        shape = (round(duration / INTERVAL), len(self.amplitude))
        drawn = np.random.Generator(np.random.PCG64(self.seed)).standard_normal(shape)
        # on a grid of 2**-12: packs better, and no digit is lost on the way
        return np.round(self.sigma * drawn * 4096) / 4096

    def samples(self, duration: float, noise: np.ndarray | None) -> np.ndarray:
        """Return the whole current, shape (n_times, n), in rows of `INTERVAL`."""
        times = np.arange(round(duration / INTERVAL)) * INTERVAL
        stop = duration if self.stop is None else self.stop
        on = (times > self.start - 1e-9) & (times < stop - 1e-9)
        current = on[:, None] * np.array(self.amplitude)
        return current if noise is None else current + noise


@dataclass(frozen=True)
class Case:
    """One run of one population, whose neurons belong to the drives one after another.

    Attributes:
        model: key of `MODELS`.
        method: name of the integrator, the same on both sides.
        dt, duration: ms.
        drives: the input currents.
        parameters: values that replace the defaults of the built-in: number, or one for each neuron.
        every: interval of the recorded traces in ms.
    """

    model: str
    method: str
    dt: float
    duration: float
    drives: tuple[Drive, ...]
    parameters: dict[str, float | tuple[float, ...]] = field(default_factory=dict)
    every: float = 0.5

    @property
    def name(self) -> str:
        """Name in messages and files."""
        return f"{self.model}/{self.method}"

    @property
    def size(self) -> int:
        """Number of neurons."""
        return sum(len(d.amplitude) for d in self.drives)

    def neurons(self, drive: str) -> range:
        """Return the neurons of a drive."""
        first = 0
        for d in self.drives:
            if d.name == drive:
                return range(first, first + len(d.amplitude))
            first += len(d.amplitude)
        raise KeyError(drive)

    def noises(self) -> dict[str, np.ndarray]:
        """Return the frozen noise by name of the drive."""
        return {d.name: d.noise(self.duration) for d in self.drives if d.sigma}

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

    def of(self, neurons: range) -> Run:
        """Return the part of the run that belongs to some neurons."""
        keep = (self.spike_neurons >= neurons.start) & (self.spike_neurons < neurons.stop)
        return Run(self.spike_times[keep], self.spike_neurons[keep], self.times,
                   {name: values[:, neurons.start:neurons.stop] for name, values in self.traces.items()})


@dataclass(frozen=True)
class Model:
    """A built-in model, the states that are compared, and the largest differences that rounding explains.

    Attributes:
        tolerance: by state, in its unit.
    """

    factory: object
    tolerance: dict[str, float]


#: Both sides do the same operations on float64, in another order and in other units (volt against mV).  A rounding error
#: of 1e-16 of 100 mV is 1e-14 mV.  Below threshold the equations damp it; an upstroke amplifies it by the ratio of the
#: slopes of v, some 1e3 for an action potential and more for a run to the peak.  1e-12 (LIF, which only damps), 2e-9 (AdEx,
#: channels) and 7e-9 mV (Izhikevich) were seen; the bounds leave a factor of 40 and more for other processors.
#: Fast spiking by Izhikevich (a = 0.1) is left out: with a reset on the grid of dt, the map from spike to spike doubles any
#: error, so that rounding alone reaches 0.05 mV after 41 spikes.
MODELS = {
    "lif": Model(ns.LIF, {"v": 1e-9}),
    "adex": Model(ns.AdEx, {"v": 1e-7, "w": 1e-10}),
    "izhikevich": Model(ns.Izhikevich, {"v": 3e-7, "u": 1e-9}),
    "hodgkin_huxley": Model(ns.HodgkinHuxley, {"v": 1e-7, "m": 1e-9, "h": 1e-9, "n": 1e-9}),
    "traub_miles": Model(ns.TraubMiles, {"v": 1e-7, "m": 1e-9, "h": 1e-9, "n": 1e-9}),
}

#: a level alone, as Brian2's edge detection compares it before and after a step
LEVEL = {"v_th": 0.0, "dv_th": -1e6}


def drives_of(amplitude: tuple[float, ...], sigma: float, duration: float, seed: int) -> tuple[Drive, ...]:
    """Return the three drives of every case, each with neurons of its own."""
    stronger = tuple(1.2 * a for a in amplitude)
    return (Drive("constant", amplitude), Drive("step", stronger, start=0.1 * duration, stop=0.6 * duration),
            Drive("noise", amplitude, sigma=sigma, seed=seed))


def _stored() -> tuple[Case, ...]:
    """Every model, with every method that both sides have; parameters for the four neurons of a drive."""
    plan = {
        "lif": (("exact", "euler", "exponential_euler", "rk4"), 0.1, 300.0, (1.4, 1.6, 2.0, 3.0), 0.8,
                {"t_ref": (0.0, 1.0, 2.0, 5.0)}),
        "adex": (("euler", "rk4"), 0.05, 300.0, (0.5, 0.7, 0.9, 1.2), 0.6,
                 {"t_ref": (0.0, 0.0, 1.0, 3.0), "v_reset": (-70.6, -58.0, -70.6, -50.0)}),
        "izhikevich": (("euler", "rk4"), 0.05, 250.0, (5.0, 7.0, 10.0, 12.0), 6.0,
                       {"a": (0.02, 0.02, 0.03, 0.02), "b": (0.2, 0.2, 0.2, 0.25),
                        "c": (-65.0, -55.0, -65.0, -65.0), "d": (8.0, 4.0, 6.0, 4.0)}),
        "hodgkin_huxley": (("exponential_euler", "euler", "rk4"), 0.02, 100.0, (2.0, 7.0, 12.0, 30.0), 10.0, LEVEL),
        "traub_miles": (("exponential_euler", "euler", "rk4"), 0.02, 100.0, (0.05, 0.2, 0.5, 1.0), 0.3, {}),
    }
    cases = []
    for seed, (model, (methods, dt, duration, amplitude, sigma, parameters)) in enumerate(plan.items(), start=20):
        drives = drives_of(amplitude, sigma, duration, seed)
        spread = {k: v * len(drives) if isinstance(v, tuple) else v for k, v in parameters.items()}
        cases += [Case(model, method, dt, duration, drives, spread, 0.5 if dt > 0.02 else 0.2) for method in methods]
    return tuple(cases)


STORED = _stored()


def run_neurosim(case: Case, noises: dict[str, np.ndarray] | None = None, method: str | None = None, **options) -> Run:
    """Run a case with the built-in model.

    Args:
        noises: the frozen noise by drive, each of shape (n_times, n); None: drawn as the case says.
        method: another integrator than that of the case.
        **options: further arguments of `simulate`.
    """
    model = MODELS[case.model]
    cells = ns.Population(case.size, model.factory(**{k: np.array(v) for k, v in case.parameters.items()}), name="cells")
    noises = case.noises() if noises is None else noises
    stimuli = []
    for drive in case.drives:
        part = cells[list(case.neurons(drive.name))]
        stimuli.append(ns.Step(np.array(drive.amplitude), target=part, start=drive.start, stop=drive.stop))
        if drive.name in noises:
            stimuli.append(ns.TimedArray(noises[drive.name], INTERVAL, target=part))
    probes = [ns.Probe(cells, name, every=case.every) for name in model.tolerance]
    result = ns.simulate(ns.Network([cells], stimuli=stimuli, probes=probes), case.duration, case.dt,
                         method=method or case.method, **options)
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


def read_stored(case: Case) -> tuple[Run, dict[str, np.ndarray], dict]:
    """Return (run, frozen noise by drive, attributes) of a case from its file."""
    import h5py

    with h5py.File(file_of(case), "r") as file:
        group = file[case.method]
        attributes = dict(file.attrs) | dict(group.attrs)
        traces = {name: d[...] for name, d in group["traces"].items()}
        times = np.arange(len(next(iter(traces.values())))) * case.every
        noises = {name: d[...] for name, d in file["noise"].items()}
        return Run(group["spike_times"][...], group["spike_neurons"][...], times, traces), noises, attributes
