"""The width of a tile, see tiles.py; here it can be read without Numba."""

import numpy as np

#: bytes of a row of a tile: eight of the 32-byte registers, of which most processors have sixteen
BYTES = 256


def tile(dtype) -> int:
    """Return the number of columns of a tile."""
    return BYTES // np.dtype(dtype).itemsize
