"""Stimuli whose values come from Python while the network runs: functions of time, and answers to what neurons do.

The compiled loop reads a table of samples; at stated times it comes back to Python, which fills the table anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.codegen.plan import Signal
from neurosim.errors import NetworkError, ParameterError, SimulationError, nearest
from neurosim.model.expression import Sym
from neurosim.simulator.population import Population, View, targets
from neurosim.simulator.stimuli import Context, Lowered, Stimulus

#: samples of a function of time that are made in advance
AHEAD = 1024


@dataclass(frozen=True, eq=False)
class TimeFunction(Stimulus):
    """I(t) = function(t), evaluated in Python at the beginning of every step.

    The samples are made some thousand steps ahead, so that the loop stays compiled.  The function must depend on t alone.

    Args:
        function: of the time in ms; returns a number (the same for all targets) or one value for each target.
        title: what messages call it.
    """

    function: Callable[[float], Any] | None = None
    title: str = "TimeFunction"

    def check(self):
        if not callable(self.function):
            raise ParameterError(f"TimeFunction: function must be callable with the time in ms, not {self.function!r}.")

    def lower(self, context: Context) -> Lowered:
        return _table(self, context, AHEAD, None)

    def values(self, t: np.ndarray, n: int) -> np.ndarray:
        """Return the samples at times t (ms), shape (len(t), n)."""
        answers = [self.function(moment) for moment in t.tolist()]
        try:
            values = np.array(answers, dtype=float)
        except (TypeError, ValueError):
            values = None
        if values is not None and values.shape in ((len(t),), (len(t), 1), (len(t), n)) and np.all(np.isfinite(values)):
            return np.broadcast_to(values.reshape(len(t), -1), (len(t), n))
        # one by one, to name the time of a wrong answer
        return np.array([_answer(a, n, moment, self.title) for a, moment in zip(answers, t)])


@dataclass(frozen=True, eq=False)
class Callback(Stimulus):
    """I(t) = function(t, values), called in Python every `every` ms; the answer is held in between.

    The loop comes back to Python for each call, which costs some ten microseconds.

    Args:
        function: of the time in ms and of a list of arrays, one for each of `reads`; returns a number or one value for each
            target.
        every: ms between two calls; a multiple of dt.
        reads: pairs (population or part of one, state): what the function sees, as of the beginning of the step.
        title: what messages call it.
    """

    function: Callable[[float, list[np.ndarray]], Any] | None = None
    every: float = 1.0
    reads: Iterable[tuple[Any, str]] = ()
    title: str = "Callback"

    def check(self):
        if not callable(self.function):
            raise ParameterError(f"Callback: function must be callable with (t, values), not {self.function!r}.")
        if not (np.isscalar(self.every) and np.isfinite(self.every) and self.every > 0):
            raise ParameterError(f"Callback: every must be a positive time in ms, not {self.every!r}.")
        found = []
        for item in self.reads:
            if not (isinstance(item, tuple) and len(item) == 2):
                raise NetworkError("Callback: reads holds pairs such as (cells, 'v').")
            for view in targets(item[0]):
                states = view.population.model.state_names
                if item[1] not in states:
                    raise NetworkError(f"Callback: {view.population.model.name} has no state {item[1]!r} to read."
                                       f"{nearest(item[1], states)}")
            found.append((targets(item[0]), item[1]))
        object.__setattr__(self, "reads", tuple(found))

    def lower(self, context: Context) -> Lowered:
        return _table(self, context, 1, self.every)


def _table(stimulus: Stimulus, context: Context, rows: int, interval: float | None) -> Lowered:
    out = Lowered()
    name = context.prefix + "sample"
    out.signals.append(Signal(name, "table", slot=context.n_tables))
    # the interval of a held answer never ends
    out.tables.append((np.zeros((rows, context.view.population.size)), 0.0, context.dt if interval is None else np.inf))
    out.live.append((stimulus, context.n_tables, context.view, context.first_column, context.n_targets))
    out.current = Stimulus.gated(stimulus, Sym(name), context, out)
    return out


def _answer(given: Any, n: int, t: float, what: str) -> np.ndarray:
    """Return what a function answered as array of shape (n,)."""
    try:
        values = np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        raise SimulationError(f"{what}: at t = {t:g} ms the function returned {type(given).__name__}, not numbers.") from None
    if values.ndim > 1 or values.size not in (1, n):
        raise SimulationError(f"{what}: at t = {t:g} ms the function returned shape {values.shape}; a number or shape ({n},) "
                              "is needed.")
    if not np.all(np.isfinite(values)):
        raise SimulationError(f"{what}: at t = {t:g} ms the function returned NaN or infinity.")
    return np.broadcast_to(values.ravel(), (n,))


class Refill:
    """Fills the tables of one live stimulus whenever the loop comes to its time.

    Args:
        stimulus: the stimulus; parts: (group, slot, view, first column) for each population it drives.
        n_targets: number of values its function gives.
        groups: all groups by population; clock: (first step, end, origin, time0, dt); answers: the last ones, for the next run.
    """

    def __init__(self, stimulus: TimeFunction | Callback, parts: list[tuple[Any, int, View, int]], n_targets: int,
                 groups: dict[Population, Any], clock: tuple[int, int, int, float, float], answers: dict[Stimulus, np.ndarray]):
        self.stimulus, self.parts, self.n, self.groups, self.answers = stimulus, parts, n_targets, groups, answers
        first, self.end, self.origin, self.time0, self.dt = clock
        self.every = AHEAD
        if isinstance(stimulus, Callback):
            self.every = max(1, round(stimulus.every / self.dt))
            if abs(self.every * self.dt - stimulus.every) > 1e-6 * self.dt * self.every:
                raise SimulationError(f"{stimulus.title}: every={stimulus.every:g} ms is not a multiple of dt={self.dt:g} ms.")
        self.due = first
        if stimulus in answers and first % self.every:
            self._fill(answers[stimulus], 0.0)
            self.due = (first // self.every + 1) * self.every

    def next(self) -> int:
        """Return the step at which the loop must come back."""
        return self.due

    def take(self, step: int) -> None:
        """Fill the tables if it is time."""
        if step != self.due:
            return
        t = self.time0 + (step - self.origin) * self.dt
        if isinstance(self.stimulus, Callback):
            seen = [np.concatenate([self._read(v, name) for v in views]) for views, name in self.stimulus.reads]
            answer = _answer(self.stimulus.function(t, seen), self.n, t, self.stimulus.title)
            values = self.answers[self.stimulus] = answer[None].copy()
            self.due = (step // self.every + 1) * self.every
        else:
            values = self.stimulus.values(t + np.arange(max(1, min(AHEAD, self.end - step))) * self.dt, self.n)
            self.due = step + AHEAD
        self._fill(values, t)

    def _fill(self, values: np.ndarray, t: float) -> None:
        for group, slot, view, column in self.parts:
            offset, rows, columns = group.slots[4 * slot:4 * slot + 3]
            table = group.tab[offset:offset + rows * columns].reshape(rows, columns)
            table[:len(values), view.indices] = values[:, column:column + len(view)]
            group.timing[2 * slot] = t

    def _read(self, view: View, name: str) -> np.ndarray:
        program = self.groups[view.population].program
        row = program.rows[program.plan.names[name]]
        return program.x[:, row].reshape(-1)[:view.population.size][view.indices].astype(float)


def refills(groups: list[Any], clock: tuple[int, int, int, float, float], answers: dict[Stimulus, np.ndarray]) -> list[Refill]:
    """Return what fills the tables of all live stimuli."""
    parts: dict[Stimulus, tuple[int, list]] = {}
    for group in groups:
        for stimulus, slot, view, column, n in group.live:
            parts.setdefault(stimulus, (n, []))[1].append((group, slot, view, column))
    by_population = {g.population: g for g in groups}
    return [Refill(s, found, n, by_population, clock, answers) for s, (n, found) in parts.items()]
