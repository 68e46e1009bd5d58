"""Products of matrices by SciPy's BLAS, whatever the order in which they are kept."""

import itertools

import numpy as np
import pytest

from neurosim.blas import product

ORDERS = {"C": np.ascontiguousarray, "F": np.asfortranarray, "every second": lambda a: np.repeat(a, 2, axis=1)[:, ::2]}


@pytest.mark.parametrize("m, k, n", [(5, 4, 3), (1, 4, 3), (5, 1, 3), (5, 4, 1), (1, 1, 1), (0, 4, 3), (5, 0, 3), (5, 4, 0)])
def test_products_in_every_order(m, k, n):
    """Of small whole numbers, which have no rounding."""
    rng = np.random.default_rng(1)
    a, b = (rng.integers(-9, 10, shape).astype(float) for shape in ((m, k), (k, n)))
    for one, other in itertools.product(ORDERS.values(), repeat=2):
        np.testing.assert_array_equal(product(one(a), other(b)), a @ b)
        out = np.full((m, n), np.nan)
        given = product(one(a), other(b), out)
        np.testing.assert_array_equal(out, a @ b)
        np.testing.assert_array_equal(given, a @ b)


def test_a_part_of_an_array_is_written_in_place():
    whole = np.zeros((7, 3))
    product(np.ones((2, 4)), np.ones((4, 3)), whole[2:4])
    assert whole.sum(axis=1).tolist() == [0, 0, 12, 12, 0, 0, 0]
