"""Circular convolution, by which semantic pointers are bound."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.nef.connection import Connection
from neurosim.nef.network import Network
from neurosim.nef.networks.product import product
from neurosim.nef.node import Node
from neurosim.nef.parts import positive_integer


def circular_convolution(n_neurons: int = 200, dimensions: int = 16, *, invert_a: bool = False, invert_b: bool = False,
                         magnitude: float = 2.0, name: str | None = None, **options: Any) -> Network:
    """Return a network that convolves two vectors in a circle.

        c_k = sum_j a_j b_(k - j mod d),    C_f = A_f B_f for their Fourier transforms

    Products of complex numbers are four real ones each (one each for f = 0 and f = d/2, which are real); frequencies above d/2
    repeat the others.  For vectors of length 1 the mean of |A_f|^2 is 1; with independent elements few of the
    real and imaginary parts exceed 2, for unitary ones none exceeds 1.

    Args:
        n_neurons: for each of the real products, of which there are about 2 d.
        dimensions: d.
        invert_a, invert_b: take a~, b~ instead: a~_k = a_(-k mod d), which unbinds what a was bound to.
        magnitude: largest real and imaginary part of A and B.
        name: of the network.
        **options: of the ensembles, see `Ensemble`.

    Ports: a, b (relays to connect to with a synapse or none), output (relay without a filter of its own: connect from it
    with a synapse).

    Source: Plate 1995, Holographic reduced representations, doi:10.1109/72.377968; Eliasmith 2013, How to Build a Brain,
    section 4.2 (isbn 9780199794546).
    """
    d = positive_integer(dimensions, "circular_convolution: dimensions")
    of_a, of_b, back = transforms(d, invert_a, invert_b)
    a, b, c = (Node(size_in=d, name=k) for k in ("a", "b", "output"))
    times = product(n_neurons, len(of_a), magnitude=magnitude, name="products", **options)
    links = [Connection(a, times.a, transform=of_a, synapse=None), Connection(b, times.b, transform=of_b, synapse=None),
             Connection(times.output, c, transform=back, synapse=None)]
    return Network([a, b, times, c], links, name=name, ports={"a": a, "b": b, "output": c})


def transforms(d: int, invert_a: bool = False, invert_b: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (F, G, H), with  c = H ((F a) * (G b))  for the products * of single numbers.

    Shapes (p, d), (p, d) and (d, p) for p real products.
    """
    k = np.arange(d)
    rows_a, rows_b, columns = [], [], []
    for f in range(d // 2 + 1):
        angle = 2 * np.pi * f * k / d
        re, im = np.cos(angle), -np.sin(angle)
        # the inverse turns every frequency's sign
        im_a, im_b = (-im if invert_a else im), (-im if invert_b else im)
        own = f in (0, d / 2)
        share = (1 if own else 2) / d
        for left, right, column in [(re, re, re), (im_a, im_b, -re), (re, im_b, im), (im_a, re, im)][:1 if own else 4]:
            rows_a.append(left)
            rows_b.append(right)
            columns.append(share * column)
    return np.array(rows_a), np.array(rows_b), np.array(columns).T
