"""Lowering: each population of a network, with its stimuli and probes, becomes one compiled program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from neurosim.codegen.plan import LANES, SHARED_STREAM, Drive, Signal, make_plan
from neurosim.codegen.program import Program
from neurosim.errors import ModelError, NetworkError, ParameterError, listing, nearest
from neurosim.model.calculus import add
from neurosim.model.checks import check_reset
from neurosim.model.expression import Node, Sym, calls, evaluate, symbols
from neurosim.model.ir import NeuronModel
from neurosim.model.values import check_sign, is_distribution
from neurosim.simulator.graded import published
from neurosim.simulator.network import Network
from neurosim.simulator.population import Population, targets
from neurosim.simulator.receptors import Arrivals, gather
from neurosim.simulator.recording import Recording
from neurosim.simulator.stimuli import Context, Lowered, input_of

#: random streams of one population: signals count up from its first, initial values from here
VALUE_STREAM = 1 << 20
STREAMS = 1 << 24
#: the first value of noise that all targets of a stimulus share, behind the streams of its numbers in each step
SHARED_VALUE_STREAM = SHARED_STREAM + STREAMS


@dataclass
class Group:
    """A population in its compiled form.

    Attributes:
        population, model, name: what it is; the model with the parameters of this run.
        program: state, constants, compiled code.
        stream: first random stream.
        tab, timing: samples of timed arrays, then what events add.
        slots, events: see codegen/layout.py; the offset of the events' values in `tab`.
        book: the integer array of the kernel, complete when the probes are laid out.
        rec: samples of all probes; recordings: where each probe's samples lie in it.
        spikes: whether they are recorded.
        live: tables that Python fills while the network runs, see simulator/live.py.
        arrivals: what comes from other neurons, and the row of the ring buffer for each.
        ring: the ring buffer; geometry: width of its blocks, slots - 1, blocks.
    """

    population: Population
    model: NeuronModel
    name: str
    program: Program
    stream: int
    tab: np.ndarray
    timing: np.ndarray
    slots: np.ndarray
    events: tuple[np.ndarray, np.ndarray, np.ndarray]
    ev_add: int
    book: np.ndarray | None = None
    rec: np.ndarray | None = None
    recordings: tuple[Recording, ...] = ()
    spikes: bool = True
    live: tuple = ()
    arrivals: Arrivals | None = None
    ring: np.ndarray | None = None
    geometry: tuple[int, int, int] = (1, 0, 1)


def lower(network: Network, dt: float, seed: int, method: str | Mapping[str, str] | None, single: bool, version: str,
          models: Mapping[Population, NeuronModel] | None = None, clock: tuple[int, float] = (0, 0.0)) -> list[Group]:
    """Return the groups of a network, with initial values set; `models` has those that were changed.

    The time of a step is time0 + (step - origin) dt, with `clock` = (origin, time0).

    Raises:
        ModelError, NetworkError, ParameterError: for whatever cannot run.
    """
    if isinstance(method, Mapping):
        names = [network.name_of(p) for p in network.populations]
        for name in method:
            if name not in names:
                raise NetworkError(f"method=: there is no population {name!r}.{nearest(str(name), names)} "
                                   f"Known: {listing(names)}.")
    groups = []
    for k, population in enumerate(network.populations):
        name = network.name_of(population)
        try:
            model = (models or {}).get(population, population.model)
            groups.append(_group(network, population, model, name, dt, seed, k * STREAMS,
                                 method.get(name) if isinstance(method, Mapping) else method, single, version, clock))
        except (ModelError, ParameterError) as error:
            error.add_note(f"(population {name!r})")
            raise
    return groups


def _group(network: Network, population: Population, model: NeuronModel, name: str, dt: float, seed: int, stream: int,
           method: str | None, single: bool, version: str, clock: tuple[int, float]) -> Group:
    n = population.size
    arrivals = gather(network, population)
    parts = _stimuli(network, population, arrivals, dt)
    drive, values, initial = _drive(parts, arrivals, published(network.projections, population))
    own = {p: _numbers(v, seed, stream + VALUE_STREAM + j, n) for j, (p, v) in enumerate(model.parameters.items())}
    _check_drawn(model, own)
    varying = frozenset(p for p, v in own.items() if isinstance(v, np.ndarray))
    observed = tuple(dict.fromkeys(p.variable for p, _ in network.probes_of(population) if p.variable not in model.state_names))
    events = any(part.events for _, part in parts)
    plan = make_plan(model, drive, varying=varying, method=method, single=single, observed=observed, events=events)
    names = plan.names
    program = Program(plan, n, {**{names[p]: v for p, v in own.items()}, **values}, dt, version)
    for state, value in _initial(model, own, seed, stream + 2 * VALUE_STREAM, n).items():
        program.put(names[state], value)
    for shown, value in _seen_first(model, own, seed, stream + 2 * VALUE_STREAM, n, drive.published).items():
        program.put(f"{shown}_published_", value)
    for j, (state, (shared, sigma)) in enumerate(initial.items()):
        from neurosim.simulator.draws import normals

        draw = (normals(seed, stream + 3 * VALUE_STREAM + j, n) if shared is None
                else normals(seed, SHARED_VALUE_STREAM + shared, 1)[0])
        program.put(state, sigma * draw)
    tab, timing, slots = _tables(parts, program.real)
    *events, add = _events(parts, program, {**{s: names[s] for s in model.state_names}, **{s: s for s in arrivals.states}}, dt,
                           clock)
    return Group(population, model, name, program, stream, np.concatenate([tab, add]), timing, slots, tuple(events), tab.size,
                 spikes=population in network.record_spikes, live=tuple(x for _, part in parts for x in part.live),
                 arrivals=arrivals)


def _stimuli(network: Network, population: Population, arrivals: Arrivals, dt: float) -> list[tuple[str | None, Lowered]]:
    """Return (input, lowered stimulus) for every stimulus that reaches the population."""
    found: list[tuple[str | None, Lowered]] = []
    n_tables = 0
    for number, stimulus in enumerate(network.stimuli):
        views = targets(stimulus.target)
        total, column = sum(map(len, views)), 0
        for view in views:
            if view.population is population:
                where = input_of(stimulus, population)
                # the user's names are told from ours by the leading underscore
                prefix = f"_{type(stimulus).__name__.lower()}{len(found)}_"
                part = stimulus.lower(Context(view, prefix, dt, where, column, total, n_tables, number,
                                              arrivals.entries.get(stimulus)))
                n_tables += len(part.tables)
                found.append((where, part))
            column += len(view)
    return found


def _drive(parts: list[tuple[str | None, Lowered]], arrivals: Arrivals,
           seen: tuple[str, ...]) -> tuple[Drive, dict[str, Any], dict[str, Any]]:
    inputs: dict[str, Node] = dict(arrivals.inputs)
    kicks: dict[str, Node] = dict(arrivals.kicks)
    states: dict[str, Node] = {}
    initial: dict[str, Any] = {}
    values: dict[str, Any] = dict(arrivals.values)
    signals = []
    for where, part in parts:
        if part.current is not None:
            inputs[where] = add(inputs[where], part.current) if where in inputs else part.current
        for state, node in part.kicks.items():
            kicks[state] = add(kicks[state], node) if state in kicks else node
        states |= part.states
        initial |= part.initial
        values |= part.values
        signals += part.signals
    uniform = tuple(k for k, v in values.items() if not isinstance(v, np.ndarray))
    varying = tuple(k for k, v in values.items() if isinstance(v, np.ndarray))
    signals += [Signal(name, "ring", slot=row) for row, name in enumerate(arrivals.signals)]
    return (Drive(inputs=inputs, states=states, receptors=arrivals.states, kicks=kicks, published=seen, signals=tuple(signals),
                  uniform=uniform, varying=varying), values, initial)


def _numbers(value: Any, seed: int, stream: int, n: int) -> float | np.ndarray:
    if getattr(value, "is_distribution", False):
        value = np.asarray(value.sample(seed, stream, n), dtype=float)
        if value.shape != (n,) or not np.all(np.isfinite(value)):
            raise ParameterError(f"A distribution must give {n} finite numbers; it gave shape {value.shape}.")
        return value
    return value if isinstance(value, np.ndarray) else float(value)


def _check_drawn(model: NeuronModel, own: Mapping[str, Any]) -> None:
    """Raise `ParameterError` or `ModelError` for drawn parameters that could not have been given either."""
    drawn = {p: v for p, v in model.parameters.items() if is_distribution(v)}
    for p, distribution in drawn.items():
        check_sign(own[p], p, model.units.get(p), f"parameter {p!r} of {model.name}, drawn from {distribution!r:.80},")
    if drawn:
        check_reset(replace(model, parameters=own))


def _initial(model, parameters: Mapping[str, Any], seed: int, stream: int, n: int) -> dict[str, float | np.ndarray]:
    """Return initial values; those written as expressions may use parameters, derived quantities and other states."""
    values: dict[str, Any] = {**parameters, **dict.fromkeys(model.inputs, 0.0), "t": 0.0}
    waiting: dict[str, Node] = {}
    for k, state in enumerate(model.state_names):
        given = model.initial.get(state, 0.0)
        if isinstance(given, Node):
            waiting[state] = model.expanded(given)
        else:
            values[state] = _numbers(given, seed, stream + k, n)
    while waiting:
        ready = [s for s, node in waiting.items() if symbols(node) <= set(values)]
        if not ready:
            raise ModelError(f"The initial values of {', '.join(waiting)} depend on each other: give one as a number.")
        for state in ready:
            node = waiting.pop(state)
            if {"rand", "randn"} & calls(node):
                raise ModelError(f"The initial value of {state} calls a random function: use a distribution instead, "
                                 "such as ns.Uniform(low, high).")
            values[state] = evaluate(node, values)
            if not np.all(np.isfinite(values[state])):
                raise ParameterError(f"The initial value of {state} is not finite.")
    return {s: values[s] for s in model.state_names}


def _seen_first(model, own: Mapping[str, Any], seed: int, stream: int, n: int, names: tuple[str, ...]) -> dict[str, Any]:
    """Return derived quantities at the initial values, with inputs 0."""
    if not names:
        return {}
    values = {**own, **dict.fromkeys(model.inputs, 0.0), "t": 0.0, **_initial(model, own, seed, stream, n)}
    return {name: evaluate(model.expanded(Sym(name)), values) for name in names}


def _tables(parts, real) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    samples, slots, timing, offset = [], [], [], 0
    for _, part in parts:
        for table, start, interval in part.tables:
            samples.append(table.astype(real).ravel())
            slots += [offset, *table.shape, 0]
            timing += [start, interval]
            offset += table.size
    return (np.concatenate(samples) if samples else np.zeros(1, real), np.array(timing or [0.0] * 2),
            np.array(slots or [0] * 4, np.int64))


def _events(parts, program: Program, names: Mapping[str, str], dt: float, clock: tuple[int, float]) -> tuple[np.ndarray, ...]:
    """Return events sorted by tile and step, as the arguments of the kernel."""
    steps, places, adds, tiles = [], [], [], []
    origin, time0 = clock
    for _, part in parts:
        for times, neurons, weights, state in part.events:
            # an event belongs to the step that holds its time; rounding must not push k dt into the step before
            steps.append(origin + np.floor((times - time0) / dt + 1e-6).astype(np.int64))
            tiles.append(neurons // LANES)
            places.append(program.rows[names[state]] * LANES + neurons % LANES)
            adds.append(weights)
    if not steps:
        return (np.zeros(program.n_tiles + 1, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64),
                np.zeros(0, program.real))
    step, tile, place, weight = map(np.concatenate, (steps, tiles, places, adds))
    order = np.lexsort((place, step, tile))
    first = np.searchsorted(tile[order], np.arange(program.n_tiles + 1))
    return first, step[order], place[order], weight[order].astype(program.real)
