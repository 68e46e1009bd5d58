"""Run a network: checks, memory, the loop over stretches of steps, threads, and what is returned.

Without projections neurons do not meet, and each thread takes its tiles through a whole stretch; connected networks run in
epochs of their shortest delay (epochs.py).  A stretch ends for the progress bar, for Ctrl-C or when a spike buffer is full;
where it ends changes no bit of the result.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from neurosim import __version__
from neurosim.codegen.layout import make_book
from neurosim.codegen.plan import LANES
from neurosim.errors import NeurosimWarning, NumericalWarning, SimulationError
from neurosim.simulator.changes import Changes, changed
from neurosim.simulator.connections import Connections
from neurosim.simulator.epochs import STRETCH, EpochLoop, Wires, connect
from neurosim.simulator.interruption import Interruption
from neurosim.simulator.live import refills
from neurosim.simulator.lower import Group, lower
from neurosim.simulator.memory import check_memory
from neurosim.simulator.network import Network
from neurosim.simulator.population import Population
from neurosim.simulator.progress import Progress
from neurosim.simulator.recording import lay_out
from neurosim.simulator.results import Result, State
from neurosim.simulator.sampling import Sampler
from neurosim.simulator.spikes import SpikeTrains
from neurosim.simulator.stability import check_stability
from neurosim.simulator.traces import Trace

#: spikes a thread can hold before it comes back
CAPACITY = 1 << 18
#: what may help, by words of the reason why a run stopped
ADVICE = {"no longer finite": " Try a smaller dt, or look for a division by zero or a missing bound in the equations.",
          "max_rate": " Look at weights and their units, at the drive and at the balance of excitation and inhibition, or "
                      "give a higher max_rate."}


def simulate(network: Network | Population, duration: float, dt: float = 0.1, *, seed: int = 0, threads: int = 1,
             method: str | Mapping[str, str] | None = None, dtype: str = "float64", resume: Result | None = None,
             changes: Mapping[str, Any] | None = None, max_rate: float | None = None,
             progress: bool | None = None) -> Result:
    """Integrate a network for `duration` ms in steps of `dt` ms.

    A step runs in this order: record, deliver events, integrate, threshold and reset.  A spike that happens in the step
    from t to t + dt has the time t + dt; a probe shows the state at the start of a step.

    Args:
        network: the network (or a single population).
        duration: ms; a multiple of dt.
        dt: time step in ms.
        seed: seed of all random numbers (0 to 2**63 - 1); the same seed gives the same bits for any number of threads
            and any split of the run.
        threads: number of threads.
        method: integrator for all populations or by name of the population: "exact", "euler", "exponential_euler",
            "heun", "rk4", "euler_maruyama", "milstein"; None: chosen by analysis of the equations.
        dtype: "float64" or "float32".
        resume: result of an earlier run of the same network, to be continued from its last state.
        changes: what differs from the network from now on: ``{"E": {"tau_m": 15.0}, "E->I": False}``; see `changes.changed`.
        max_rate: stop when a population of a connected network fires above this rate (Hz, mean over 50 ms or more); None: a
            rate that can only be runaway activity is reported, and the run goes on.
        progress: show a progress bar; None: on a terminal, if the run lasts more than a second.

    Returns:
        The `Result`: spikes, traces, final state. A run that is stopped by Ctrl-C or by a state that turns NaN or
        infinite gives a warning and returns what was recorded until then; `result.completed` is False.

    Raises:
        SimulationError: for a duration, step or thread number that cannot be used, or too little memory.
        ModelError, ParameterError, NetworkError: for a network that cannot run.
    """
    if isinstance(network, Population):
        network = Network([network])
    if not isinstance(network, Network):
        raise SimulationError(f"simulate needs a Network or a Population, not {type(network).__name__}.")
    dt, n_steps = _times(duration, dt)
    seed = _whole(seed, "seed", 0, 2**63 - 1)
    threads = _whole(threads, "threads", 1, 1024)
    single = _precision(dtype)
    check_memory(network, n_steps, dt, single)
    if max_rate is not None and (isinstance(max_rate, bool) or not isinstance(max_rate, Real) or not max_rate > 0):
        raise SimulationError(f"max_rate must be a positive rate in Hz, not {max_rate!r}.")
    first, origin, time0, wires = 0, 0, 0.0, None
    if resume is not None:
        _check_resume(resume, network, dt, single)
        first, origin, time0 = _clock_of(resume.state, dt)
    now = changed(network, changes, resume.state.changes if resume is not None else None)
    groups = lower(network, dt, seed, method, single, __version__, now.models, (origin, time0))
    for group in groups:
        check_stability(group, dt)
    if resume is not None:
        wires = _restore(resume, groups, dt)
    elif network.projections or any(g.live for g in groups):
        wires = connect(network, groups, dt, seed, single, threads)
    if single and first + n_steps >= 2**31:
        raise SimulationError("A float32 run counts steps in 32 bits: fewer than 2**31 steps. Use float64 or a larger dt.")
    for group in groups:
        if wires is not None:
            group.geometry = wires.geometry[group.population]
        _prepare_recording(group, network, (first, n_steps, dt), time0 / dt - origin)
    started = time.perf_counter()
    bar = Progress(n_steps * dt, progress)
    if wires is not None:
        wires.apply(now, network.name_of)
        loop = EpochLoop(groups, wires, threads, (origin, float(time0), float(dt), seed), first, resume is None)
        runners = loop.parts
        compile_s = time.perf_counter() - started
        samplers = refills(groups, (first, first + n_steps, origin, float(time0), dt), wires.answers)
        samplers += [Sampler(network, p, name, wires.deliveries[p.link], first, n_steps, dt)
                    for p, name in network.probes_of_links()]
        reached, problem = loop.run(first, n_steps, bar, samplers, max_rate)
    else:
        runners = [_Runner(g, threads, seed, origin, time0, dt, n_steps > 0) for g in groups]
        compile_s = time.perf_counter() - started
        samplers = []
        reached, problem = _loop(runners, first, n_steps, threads, bar)
    clock = _Clock(first, reached, origin, time0, dt)
    return _collect(network, runners, wires, samplers, now, clock, seed, problem, compile_s)


# -- arguments ----------------------------------------------------------------------------------------------------

def _real(value: Any, name: str) -> float:
    if hasattr(value, "to") or (isinstance(value, str) and " " in value.strip()):
        from neurosim.units import to_number

        value = to_number(value, "ms", name)
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise SimulationError(f"{name} must be a number in ms, not {value!r}.") from None
    if not np.isfinite(number):
        raise SimulationError(f"{name} must be finite, not {number}.")
    return number


def _times(duration: Any, dt: Any) -> tuple[float, int]:
    duration, dt = _real(duration, "duration"), _real(dt, "dt")
    if dt <= 0:
        raise SimulationError(f"dt must be positive, not {dt} ms.")
    if duration < 0:
        raise SimulationError(f"duration must not be negative; it is {duration} ms.")
    n_steps = round(duration / dt)
    if n_steps > 2**53:
        raise SimulationError(f"{duration} ms in steps of {dt} ms are {n_steps} steps: more than can be counted exactly.")
    if abs(n_steps * dt - duration) > 1e-6 * dt * max(1, n_steps):
        warnings.warn(f"duration={duration} ms is not a multiple of dt={dt} ms; the run lasts {n_steps * dt:g} ms.",
                      NeurosimWarning, stacklevel=3)
    return dt, n_steps


def _whole(value: Any, name: str, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not low <= value <= high:
        raise SimulationError(f"{name} must be a whole number from {low} to {high}, not {value!r}.")
    return int(value)


def _precision(dtype: Any) -> bool:
    try:
        name = np.dtype(dtype).name
    except TypeError:
        name = str(dtype)
    if name not in ("float64", "float32"):
        raise SimulationError(f"dtype must be 'float64' or 'float32', not {dtype!r}.")
    return name == "float32"


# -- the loop -----------------------------------------------------------------------------------------------------

class _Runner:
    """One group with its compiled entry (none for a run without steps), spike buffers and recorded spikes."""

    def __init__(self, group: Group, threads: int, seed: int, origin: int, time0: float, dt: float, compiled: bool):
        self.group, self.program = group, group.program
        n_tiles = self.program.n_tiles
        edges = np.linspace(0, n_tiles, min(threads, n_tiles) + 1).astype(int)
        self.parts = list(zip(edges[:-1], edges[1:]))
        self.buffers: list[np.ndarray] = []
        self.scratch = [self.program.scratch() for _ in self.parts]
        self.ring = np.zeros(1, self.program.real)
        self.common = (origin, float(time0), float(dt), seed, group.stream)
        self.pieces: list[list[np.ndarray]] = [[] for _ in self.parts]
        self.chunks: list[tuple[np.ndarray, np.ndarray]] = []
        self.bad: tuple[int, int, int] | None = None
        self.advance = self.program.advance if compiled else None
        self.cursors = [np.array([low, 0, low, -1, 0, 0], np.int64) for low, _ in self.parts]

    def capacity(self, n_steps: int) -> None:
        """Make room for the spikes of one tile in every part."""
        need = min(LANES, self.program.n) * n_steps if self.program.plan.fire is not None else 0
        size = max(need, min(CAPACITY, self.program.n * n_steps), 1)
        if not self.buffers or len(self.buffers[0]) < size:
            self.buffers = [np.empty(size, np.int64) for _ in self.parts]
            g, program = self.group, self.program
            self.jobs = [self.advance.bind(program.x.reshape(-1), program.hold, program.pu, g.tab, g.timing, g.book, g.rec,
                                           self.buffers[k], self.cursors[k], *self.scratch[k], self.ring, program.n,
                                           *self.common)
                         for k in range(len(self.parts))]

    def stretch(self, part: int, step0: int, n_steps: int) -> None:
        """Advance one part until its buffer is full or all its tiles are done."""
        self.jobs[part](step0, n_steps)

    def begin(self) -> None:
        """Point every part at its first tile."""
        for cursor, (low, high) in zip(self.cursors, self.parts):
            cursor[:3] = low, 0, high

    def spill(self) -> None:
        """Empty the buffers in the middle of a stretch."""
        for part, (buffer, cursor) in enumerate(zip(self.buffers, self.cursors)):
            if cursor[1] and self.group.spikes:
                self.pieces[part].append(buffer[:cursor[1]].copy())
            cursor[1] = 0

    def drain(self, step0: int) -> None:
        """Move the spikes of a finished stretch out of the buffers, in order of time."""
        for cursor in self.cursors:
            if cursor[3] >= 0 and (self.bad is None or cursor[3] < self.bad[0]):
                self.bad = (int(cursor[3]), int(cursor[4]), int(cursor[5]))
        found = [piece for part, pieces in enumerate(self.pieces)
                 for piece in (*pieces, self.buffers[part][:self.cursors[part][1]]) if len(piece)]
        if found and self.group.spikes:
            # a packed spike sorts by step, then by neuron
            packed = np.concatenate(found)
            packed.sort()
            self.chunks.append(((packed >> 32) + step0, (packed & 0xFFFFFFFF).astype(np.int32)))
        self.pieces = [[] for _ in self.parts]

    def unfinished(self) -> list[int]:
        """Return the parts that came back before their last tile."""
        return [k for k, c in enumerate(self.cursors) if c[0] < c[2]]


def _loop(runners: list[_Runner], first: int, n_steps: int, threads: int, bar: Progress) -> tuple[int, str]:
    """Run stretch after stretch; return the step reached and why it stopped early ('' if it did not)."""
    step, end = first, first + n_steps
    total = sum(r.program.n for r in runners)
    length = max(1, min(n_steps, 1_000_000 // total))
    pool = ThreadPoolExecutor(threads) if threads > 1 else None
    problem = ""
    with Interruption() as interrupted, bar:
        while step < end and not problem:
            if interrupted():
                problem = "interrupted by Ctrl-C"
                break
            length = min(length, end - step)
            began = time.perf_counter()
            for runner in runners:
                _stretch(runner, step, length, pool)
            step += length
            bad = [(r.bad, r) for r in runners if r.bad is not None]
            if bad:
                (at, neuron, row), runner = min(bad, key=lambda b: b[0][0])
                # the bad step itself belongs to what is kept: its state shows the fault
                step, problem = at + 1, _fault(runner, neuron, row)
            took = max(time.perf_counter() - began, 1e-6)
            # longest stretch whose spikes of one tile fit into a buffer
            most = max(1, CAPACITY // min(LANES, max(r.program.n for r in runners)))
            length = int(min(max(1, length * min(4.0, STRETCH / took)), most))
            bar.update((step - first) * runners[0].program.dt)
    if pool is not None:
        pool.shutdown()
    return step, problem


def _stretch(runner: _Runner, step: int, length: int, pool: ThreadPoolExecutor | None) -> None:
    runner.capacity(length)
    runner.begin()
    waiting = list(range(len(runner.parts)))
    while waiting:
        if pool is None or len(waiting) == 1:
            for part in waiting:
                runner.stretch(part, step, length)
        else:
            for done in [pool.submit(runner.stretch, part, step, length) for part in waiting]:
                done.result()
        waiting = runner.unfinished()
        if not waiting:
            runner.drain(step)
        else:
            runner.spill()


def _fault(runner: _Runner, neuron: int, row: int) -> str:
    variable = runner.program.plan.states[row]
    return f"{variable} of neuron {neuron} in population {runner.group.name!r} is no longer finite"


def _prepare_recording(group: Group, network: Network, steps: tuple[int, int, float], offset: float) -> None:
    plan, model = group.program.plan, group.population.model
    codes = {name: ~k for k, name in enumerate(plan.observed)}
    codes |= {name: group.program.rows[plan.names[name]] for name in model.state_names}
    own = network.probes_of(group.population)
    recordings, *entries, samples = lay_out(own, codes, group.population.size, *steps, offset)
    group.recordings = tuple(recordings)
    group.book = make_book(group.slots, *group.events, group.ev_add, *entries, group.geometry)
    group.rec = np.empty(max(1, samples), group.program.real)


# -- before and after ---------------------------------------------------------------------------------------------

def _check_resume(resume: Result, network: Network, dt: float, single: bool) -> None:
    if not isinstance(resume, Result):
        raise SimulationError(f"resume= takes the result of an earlier run, not {type(resume).__name__}.")
    if resume.network is not network:
        raise SimulationError("resume= takes the result of a run of the same Network object.")
    if resume.state.single != single:
        raise SimulationError("A run is continued in the precision it was begun with.")
    if resume.state.wires is not None and dt != resume.state.dt:
        raise SimulationError(f"A connected network goes on with the step it was begun with, dt={resume.state.dt:g} ms: spikes "
                              "are on their way, and delays are whole steps.")


def _clock_of(state: State, dt: float) -> tuple[int, int, float]:
    """Return first step, origin and time0 of a run that goes on from a state: time = time0 + (step - origin) dt."""
    if dt == state.dt:
        return state.step, state.origin, state.time0
    return state.step, state.step, state.time0 + (state.step - state.origin) * state.dt


def _restore(resume: Result, groups: list[Group], dt: float) -> Wires | None:
    state = resume.state
    for group in groups:
        program, earlier = group.program, state.programs[group.name]
        if earlier.plan.states != program.plan.states:
            raise SimulationError(f"The state of {group.name!r} does not fit: was the model changed?")
        for name in program.plan.states:
            program.x[:, program.rows[name]] = earlier.x[:, earlier.rows[name]]
        program.hold[:] = earlier.hold
        if dt != state.dt:
            # refractory periods under way are kept in ms
            left = np.maximum(program.hold - state.step, 0) * (state.dt / dt)
            program.hold[:] = state.step + np.ceil(left - 1e-6).astype(program.integer)
    return state.wires.copy() if state.wires is not None else None


class _Clock(NamedTuple):
    """Steps and times of a run: time = time0 + (step - origin) dt."""

    first: int
    step: int
    origin: int
    time0: float
    dt: float


def _collect(network: Network, runners: list[Any], wires: Wires | None, samplers: list[Sampler], now: Changes, clock: _Clock,
             seed: int, problem: str, compile_s: float) -> Result:
    first, step, origin, time0, dt = clock
    begin, end = time0 + (first - origin) * dt, time0 + (step - origin) * dt
    spikes, traces, programs = {}, {}, {}
    for runner in runners:
        group, program = runner.group, runner.program
        if group.spikes and program.plan.fire is not None:
            spikes[group.name] = _spikes(runner, step, begin, end, origin, time0, dt)
        for r in group.recordings:
            n_times = max(0, min(r.n_times, -(-(step - r.first_step) // r.every)))
            neurons = r.probe.target.indices
            values = group.rec[r.offset:r.offset + r.n_times * len(neurons)].reshape(r.n_times, len(neurons))[:n_times]
            times = time0 + (r.first_step + r.every * np.arange(n_times) - origin) * dt
            unit = group.population.model.units.get(r.probe.variable) or ""
            traces[r.name] = Trace(times, values, neurons=neurons, variable=r.probe.variable, unit=unit,
                                   population=group.name, name=r.name)
        programs[group.name] = program
    traces |= {s.name: s.trace(origin, time0) for s in samplers if isinstance(s, Sampler)}
    traces = {name: traces[name] for name in network.probe_names}
    state = State(step, origin, time0, dt, seed, runners[0].program.plan.single, programs, wires, now)
    connections = {network.name_of(p): Connections(p, network.name_of(p), found, step, dt)
                   for p, found in (wires.deliveries.items() if wires is not None else ())}
    methods = {r.group.name: r.program.plan.method for r in runners}
    sources = {r.group.name: r.program.source for r in runners}
    if problem:
        advice = next((text for words, text in ADVICE.items() if words in problem), "")
        warnings.warn(f"The run stopped at {end:g} ms: {problem}. What was recorded until then is returned.{advice}",
                      NumericalWarning, stacklevel=3)
    return Result(network=network, spikes=spikes, traces=traces, start=begin, time=end, dt=dt, methods=methods,
                  sources=sources, problem=problem, state=state, compile_s=compile_s, connections=connections)


def _spikes(runner: Any, step: int, begin: float, end: float, origin: int, time0: float, dt: float) -> SpikeTrains:
    total = sum(len(steps) for steps, _ in runner.chunks)
    times, indices = np.empty(total), np.empty(total, np.int32)
    place = total
    while runner.chunks:
        # each chunk is given up as soon as it is copied, so that two copies never exist
        steps, neurons = runner.chunks.pop()
        times[place - len(steps):place] = time0 + (steps + 1 - origin) * dt
        indices[place - len(steps):place] = neurons
        place -= len(steps)
    keep = len(times) if not total or times[-1] <= end + 0.5 * dt else int(np.searchsorted(times, end + 0.5 * dt))
    group = runner.group
    return SpikeTrains(times[:keep], indices[:keep], group.population.size, start=begin, stop=end, name=group.name, dt=dt)
