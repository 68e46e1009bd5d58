"""Points on spheres and in balls, at random or evenly scattered: encoders and evaluation points.

Evenly scattered points come from a low-discrepancy sequence in the unit cube that is shifted or scrambled at random, so
that every point by itself is uniform, and carried to the sphere by a map that keeps volumes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.errors import ParameterError

#: dimensions of the cube up to which the additive recurrence is used; the Sobol sequence scatters better above (measured)
RECURRENCE = 3
#: dimensions up to which a sphere is reached through its marginals, which keeps neighbours together; it costs 1 us a number
MARGINALS = 16
#: dimensions for which there are direction numbers; with more of them points are random
SOBOL = 21201


@dataclass(frozen=True)
class Sphere:
    """Independent points, uniform on the surface of the unit sphere: g/||g|| for Gaussian g."""

    def sample(self, n: int, d: int, rng: np.random.Generator | int | None = None) -> np.ndarray:
        """Return n points of d dimensions, shape (n, d), rows of length 1; d = 1 gives -1 and 1.

        Raises:
            ParameterError: for n < 0 or d < 1.
        """
        n, d, rng = _checked(self, n, d, rng)
        return _normalised(rng.standard_normal((n, d)))


@dataclass(frozen=True)
class ScatteredSphere:
    """Evenly scattered points on the surface of the unit sphere.

    A low-discrepancy sequence in the cube [0, 1)^(d-1) is carried to the sphere axis by axis: the first coordinate x has
    (1 + x)/2 ~ Beta((d-1)/2, (d-1)/2), the others lie on a sphere of radius sqrt(1 - x^2) of one dimension less.  d = 1:
    -1 and 1 in turn; d = 2: an angle.  Above 16 dimensions: a Gaussian of the sequence, divided by its length.

    Source: additive recurrence with the generalised golden ratio (M. Roberts 2018, "The unreasonable effectiveness of
    quasirandom sequences"; the idea is Kuipers & Niederreiter 1974) up to 3 dimensions of the cube, scrambled Sobol
    (doi:10.1145/641876.641879) above; shift modulo 1: Cranley & Patterson 1976, doi:10.1137/0713071.
    """

    def sample(self, n: int, d: int, rng: np.random.Generator | int | None = None) -> np.ndarray:
        """Return n points of d dimensions, shape (n, d), rows of length 1.

        Raises:
            ParameterError: for n < 0 or d < 1.
        """
        n, d, rng = _checked(self, n, d, rng)
        return _on_sphere(n, d, rng, radii=False)[0]


@dataclass(frozen=True)
class Ball:
    """Independent points, uniform in the unit ball: r e with e uniform on the sphere and r = u^(1/d)."""

    def sample(self, n: int, d: int, rng: np.random.Generator | int | None = None) -> np.ndarray:
        """Return n points of d dimensions, shape (n, d), of length <= 1.

        Raises:
            ParameterError: for n < 0 or d < 1.
        """
        n, d, rng = _checked(self, n, d, rng)
        points = _normalised(rng.standard_normal((n, d)))
        return points * rng.random((n, 1)) ** (1.0 / d)


@dataclass(frozen=True)
class ScatteredBall:
    """Evenly scattered points in the unit ball: those of `ScatteredSphere`, times u^(1/d) with one more coordinate u."""

    def sample(self, n: int, d: int, rng: np.random.Generator | int | None = None) -> np.ndarray:
        """Return n points of d dimensions, shape (n, d), of length <= 1.

        Raises:
            ParameterError: for n < 0 or d < 1.
        """
        n, d, rng = _checked(self, n, d, rng)
        if d == 1:
            return 2 * cube(n, 1, rng) - 1
        points, radii = _on_sphere(n, d, rng, radii=True)
        points *= radii ** (1.0 / d)
        return points


def default_n_eval_points(n: int, d: int, regularised: bool = True) -> int:
    """Return how many evenly scattered points decoders of n neurons in d dimensions are solved from.

        m = 500 (1 + min(d, 5)) max(1, n/2000)^(1/4),   m = 500 for d = 1

    It is enough for solvers with L2 regularisation, whose solution has far fewer degrees of freedom than neurons; without
    (regularised=False) the answer is at least 2 n.  Measured with LIF neurons, `L2(0.1)` and functions x, x^2, x_1 x_d, as the
    root mean square error on 3,000 other random points: m scattered points against clip(500 d, 750, 2500) or 2 n random
    ones, whichever is more (what Nengo takes); the worst function, mean of 2 or 3 seeds.  First number: without noise,
    second: with noise of sd 0.1 max(A) on the activities.

    ======  ===  ==========  ===========  ===========  ===========  ===========  ===========
    n       d    points of   m = 500      m = 1000     m = 1500     m = 2000     m = 3000
                 the other
    ======  ===  ==========  ===========  ===========  ===========  ===========  ===========
    50      1    750         1.02, 1.000  1.02, 1.000  1.02, 1.000  1.02, 1.000  1.02, 1.000
    500     1    1000        0.94, 0.999  0.94, 0.999  0.95, 0.999  0.95, 0.999  0.95, 0.999
    2000    1    4000        1.00, 1.000  1.00, 1.000  1.00, 1.000  1.00, 1.000  1.00, 1.000
    50      2    1000        1.00, 0.999  1.00, 0.999  1.00, 0.999  1.00, 0.999  1.00, 0.999
    500     2    1000        0.98, 0.999  0.98, 0.999  0.97, 0.999  0.97, 0.998  0.97, 0.998
    2000    2    4000        1.04, 1.003  1.00, 1.000  0.99, 1.000  0.99, 1.000  0.99, 1.000
    50      3    1500        1.00, 1.002  1.00, 0.999  0.99, 0.999  1.00, 0.999  0.99, 0.999
    500     3    1500        1.03, 1.007  1.00, 1.000  0.98, 0.999  0.98, 0.998  0.98, 0.998
    2000    3    4000        1.17, 1.021  1.05, 1.007  1.00, 1.001  0.98, 1.000  0.98, 0.999
    50      8    2500        1.00, 1.005  1.00, 1.000  1.00, 0.999  1.00, 0.999  1.00, 0.999
    500     8    2500        1.05, 1.024  1.01, 1.005  1.00, 1.001  1.00, 0.999  0.99, 0.998
    2000    8    4000        1.19, 1.055  1.06, 1.020  1.03, 1.010  1.01, 1.005  1.00, 1.001
    50      16   2500        1.01, 1.017  1.00, 1.004  1.00, 1.002  1.00, 1.002  1.00, 1.000
    500     16   2500        1.06, 1.058  1.01, 1.014  1.01, 1.011  1.00, 1.005  1.00, 0.999
    2000    16   4000        1.24, 1.134  1.07, 1.038  1.04, 1.023  1.02, 1.010  1.00, 1.001
    ======  ===  ==========  ===========  ===========  ===========  ===========  ===========

    Against 6,000 scattered points (one seed), n = 10,000: d = 1, m = 500: 1.01, 1.000; d = 3, m = 3000: 1.05, 1.003.
    """
    points = 500 * (1 + min(d, 5)) * max(1.0, n / 2000) ** 0.25 if d > 1 else 500
    return max(int(round(points)), 0 if regularised else 2 * n)


def cube(n: int, d: int, rng: np.random.Generator | int | None = None) -> np.ndarray:
    """Return n evenly scattered points of the cube (0, 1)^d, shape (n, d); each by itself is uniform.

    Up to 3 dimensions  u_k = s + k (1/phi, 1/phi^2, ...) mod 1  with phi^(d+1) = phi + 1 and a random shift s; above that
    a scrambled Sobol sequence, and above 21201 dimensions independent points.
    """
    rng = np.random.default_rng(rng)
    if d <= RECURRENCE:
        phi = 1.5
        for _ in range(60):
            phi = (1 + phi) ** (1 / (d + 1))
        points = np.arange(1, n + 1)[:, None] * (phi ** -np.arange(1.0, d + 1) % 1) + rng.random(d)
        points %= 1
    elif d <= SOBOL and n > 0:
        from scipy.stats import qmc

        # the sequence is balanced at powers of two; a prefix of the next one is what n points are
        try:
            sequence = qmc.Sobol(d, scramble=True, rng=rng)
        except TypeError:  # SciPy before 1.15
            sequence = qmc.Sobol(d, scramble=True, seed=rng)
        points = sequence.random_base2(int(np.ceil(np.log2(n))))[:n]
    else:
        points = rng.random((n, d))
    # 0 and 1 have no finite Gaussian
    return np.clip(points, 2.0**-53, 1 - 2.0**-53, out=points)


def _on_sphere(n: int, d: int, rng: np.random.Generator, radii: bool) -> tuple[np.ndarray, np.ndarray | None]:
    """Return evenly scattered points on the sphere, and u in (0, 1) of shape (n, 1) scattered along with them."""
    if d == 1:
        first = rng.integers(2)
        return np.where((np.arange(n) + first) % 2, 1.0, -1.0)[:, None], cube(n, 1, rng) if radii else None
    if d > MARGINALS:
        from scipy.special import ndtri

        u = cube(n, d + radii, rng)
        return _normalised(ndtri(u[:, :d])), u[:, d:]
    from scipy.special import betaincinv

    u = cube(n, d - 1 + radii, rng)
    points = np.empty((n, d))
    length = np.ones(n)
    for k in range(d - 2):
        half = (d - 1 - k) / 2
        x = 2 * (u[:, k] if half == 1 else betaincinv(half, half, u[:, k])) - 1
        points[:, k] = length * x
        length *= np.sqrt((1 - x) * (1 + x))
    angle = 2 * np.pi * u[:, d - 2]
    points[:, d - 2] = length * np.cos(angle)
    points[:, d - 1] = length * np.sin(angle)
    return _normalised(points), u[:, d - 1:]


def _normalised(points: np.ndarray) -> np.ndarray:
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return points


def _checked(owner: object, n: int, d: int, rng) -> tuple[int, int, np.random.Generator]:
    for name, value, least in (("n", n, 0), ("d", d, 1)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
            raise ParameterError(f"{type(owner).__name__}.sample: {name} must be an integer of at least {least}, "
                                 f"not {value!r}.")
    return int(n), int(d), np.random.default_rng(rng)
