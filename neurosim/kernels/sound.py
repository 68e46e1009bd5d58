"""Where a value is not finite; one function for the compiled steps of all models, so that it is compiled once."""

import math

from neurosim.kernels.jit import array_kernel

# neurons of a tile, `neurosim.codegen.plan.LANES`
W = 64


@array_kernel
def unsound(tile, lanes, n_states):
    """Return the place (row * 64 + lane) of the first NaN or infinity among the states of a tile, or -1."""
    bad = 0
    for row in range(n_states):
        for lane in range(lanes):
            bad += 0 if abs(tile[row * W + lane]) < math.inf else 1
    if bad:
        for row in range(n_states):
            for lane in range(lanes):
                if not abs(tile[row * W + lane]) < math.inf:
                    return row * W + lane
    return -1
