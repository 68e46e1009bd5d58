"""The door for operations that are written elsewhere: compiled loops, layers of spiking neurons, solvers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neurosim.autodiff.graph import GradientError, Var, data, record
from neurosim.errors import ParameterError


def custom(forward: Callable[..., tuple[Any, Any]], backward: Callable[..., Any], name: str) -> Callable[..., Var]:
    """Return a function of variables and arrays that joins the graph as one operation.

        def forward(x, gain=1.0):               # plain arrays come in
            y = np.tanh(gain*x)
            return y, (y, gain)                 # the result, and whatever backward needs

        def backward(g, saved):                 # gradient of the result
            y, gain = saved
            return g*gain*(1 - y**2)            # gradient of each input, a tuple if there are several

        squash = ad.custom(forward, backward, "squash")
        y = squash(x, gain=2.0)

    Args:
        forward: gets the value of each positional argument as an array, and keyword arguments as they are; returns (result,
            saved).  Surrogate gradients are no matter: nothing demands that `backward` belongs to `forward`.
        backward: gets the gradient of the result and what was saved; returns for each input an array of its shape (or
            broadcast from it), or None for no gradient.
        name: in messages and drawings.

    Raises:
        ParameterError: `forward` or `backward` is no function; when called, `forward` does not return a pair.
        GradientError: in the backward pass, if `backward` returns another number of gradients or wrong shapes.
    """
    if not callable(forward) or not callable(backward):
        raise ParameterError("custom: forward and backward must be functions.")

    def operation(*inputs: Any, **options: Any) -> Var:
        made = forward(*(np.asarray(data(x)) for x in inputs), **options)
        if not isinstance(made, tuple) or len(made) != 2:
            raise ParameterError(f"{name}: forward must return (result, saved). Return (result, None) if backward needs "
                                 "nothing.")
        value, saved = made

        def together(g: np.ndarray, wanted: list[bool]) -> tuple:
            gradients = backward(g, saved)
            if not isinstance(gradients, (tuple, list)):
                gradients = (gradients,)
            if len(gradients) != len(inputs):
                raise GradientError(f"{name}: backward returned {len(gradients)} gradients for {len(inputs)} inputs. Return "
                                    "one for each input, None where there is none.")
            # what a function of the user returns may be held elsewhere
            return tuple(None if d is None or not w else np.array(d) for d, w in zip(gradients, wanted))

        return record(name, np.array(value), inputs, together=together)

    operation.__name__ = operation.__qualname__ = name
    operation.__doc__ = forward.__doc__ or f"The operation {name!r}, made by neurosim.autodiff.custom."
    return operation
