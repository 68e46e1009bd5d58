"""Populations of neurons with one model, and parts of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim.errors import NetworkError, ParameterError
from neurosim.model.ir import NeuronModel


@dataclass(frozen=True, eq=False)
class Population:
    """`size` neurons of one model.

    Args:
        size: number of neurons, at least 1.
        model: the neuron model, such as ``ns.LIF(tau_m=20)`` or one of your own.
        name: name in results and plots; must differ between the populations of a network. None: numbered.
        parameters: values that replace those of the model: number, array of shape (size,), distribution or quantity.
        initial: the same for initial values of states.
        positions: where the neurons are: array of shape (size,) or (size, 1, 2 or 3), any unit of length; for connections
            that depend on distance.

    Raises:
        ParameterError: for an unknown parameter, a wrong shape, NaN or infinity, a time constant that is not positive.
        ModelError: for a reset that leaves the threshold exceeded.
    """

    size: int
    model: NeuronModel
    name: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    initial: Mapping[str, Any] = field(default_factory=dict)
    positions: Any = None

    def __post_init__(self):
        if isinstance(self.size, bool) or not isinstance(self.size, (int, np.integer)) or self.size < 1:
            raise ParameterError(f"A population needs a whole number of neurons, at least 1; size is {self.size!r}.")
        if self.size >= 2**31:
            raise ParameterError(f"A population holds fewer than 2**31 neurons; size is {self.size}.")
        if not isinstance(self.model, NeuronModel):
            hint = " Call it to get a model." if callable(self.model) else ""
            raise ParameterError(f"The model of a population must be a NeuronModel, not {type(self.model).__name__}.{hint}")
        if self.name is not None and (not isinstance(self.name, str) or not self.name):
            raise ParameterError(f"The name of a population is a text, not {self.name!r}.")
        from neurosim.model.checks import check_reset, check_values

        model = self.model
        if clash := set(self.parameters) & set(model.state_names):
            raise ParameterError(f"{', '.join(clash)}: give the initial values of states in initial=, not parameters=.")
        if clash := set(self.initial) & set(model.parameters):
            raise ParameterError(f"{', '.join(clash)}: give parameters in parameters=, not initial=.")
        if self.parameters or self.initial:
            model = model.with_parameters(**self.parameters, **self.initial)
            object.__setattr__(self, "model", model)
        object.__setattr__(self, "size", int(self.size))
        if self.positions is not None:
            object.__setattr__(self, "positions", _placed(self.positions, self.size))
        check_values(model, self.size)
        check_reset(model)

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, which) -> View:
        """Return a part of the population: ``cells[10:20]``, ``cells[[1, 5]]``, ``cells[3]``, ``cells[mask]``."""
        return View(self, _chosen(which, self.size, self.name or self.model.name))

    def __repr__(self) -> str:
        return f"Population({self.size}, {self.model.name}, name={self.name!r})"


def _placed(positions: Any, size: int) -> np.ndarray:
    try:
        placed = np.array(positions, dtype=float)
    except (TypeError, ValueError):
        raise ParameterError("The positions of a population are an array of numbers.") from None
    placed = placed[:, None] if placed.ndim == 1 else placed
    if placed.ndim != 2 or len(placed) != size or not 1 <= placed.shape[1] <= 3:
        raise ParameterError(f"The positions of {size} neurons need shape ({size},) or ({size}, 1, 2 or 3), not "
                             f"{placed.shape}.")
    if not np.all(np.isfinite(placed)):
        raise ParameterError(f"The position of neuron {int(np.argwhere(~np.isfinite(placed))[0, 0])} is not finite.")
    placed.flags.writeable = False
    return placed


@dataclass(frozen=True, eq=False)
class View:
    """Some neurons of a population, to stimulate or record; `chosen` holds ascending indices, or None for all."""

    population: Population
    chosen: np.ndarray | None = None

    @property
    def indices(self) -> np.ndarray:
        """Ascending indices of the neurons."""
        # not kept: for all neurons of a large population it would be as large as a state
        return np.arange(self.population.size) if self.chosen is None else self.chosen

    def __len__(self) -> int:
        return self.population.size if self.chosen is None else len(self.chosen)

    def __repr__(self) -> str:
        return f"View({self.population!r}, {len(self)} neurons)"


def _chosen(which, size: int, name: str) -> np.ndarray:
    """Return ascending indices for an index, a slice, a mask or a list of indices."""
    if isinstance(which, slice):
        found = np.arange(size)[which]
    else:
        found = np.asarray(which)
        if found.dtype == bool:
            if found.shape != (size,):
                raise NetworkError(f"A mask for {name!r} must have shape ({size},), not {found.shape}.")
            found = np.flatnonzero(found)
        elif found.size and not np.issubdtype(found.dtype, np.integer):
            raise NetworkError(f"Neurons of {name!r} are chosen by whole numbers, not {found.dtype}.")
        found = np.atleast_1d(found).astype(np.int64)
        if found.size and (found.min() < -size or found.max() >= size):
            bad = found[(found < -size) | (found >= size)][0]
            raise NetworkError(f"Neuron {bad} does not exist: {name!r} has neurons 0 to {size - 1}.")
        found = np.where(found < 0, found + size, found)
    found = np.unique(found)
    if not found.size:
        raise NetworkError(f"No neuron of {name!r} is chosen.")
    return found


def chosen(which, population: Population) -> np.ndarray:
    """Return ascending indices of the chosen neurons; None: all of them."""
    if which is None:
        return np.arange(population.size)
    return _chosen(which, population.size, population.name or population.model.name)


def targets(target) -> list[View]:
    """Return the target of a stimulus or probe as views.

    Raises:
        NetworkError: if it is not a population, part of one, or a list of these.
    """
    items = target if isinstance(target, Iterable) and not isinstance(target, (Population, View)) else [target]
    found = []
    for item in items:
        if isinstance(item, Population):
            found.append(View(item))
        elif isinstance(item, View):
            found.append(item)
        else:
            raise NetworkError(f"A target is a Population, a part of one such as cells[:10], or a list of these; "
                               f"not {type(item).__name__}." + (" Give target=." if item is None else ""))
    if not found:
        raise NetworkError("The list of targets is empty.")
    return found
