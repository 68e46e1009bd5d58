"""Random numbers for whole populations: functions of (seed, stream, neuron, step), see kernels/random.py."""

from __future__ import annotations

import numpy as np

from neurosim.codegen.library import compiled

MASK = 2**64 - 1


def key(seed: int, stream: int) -> tuple[np.uint64, np.uint64]:
    """Return seed and stream as the kernels take them."""
    return np.uint64(int(seed) & MASK), np.uint64(int(stream) & MASK)


def uniforms(seed: int, stream: int, n: int, step: int = 0) -> np.ndarray:
    """Uniform numbers on the open interval (0, 1) of the neurons 0 ... n - 1 at a step: (n,) float64."""
    return _draw("uniform_numbers", seed, stream, n, step)


def normals(seed: int, stream: int, n: int, step: int = 0) -> np.ndarray:
    """Standard normal numbers of the neurons 0 ... n - 1 at a step: (n,) float64."""
    return _draw("normal_numbers", seed, stream, n, step)


def _draw(name: str, seed: int, stream: int, n: int, step: int) -> np.ndarray:
    even, odd = np.empty(n), np.empty(n)
    compiled(name).bind(*key(seed, stream), int(step) >> 1, even, odd)(0, n)
    return odd if int(step) & 1 else even
