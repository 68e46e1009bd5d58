"""The arrays of a plastic projection: constants, the integer array `book`, initial and present values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neurosim.codegen.plastic_plan import Coupled, PlasticPlan
from neurosim.errors import ModelError, ParameterError, listing
from neurosim.model.calculus import affine, simplify
from neurosim.model.expression import Call, Node, Sym, evaluate, show, symbols
from neurosim.model.plasticity import WEIGHT, PlasticityModel


def plastic_constants(plan: PlasticPlan, values: Mapping[str, Any], dt: float, pre: Mapping[str, Any] | None = None,
                      post: Mapping[str, Any] | None = None) -> np.ndarray:
    """Return the array `pu`.

    Args:
        plan: the plan.
        values: parameters of the rule by name; those with one value for each synapse are not needed.
        dt: time step in ms.
        pre, post: parameters of the neuron models by name.

    Raises:
        ParameterError: if a constant is NaN or infinite.
    """
    numbers = {plan.names[name]: v for name, v in values.items() if name not in plan.synapse_rows} | {"dt": dt}
    for side, parameter, name in plan.neuron_parameters:
        numbers[name] = ((pre if side == "pre" else post) or {})[parameter]
    for system in plan.coupled:
        numbers |= _propagators(system, numbers, dt)
    found = np.zeros(max(1, len(plan.constants)), np.float32 if plan.single else np.float64)
    for k, node in enumerate(plan.constants.values()):
        value = float(evaluate(node, numbers))
        if not np.isfinite(value):
            raise ParameterError(f"{plan.model}: the constant {show(node)} is not finite: look for a division by zero or an "
                                 "overflow among the parameters it is made of.")
        found[k] = value
    return found


def _propagators(system: Coupled, numbers: Mapping[str, Any], dt: float) -> dict[str, float]:
    """Return P = expm(A dt) and Q = integral of expm(A s) ds from 0 to dt, entry by entry."""
    from scipy.linalg import expm

    k = len(system.matrix)
    big = np.zeros((2 * k, 2 * k))
    big[:k, :k] = [[float(evaluate(a, numbers)) * dt for a in row] for row in system.matrix]
    big[:k, k:] = np.eye(k) * dt
    if not np.all(np.isfinite(big)):
        raise ParameterError("A coefficient of the linear equations is not finite: look for a time constant of zero.")
    found = expm(big)
    return {f"{kind}{system.tag}_{i}_{j}_": float(found[i, j + (k if kind == "Q" else 0)]) for kind, i, j in system.entries}


#: entries of the book, in order; lists of rows follow, and the distinct delays are the last
BOOK = ("n_pre", "n_post", "n_synapses", "block", "n_blocks", "B", "ring_mask", "pre_mask", "post_mask", "R_pre", "R_post",
        "first_neuron", "block_size", "axonal", "dendritic", "n_distinct", "receptor_row")


def make_plastic_book(plan: PlasticPlan, *, written_rows: Mapping[str, int] | None = None,
                      pre_rows: Mapping[str, int] | None = None, post_rows: Mapping[str, int] | None = None,
                      distinct=(), **entries: int) -> np.ndarray:
    """Return the integer array `book` of one block.

    Args:
        plan: the plan.
        written_rows: ring row by state of `plan.delivers_to`.
        pre_rows, post_rows: row of `x_pre`, `x_post` by state of `plan.pre_reads`, `plan.post_reads`.
        distinct: distinct axonal delays in steps, ascending; for delays="axonal" only.
        **entries: the others by their names in `BOOK`: n_pre and n_post neurons of the populations, n_synapses in a row of
            syn, number of the block, n_blocks, B, L-1, H_pre-1, H_post-1, rows of a tile of x_pre and x_post, first neuron and
            number of neurons of the block, axonal and dendritic delay in steps, ring row of the receptor.

    Raises:
        ModelError: if an entry is missing or unknown.
    """
    entries.setdefault("n_distinct", len(distinct))
    entries.setdefault("receptor_row", 0)
    entries.setdefault("axonal", 0)
    if set(entries) != set(BOOK):
        wrong = sorted(set(entries) ^ set(BOOK))
        raise ModelError(f"The book of {plan.model} has these entries missing or unknown: {listing(wrong)}.")
    rows = [(written_rows or {})[s] for s in plan.delivers_to]
    rows += [(pre_rows or {})[s] for s in plan.pre_reads] + [(post_rows or {})[s] for s in plan.post_reads]
    return np.array([*(entries[name] for name in BOOK), *rows, *distinct], np.int64)


def initial_rows(plan: PlasticPlan, model: PlasticityModel, weight: Any, values: Mapping[str, Any],
                 initial: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the initial value of every row by name: a number, or one value for each synapse.

    Args:
        plan, model: the plan and its rule.
        weight: initial weight, number or array of shape (n,).
        values: parameters of the rule; distributions already drawn.
        initial: initial values that were drawn from distributions.

    Raises:
        ParameterError: if a value is NaN or infinite.
    """
    env = {**values, WEIGHT: weight}
    found: dict[str, Any] = {}
    for name in (*plan.synapse_rows, *plan.pre_rows, *plan.post_rows):
        value = env[name] if name in env else {**model.initial, **(initial or {})}[name]
        found[name] = evaluate(value, env) if isinstance(value, Node) else value
        if not np.all(np.isfinite(found[name])):
            raise ParameterError(f"{plan.model}: the initial value of {name} is not finite.")
    return found


def observed(plan: PlasticPlan, model: PlasticityModel, name: str, stored: Mapping[str, Any], elapsed: Any,
             values: Mapping[str, Any], dt: float) -> Any:
    """Return the present value of a recordable name, without changing what is stored.

    Event-driven variables are stored as they were at their last event.

    Args:
        plan, model: the plan and its rule.
        name: a name of `model.recordable`.
        stored: values in the arrays by variable (all, or those that `name` depends on), numbers or arrays (n,).
        elapsed: steps since `last`: q - last after the delivery of step q, number or array (n,).
        values: parameters by name.
        dt: time step in ms.
    """
    env: dict[str, Any] = {**values, **stored, "dt": dt}
    node = model.expanded(Sym(name))
    time = np.asarray(elapsed) * dt
    for variable in symbols(node) & {n for n, m in plan.homes.modes.items() if m == "event"}:
        drift = model.expanded(next(v.drift for v in model.variables if v.name == variable))
        a, b = (np.asarray(evaluate(part, env), dtype=float) for part in affine(simplify(drift), variable))
        x = np.asarray(stored[variable], dtype=float)
        phi = evaluate(Call("exprel", (Sym("z"),)), {"z": a * time})
        env[variable] = np.where(b == 0, x * np.exp(a * time), x + (a * x + b) * time * phi)
    return evaluate(node, env)
