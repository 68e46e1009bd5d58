"""Principal components, by singular values and by Sanger's Hebbian rule.

    PCA      X - mean = U S V^T;  the first k columns of V, and the variances S^2/n along them
    Sanger   y = x W,   W <- W + eta (x^T y - W triu(y^T y))

Column i of W sees what columns before it have not explained yet, so that the columns tend to the first, second, ... principal
component; with one column the rule is Oja's.

Sources: Oja 1982, doi:10.1007/BF00275687; Sanger 1989, doi:10.1016/0893-6080(89)90044-0.
"""

from __future__ import annotations

import numpy as np

from neurosim.errors import ParameterError


def principal_components(x: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the first k principal components of samples x (n, d) as columns, shape (d, k), and the variances along them."""
    x = np.asarray(x, float)
    if x.ndim != 2 or not 1 <= k <= min(x.shape):
        raise ParameterError(f"principal_components: k={k} components need n and d of at least k; x: {x.shape}.")
    _, s, v = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
    return v[:k].T.copy(), s[:k]**2/len(x)


def sanger(x: np.ndarray, w: np.ndarray, eta: float) -> np.ndarray:
    """Return weights W (d, k) after Sanger's rule has seen samples x (n, d), in order and once.

    Args:
        x: samples of mean 0. w: weights before, which stay as they are. eta: rate of learning, well below 2/(k E|x|^2).

    Raises:
        ParameterError: if the weights have left all bounds.
    """
    w = np.array(w, float)
    with np.errstate(over="ignore", invalid="ignore"):
        for row in np.asarray(x, float):
            y = row @ w
            w += eta*(np.outer(row, y) - w @ np.triu(np.outer(y, y)))
    if not np.all(np.isfinite(w)):
        raise ParameterError(f"sanger: the weights have diverged; use a lower eta than {eta:g}, or scale the samples.")
    return w


def subspace_angle(a: np.ndarray, b: np.ndarray) -> float:
    """Return the largest angle, in degrees, between the spaces that the columns of a and b (d, k) span."""
    from scipy.linalg import subspace_angles

    return float(np.degrees(subspace_angles(a, b).max()))
