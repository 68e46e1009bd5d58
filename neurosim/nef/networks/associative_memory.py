"""Associative memory, and clean-up as the case of it where what comes out is what is recognised."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neurosim.errors import ParameterError
from neurosim.nef.connection import Connection
from neurosim.nef.network import Network
from neurosim.nef.networks.checks import number, thresholded
from neurosim.nef.node import Node
from neurosim.nef.parts import numbers
from neurosim.nef.pointers import Vocabulary


def associative_memory(keys: Vocabulary | ArrayLike, values: Vocabulary | ArrayLike | None = None, n_neurons: int = 50, *,
                       threshold: float = 0.3, inhibition: float = 0.0, synapse: float = 10.0, name: str | None = None,
                       **options: Any) -> Network:
    """Return a network that recognises vectors and answers with others.

        s_k = <key_k, x>,    y = sum_k step(s_k - threshold) value_k

    An ensemble for each key is silent below the threshold; the step is decoded from it.

    Args:
        keys: vocabulary, or array (n_items, d).
        values: vocabulary with as many pointers, or array (n_items, d_out); None: the keys, which cleans them up.
        n_neurons: of each ensemble.
        threshold: similarity from which a key counts as recognised.
        inhibition: of each on each other; above 1 only the best remains.
        synapse: ms, of the inhibition.
        name: of the network.
        **options: of the ensembles, see `Ensemble`.

    Ports: input, output (relays; what goes out has no filter of its own: connect from it with a synapse), similarities
    (the array of s_k), recognised (relay of the steps).

    Raises:
        ParameterError: for keys and values of different number.

    Source: Stewart, Tang & Eliasmith 2011, doi:10.1016/j.cogsys.2010.06.006.
    """
    key = _rows(keys, "keys")
    value = key if values is None else _rows(values, "values")
    if len(key) != len(value):
        raise ParameterError(f"associative_memory: there are {len(key)} keys and {len(value)} values. Give as many of both.")
    threshold = number(threshold, "associative_memory: threshold", -1, 1)
    radius = options.pop("radius", 1.0)
    s = thresholded(n_neurons, len(key), threshold, radius, name="similarities", **options)
    x, y = Node(size_in=key.shape[1], name="input"), Node(size_in=value.shape[1], name="output")
    on = Node(size_in=len(key), name="recognised")
    step = lambda v: np.where(v > threshold, 1.0, 0.0)
    links = [Connection(x, s, transform=key, synapse=None), Connection(s, on, function=step, synapse=None),
             Connection(on, y, transform=value.T, synapse=None)]
    if number(inhibition, "associative_memory: inhibition", 0) > 0:
        links.append(Connection(s, s, function=lambda v: np.maximum(v, 0), transform=inhibition * (np.eye(len(key)) - 1),
                                synapse=synapse))
    return Network([x, s, on, y], links, name=name, ports={"input": x, "output": y, "similarities": s, "recognised": on})


def cleanup(vocabulary: Vocabulary | ArrayLike, n_neurons: int = 50, *, threshold: float = 0.3, inhibition: float = 1.5,
            name: str | None = None, **options: Any) -> Network:
    """Return an associative memory that answers with the pointer most like its input, and with nothing if it knows none.

    Args:
        vocabulary: what it knows, or array (n_items, d).
        n_neurons, threshold, inhibition, name, **options: as for `associative_memory`.

    Ports: input, output, similarities, recognised.

    Source: Stewart, Tang & Eliasmith 2011, doi:10.1016/j.cogsys.2010.06.006.
    """
    return associative_memory(vocabulary, None, n_neurons, threshold=threshold, inhibition=inhibition, name=name, **options)


def _rows(given: Vocabulary | ArrayLike, what: str) -> np.ndarray:
    if isinstance(given, Vocabulary):
        given = given.vectors
    array = numbers(given, f"associative_memory: {what}", "Give a vocabulary or an array (n_items, d).")
    if array.ndim != 2 or not array.size:
        raise ParameterError(f"associative_memory: {what} have shape {array.shape}; give a vocabulary with a pointer or "
                             "more, or an array (n_items, d).")
    return array
