"""Checks of a finished model that depend on values: repeated whenever values change.

A reset must take the neuron out of the condition that made it spike; arrays must have one entry per neuron.
"""

from __future__ import annotations

import numpy as np

from neurosim.errors import ModelError, ParameterError, nearest
from neurosim.model.expression import Node, calls, evaluate, show, substitute, symbols
from neurosim.model.ir import NeuronModel
from neurosim.model.values import check_finite, check_sign, is_distribution


def check_values(model: NeuronModel, size: int | None = None) -> None:
    """Check all parameters and initial values of a model.

    Args:
        model: the model.
        size: number of neurons; arrays must have this many entries.  None: shapes are not compared.

    Raises:
        ParameterError: naming parameter and neuron for NaN, infinities, time constants and capacitances
            that are not positive, and arrays of the wrong length.
    """
    for values, what in ((model.parameters, "parameter"), (model.initial, "initial value")):
        for name, value in values.items():
            if isinstance(value, Node) or is_distribution(value):
                continue
            label = f"{what} {name!r} of {model.name}"
            array = np.asarray(value, dtype=float)
            if array.ndim > 1 or (size is not None and array.ndim == 1 and array.size != size):
                needed = (
                    "one number or a 1-D array"
                    if size is None
                    else f"one number or an array of shape ({size},)"
                )
                raise ParameterError(
                    f"The {label} has shape {array.shape}, but {needed} is needed: "
                    "one entry per neuron of the population."
                )
            check_finite(array, label)
            if what == "parameter":
                check_sign(array, name, model.units.get(name), label)


def check_reset(model: NeuronModel) -> None:
    """Check that the reset makes the threshold condition false, where parameters alone decide that.

    The threshold is evaluated after the assignments of the reset.  If the result depends on other states,
    inputs, time, chance or a distribution, nothing is decided and nothing is raised.

    Raises:
        ModelError: naming the values, if any neuron would spike again at once.
    """
    if model.threshold is None or not model.reset or model.edge:
        return
    after: dict[str, Node] = {}
    for assignment in model.reset:
        after[assignment.target] = substitute(model.expanded(assignment.value), after)
    condition = substitute(model.expanded(model.threshold), after)
    names = symbols(condition)
    if not names <= set(model.parameters) or calls(condition) & {"rand", "randn"}:
        return
    values = {name: model.parameters[name] for name in names}
    if any(is_distribution(v) for v in values.values()):
        return
    sizes = {np.size(v) for v in values.values() if np.ndim(v)}
    if len(sizes) > 1:
        # which of them is wrong is known once the population's size is
        return
    still = np.atleast_1d(np.asarray(evaluate(condition, values), dtype=bool))
    if not still.any():
        return
    first = int(np.flatnonzero(still)[0])
    shown = ", ".join(
        f"{n} = {float(v if np.ndim(v) == 0 else v[first]):g}" for n, v in sorted(values.items())
    )
    neuron = f" for neuron {first}" if sizes else ""
    resets = "; ".join(f"{a.target} = {show(a.value)}" for a in model.reset)
    raise ModelError(
        f"{model.name}: the reset ({resets}) leaves the threshold ({show(model.threshold)}) true{neuron}"
        f"{' with ' + shown if shown else ''}, so that every spike is followed by another at once. "
        "Reset to a value on the other side of the threshold."
    )


def check_known(name: str, known, what: str, where: str) -> None:
    """Raise `ModelError` if `name` is not among `known`, with the nearest."""
    if name not in known:
        raise ModelError(f"{where}: there is no {what} {name!r}.{nearest(name, known)}")
