"""The networks that are held against Nengo (Bekolay et al. 2014, doi:10.3389/fninf.2013.00048).

Networks of Eliasmith & Anderson (2003), Neural Engineering (MIT Press), and of MacNeil & Eliasmith (2011,
doi:10.1371/journal.pone.0022885) for learning.  Each name stands for a function of the number of a draw: 0 is compared in
detail, others show how much the draw matters.  Every case is run with spikes and with rates.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from nengo_cases import Case, Link, Relay, Signal, alike, directions, group, ideal_of, on_grid, waves
from network_cases import uniform

DT = 1.0
#: synapse of recurrent connections, ms
SLOW = 100.0
#: draws whose errors are stored, of Nengo; those by which neurosim is judged are others
SEEDS = tuple(range(8))
OURS = tuple(range(8, 12))
#: of the curve of learning, ms
WINDOW = 250.0


# -- functions of x (..., d), per ms where they are flows ---------------------------------------------------------

def square(x):
    return x**2


def product(x):
    return x[..., :1] * x[..., 1:2]


def minus(x):
    return -x


def rotation(x):
    """Harmonic oscillator of 2 Hz, drawn to radius 1 as slowly as within a second."""
    w, pull = 2 * np.pi * 2.0 / 1000, 0.002 * (1.0 - x[..., :1] ** 2 - x[..., 1:2] ** 2)
    return np.concatenate([pull * x[..., :1] - w * x[..., 1:2], w * x[..., :1] + pull * x[..., 1:2]], axis=-1)


def lorenz(x):
    """Lorenz (1963), z less 28, ten units of time a second."""
    u, v, w = x[..., :1], x[..., 1:2], x[..., 2:3]
    return 0.01 * np.concatenate([10.0 * (v - u), -u * w - v, u * v - 8.0 / 3.0 * (w + 28.0)], axis=-1)


def van_der_pol(x):
    """Van der Pol (1926) with mu = 1.5, ten units of time a second."""
    u, v = x[..., :1], x[..., 1:2]
    return 0.01 * np.concatenate([v, 1.5 * (1.0 - u**2) * v - u], axis=-1)


def feedback(flow: Callable) -> Callable:
    """Return f' = tau f + x, which makes x' = f(x) through a first-order synapse."""
    return lambda x: SLOW * flow(x) + x


#: functions by the name that links have
FUNCTIONS: dict[str, Callable] = {
    "square": square, "product": product, "minus": minus, "rotation": rotation, "lorenz": lorenz, "van_der_pol": van_der_pol,
    **{f"{f.__name__}_loop": feedback(f) for f in (rotation, lorenz, van_der_pol)},
}


# -- cases --------------------------------------------------------------------------------------------------------

def _seed(name: str, number: int) -> int:
    return 1000 * (1 + list(CASES).index(name)) + 100_000 * number


def _pipe(name: str, number: int, function: str = "", duration: float = 1000.0, n: int = 100, judged: str = "b",
          **link) -> Case:
    """Two groups, one behind the other."""
    seed = _seed(name, number)
    parts = (Signal("u", waves(7, round(duration / DT), DT)), group(seed, "a", n), group(seed + 20, "b", n))
    links = (Link("u_a", "u", "a"), Link("a_b", "a", "b", function=function, **link))
    return Case(name, DT, duration, parts, links, ("a", "b"), (judged, judged), number=number)


def channel(number: int = 0) -> Case:
    """Communication channel."""
    return _pipe("channel", number)


def squaring(number: int = 0) -> Case:
    """y = x^2 in the connection."""
    return _pipe("squaring", number, "square")


def alpha(number: int = 0) -> Case:
    """Channel through alpha synapses of 10 ms."""
    return _pipe("alpha", number, synapse="alpha", tau=10.0)


def full(number: int = 0) -> Case:
    """Squaring with the full matrix of weights."""
    return _pipe("full", number, "square", n=60, weights=True)


def neurons(number: int = 0) -> Case:
    """Neurons onto neurons, with weights that are given: a population vector of a is the input of b."""
    case = _pipe("neurons", number)
    a, b = case.groups
    given = on_grid(a.encoders[:, 0] / 100 / 200)[None]
    return Case(**{**vars(case), "links": (case.links[0], Link("a_b", "a", "b", decoders=given))})


def multiplication(number: int = 0) -> Case:
    """Two inputs on the two dimensions of one group; radius sqrt(2), so that both reach 1."""
    seed = _seed("multiplication", number)
    steps = 1000
    parts = (Signal("u", waves(11, steps, DT)), Signal("w", waves(12, steps, DT, high=2.0)),
             group(seed, "a", 200, 2, radius=on_grid(np.sqrt(2)).item()), group(seed + 20, "b", 100))
    links = (Link("u_a", "u", "a", post_dims=(0,)), Link("w_a", "w", "a", post_dims=(1,)),
             Link("a_b", "a", "b", function="product"))
    return Case("multiplication", DT, steps * DT, parts, links, ("a", "b"), ("b", "b"), number=number)


def slices(number: int = 0) -> Case:
    """Slices on both sides, a diagonal, a rectangular transform, two connections onto one dimension, a relay between."""
    seed = _seed("slices", number)
    steps = 1000
    parts = (Signal("u", waves(13, steps, DT, 3, peak=0.6)), Relay("r", 2), group(seed, "a", 250, 3),
             group(seed + 20, "b", 200, 2))
    links = (Link("u_a", "u", "a", transform=np.diag([1.0, -0.5, 0.75])),
             Link("a_r", "a", "r", (2, 0), (1, 0), tau=10.0),
             Link("u_r", "u", "r", (1,), (0,), transform=np.array([[0.25]]), synapse=""),
             Link("r_b", "r", "b", transform=np.array([[0.5, 0.5], [-0.75, 0.25]]), synapse=""),
             Link("a_b", "a", "b", (1, 2), (1,), function="product", transform=np.array([[0.5]]), tau=20.0))
    return Case("slices", DT, steps * DT, parts, links, ("a", "b"), ("b", "b"), number=number)


def array(number: int = 0) -> Case:
    """Ten groups side by side; their squares are mixed onto two dimensions."""
    seed = _seed("array", number)
    steps, k = 1000, 10
    mix = on_grid(uniform(15, 2 * k).reshape(2, k) - 0.5) / 2
    parts = (Signal("u", waves(14, steps, DT, k)), alike("a", group(seed, "a", 50), k),
             group(seed + 500, "b", 200, 2))
    links = (Link("u_a", "u", "a"), Link("a_b", "a", "b", function="square", transform=mix))
    return Case("array", DT, steps * DT, parts, links, ("a", "b"), ("b", "b"), number=number)


def integrator(number: int = 0) -> Case:
    """x' = u."""
    seed = _seed("integrator", number)
    steps = 1500
    u = np.zeros((steps, 1))
    u[100:400], u[700:1200] = 2.5, -2.0
    parts = (Signal("u", u), group(seed, "a", 200))
    links = (Link("u_a", "u", "a", transform=np.array([[SLOW / 1000]]), tau=SLOW), Link("a_a", "a", "a", tau=SLOW))
    return Case("integrator", DT, steps * DT, parts, links, ("a",), ("a", "a"), number=number)


def _loop(name: str, number: int, n: int, d: int, flow: str, radius: float, start: np.ndarray, duration: float) -> Case:
    """x' = f(x), brought to its start within 100 ms."""
    seed = _seed(name, number)
    kick = np.zeros((round(duration / DT), d))
    kick[:100] = start
    parts = (Signal("u", kick), group(seed, "a", n, d, radius=radius, m=1500))
    links = (Link("u_a", "u", "a", tau=SLOW), Link("a_a", "a", "a", function=f"{flow}_loop", tau=SLOW))
    return Case(name, DT, duration, parts, links, ("a",), ("a", "a"), flow, settle=250.0, number=number)


def oscillator(number: int = 0) -> Case:
    """Harmonic oscillator of 2 Hz."""
    return _loop("oscillator", number, 300, 2, "rotation", 1.5, np.array([1.0, 0.0]), 1500.0)


def attractor(number: int = 0) -> Case:
    """Lorenz's butterfly."""
    return _loop("attractor", number, 600, 3, "lorenz", 25.0, np.array([5.0, 5.0, -10.0]), 2000.0)


def relaxation(number: int = 0) -> Case:
    """Van der Pol's oscillator."""
    return _loop("relaxation", number, 400, 2, "van_der_pol", 4.0, np.array([1.0, 1.0]), 2000.0)


def convolution(number: int = 0) -> Case:
    """Circular convolution of two vectors in 4 dimensions: products of their Fourier transforms in an array (Plate 1995)."""
    seed, d, steps = _seed("convolution", number), 4, 600
    to_a, to_b, back = fourier_products(d)
    k = len(to_a) // 2
    vectors = on_grid(directions(16, 2, d))
    parts = (Signal("u", np.tile(vectors[:1], (steps, 1))), Signal("w", np.tile(vectors[1:], (steps, 1))),
             alike("p", group(seed, "p", 80, 2, radius=2.0), k),
             group(seed + 500, "c", 250, d, radius=1.5))
    links = (Link("u_p", "u", "p", transform=to_a), Link("w_p", "w", "p", transform=to_b),
             Link("p_c", "p", "c", function="product", transform=back))
    return Case("convolution", DT, steps * DT, parts, links, ("c",), ("c", "c"), number=number)


def fourier_products(d: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return matrices that lay the factors of a circular convolution beside each other, and that add their products.

    With F the real and imaginary parts of the transform at frequencies 0..d/2, c_j = 1/d sum_f m_f (Re(A_f B_f) cos -
    Im(A_f B_f) sin)(2 pi j f/d), m = 1 at f = 0 and d/2 and 2 otherwise; four real products a frequency, one without sine.
    """
    left, right, out = [], [], []
    j = np.arange(d)
    for f in range(d // 2 + 1):
        cos, sin = np.cos(2 * np.pi * j * f / d), -np.sin(2 * np.pi * j * f / d)
        real = f in (0, d / 2)
        much = (1.0 if real else 2.0) / d
        for a, b, back in ((cos, cos, cos), (sin, sin, -cos), (cos, sin, sin), (sin, cos, sin)):
            if real and (a is sin or b is sin):
                continue
            left += [a, np.zeros(d)]
            right += [np.zeros(d), b]
            out.append(much * back)
    return on_grid(left), on_grid(right), on_grid(np.transpose(out))


def learning(number: int = 0) -> Case:
    """PES: from -x the connection learns x in two dimensions; the error is y - x."""
    seed, steps = _seed("learning", number), 4000
    parts = (Signal("u", waves(17, steps, DT, 2, high=2.0, peak=0.7)), group(seed, "a", 200, 2), group(seed + 20, "b", 200, 2),
             Relay("e", 2))
    links = (Link("u_a", "u", "a", synapse=""), Link("a_b", "a", "b", function="minus", rate=3e-4),
             Link("b_e", "b", "e"), Link("u_e", "u", "e", transform=-np.eye(2), synapse=""),
             Link("e_l", "e", "a_b", synapse=""))
    return Case("learning", DT, steps * DT, parts, links, ("a", "b"), ("b", "b"), settle=3000.0, number=number)


#: cases by name; seeds follow from the order
CASES: dict[str, Callable[..., Case]] = {
    f.__name__: f for f in (channel, squaring, alpha, full, neurons, multiplication, slices, array, integrator, oscillator,
                            attractor, relaxation, convolution, learning)
}


def curve(case: Case, outputs: dict[str, np.ndarray]) -> np.ndarray:
    """Return the RMS error of the judged probe in consecutive windows."""
    probe, reference = case.judged
    difference = outputs[probe] - ideal_of(case, FUNCTIONS)[reference]
    return np.sqrt(np.mean(difference.reshape(-1, round(WINDOW / case.dt), difference.shape[1]) ** 2, axis=(1, 2)))
