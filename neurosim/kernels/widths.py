"""Widths that kernels and their callers agree about, here to be read without Numba."""

import numpy as np

#: calls of the random generator in a block, each of which gives two draws; part of the definition of connections
HALF = 128
#: length of the scratch array of draws
DRAWS = 2 * HALF
#: bytes of a row of a tile (tiles.py): eight of the 32-byte registers, of which most processors have sixteen
BYTES = 256


def tile(dtype) -> int:
    """Return the number of columns of a tile."""
    return BYTES // np.dtype(dtype).itemsize
