"""Modern Hopfield networks: exponentially many patterns, retrieval with one update, which is attention (Ramsauer et al. 2021).

    xi <- X softmax(beta X^T xi)
    E = -lse(beta, X^T xi) + xi^T xi/2 + ln(N)/beta + M^2/2,    lse(beta, z) = ln(sum_k exp(beta z_k))/beta,    M = max |x_k|

X holds N patterns of d dimensions in its columns (in `neurosim.attractors.ModernHopfield`, in rows).

Storage (theorem 3): of N patterns drawn from the sphere of radius M = K sqrt(d - 1) each is stored, with probability 1 - p,
up to

    N >= sqrt(p) c^((d - 1)/4),   c = b/W0(exp(a + ln b)),   a = 2/(d - 1) (1 + ln(2 beta K^2 p (d - 1))),   b = 2 K^2 beta/5

A pattern counts as stored if a state of rest lies within 1/(beta N M) of it, and such spheres do not meet. Retrieval (theorem
5): after one update

    |f(xi) - x_i| <= 2 (N - 1) exp(-beta (Delta_i - 2 |xi - x_i| M)) M,    Delta_i = x_i x_i - max_j x_i x_j

The first four numbers are two examples in the text of theorem 3; the text was not at hand and they are as remembered, but the
formula gives them to all digits. The other numbers are what the theorems say, for patterns drawn here.

Source: H. Ramsauer et al. (2021), Hopfield networks is all you need, ICLR 2021, doi:10.48550/arXiv.2008.02217.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

import neurosim as ns
from neurosim import attractors
from neurosim.published import Number, Outcome, Reference

from ._figures import legend, letters, title
from .diehl_cook_2015 import digits

_TEXT = "Text of theorem 3, examples"
REFERENCE = Reference(
    citation="H. Ramsauer, B. Schaefl, J. Lehner et al. (2021), Hopfield networks is all you need, International Conference on "
    "Learning Representations",
    doi="10.48550/arXiv.2008.02217",
    numbers={
        "c_20": Number(3.1546, 1e-4, "", f"{_TEXT}: c >= 3.1546 for beta = 1, K = 3, d = 20, p = 0.001; digits cut off."),
        "c_75": Number(1.3718, 1e-4, "", f"{_TEXT}: c >= 1.3718 for beta = 1, K = 1, d = 75, p = 0.001; digits cut off."),
        "exponent_20": Number(1.27, 0.005, "", f"{_TEXT}: a + ln b > 1.27 for the first; half a printed unit."),
        "exponent_75": Number(-0.94, 0.005, "", f"{_TEXT}: a + ln b < -0.94 for the second; half a printed unit."),
        "stored_20": Number(1.0, 0.001, "", "Theorem 3: the part that is stored of 8 patterns (the bound is 7.4), at "
                            "least 1 - p, p = 0.001; 200 draws."),
        "stored_75": Number(1.0, 0.001, "", "The same for 11 patterns (the bound is 10.9) in 75 dimensions."),
        "within_bound": Number(1.0, 0.0, "", "Theorem 5: part of single updates that end within the bound; all."),
        "attention_difference": Number(0.0, 1e-12, "", "The update is attention: largest difference between one update and "
                                       "softmax(beta Q K^T) V of digits with K = V; rounding of sums of 1797 numbers."),
        "energy_rises": Number(0, 0, "", "Theorem 1: E does not rise; updates by which it does, by over 1e-12 of its size."),
        "energy_out_of_bounds": Number(0, 0, "", "Lemma A1: 0 <= E <= 2 M^2 for states that are means of patterns; states of "
                                       "which it is not so."),
    },
)


@dataclass(frozen=True)
class Parameters:
    """draws: sets of patterns for the theorems, 200. dimensions: for the growth of the storage, 5 to 11. numbers: of
    patterns, up to 2 to the power of this, 11. repeats: sets of patterns for each, 3, more for a few patterns. beta: for
    random patterns, 1. beta_digits: for digits of length 1 around their mean, 60. shown: digits that are completed, 300.
    """

    draws: int = 200
    dimensions: tuple[int, ...] = (5, 7, 9, 11)
    numbers: int = 11
    repeats: int = 3
    beta: float = 1.0
    beta_digits: float = 60.0
    shown: int = 300


def base(beta: float, k: float, d: int, p: float) -> tuple[float, float]:
    """Return c and a + ln b of theorem 3."""
    from scipy.special import lambertw

    a = 2 / (d - 1) * (1 + math.log(2 * beta * k * k * p * (d - 1)))
    b = 2 * k * k * beta / 5
    return b / float(lambertw(math.exp(a + math.log(b))).real), a + math.log(b)


def sphere(n: int, d: int, radius: float, rng: np.random.Generator) -> np.ndarray:
    """Return n random patterns on the sphere, (n, d)."""
    x = rng.normal(size=(n, d))
    return radius * x / np.linalg.norm(x, axis=1, keepdims=True)


def normalised(images: np.ndarray) -> np.ndarray:
    """Return images (n, pixels) less their mean, scaled to length 1."""
    x = images - images.mean(axis=0)
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def build(parameters: Parameters = Parameters()) -> attractors.ModernHopfield:
    """Return the memory of all 1797 digits."""
    return attractors.ModernHopfield(normalised(digits()[0]), parameters.beta_digits)


def run(parameters: Parameters = Parameters(), *, duration: float | None = None, seed: int = 0, threads: int = 1,
        progress=None) -> Outcome:
    """Run all experiments; there is no time in this model, `duration` is not used, nor are `threads` and `progress`."""
    p, rng = parameters, np.random.default_rng(seed)
    measured, ups, outside = {}, 0, 0
    for k, d in ((3.0, 20), (1.0, 75)):
        c, exponent = base(p.beta, k, d, 0.001)
        n = math.ceil(math.sqrt(0.001) * c ** ((d - 1) / 4))
        stored, within, rises, out = _theorems(p, n, d, k * math.sqrt(d - 1), rng)
        measured |= {f"c_{d}": c, f"exponent_{d}": exponent, f"patterns_{d}": float(n), f"stored_{d}": stored}
        measured["within_bound"] = min(measured.get("within_bound", 1.0), within)
        ups, outside = ups + rises, outside + out
    growth = _growth(p, rng)
    half, rates = growth["half"], np.array(p.dimensions)
    if np.isfinite(half).sum() > 1:
        known = np.isfinite(half)
        measured["growth_per_dimension"] = float(np.exp(np.polyfit(rates[known], np.log(half[known]), 1)[0]))
    shown, numbers = _digits(p, rng)
    return Outcome({**measured, **numbers, "energy_rises": float(ups), "energy_out_of_bounds": float(outside)},
                   {"growth": growth, "digits": shown}, p)


def _theorems(p: Parameters, n: int, d: int, radius: float, rng: np.random.Generator) -> tuple[float, float, int, int]:
    """Return the parts stored and within the bound, updates that raise E, and states with E out of bounds."""
    stored, within, rises, outside = [], [], 0, 0
    for _ in range(p.draws):
        x = sphere(n, d, radius, rng)
        net = attractors.ModernHopfield(x, p.beta)
        gaps = np.linalg.norm(x[:, None] - x[None], axis=2) + np.where(np.eye(n), np.inf, 0.0)
        size = 1 / (p.beta * n * radius)
        near = np.linalg.norm(net.recall(x) - x, axis=1) <= size
        stored.append(near & (gaps.min(axis=1) > 2 * size))
        start = x + rng.normal(size=x.shape) * rng.uniform(0, 1, (n, 1))
        bound = 2 * (n - 1) * np.exp(-p.beta * (net.separation() - 2 * np.linalg.norm(start - x, axis=1) * radius)) * radius
        # at 1e-12 of the length of a pattern rounding is larger than the bound
        within.append(np.linalg.norm(net.update(start) - x, axis=1) <= bound + 1e-12 * radius)
        mixed = rng.dirichlet(np.full(n, 0.5), 20) @ x
        before, after = net.energy(mixed), net.energy(net.update(mixed))
        rises += int(np.sum(after > before + 1e-12 * radius**2))
        outside += int(np.sum((before < -1e-12 * radius**2) | (before > 2 * radius**2)))
    return float(np.mean(stored)), float(np.mean(within)), rises, outside


def _growth(p: Parameters, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return the part of patterns that are states of rest (within a tenth of their length), by dimensions and numbers."""
    numbers = 2 ** np.arange(1, p.numbers + 1)
    part = np.zeros((len(p.dimensions), numbers.size))
    for i, d in enumerate(p.dimensions):
        radius = math.sqrt(d - 1)
        for j, n in enumerate(numbers):
            repeats = max(p.repeats, 80 // n)
            for _ in range(repeats):
                x = sphere(n, d, radius, rng)
                probes = x[:40]
                found = attractors.ModernHopfield(x, p.beta).recall(probes, updates=20)
                part[i, j] += np.mean(np.linalg.norm(found - probes, axis=1) < 0.1 * radius) / repeats
    half = np.full(len(p.dimensions), np.nan)
    for i, row in enumerate(part):
        below = np.flatnonzero(row < 0.5)
        if below.size and below[0]:
            k = below[0]
            # between powers of two by straight lines over the logarithm
            half[i] = 2 ** (k + (row[k - 1] - 0.5) / (row[k - 1] - row[k]))
    return {"numbers": numbers, "part": part, "half": half}


def _digits(p: Parameters, rng: np.random.Generator) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Complete digits of which the lower half is gone."""
    images, keys = digits()[0], build(p).patterns
    net = attractors.ModernHopfield(keys, p.beta_digits)
    which = rng.choice(len(images), min(p.shown, len(images)), replace=False)
    half = np.where(np.arange(64) < 32, images[which], images.mean(axis=0))
    query = half - images.mean(axis=0)
    query /= np.linalg.norm(query, axis=1, keepdims=True)
    state, recovered = query, []
    for _ in range(3):
        state = net.update(state)
        recovered.append(float(np.mean((state @ keys.T).argmax(axis=1) == which)))
    known = attractors.attention(query, keys, keys, p.beta_digits)
    once = net.weights(query) @ images
    difference = float(np.abs(net.update(query) - known).max())
    # another way to the same numbers: the softmax of all similarities at once
    plain = np.exp(p.beta_digits * (query @ keys.T))
    difference = max(difference, float(np.abs(plain / plain.sum(axis=1, keepdims=True) @ keys - known).max()))
    k = slice(0, 12)
    return ({"stored": images[which[k]], "half": np.where(np.arange(64) < 32, images[which[k]], 0.0), "once": once[k]},
            {"attention_difference": difference, "recovered_once": recovered[0], "recovered_thrice": recovered[2]})


def figure(outcome: Outcome):
    """Return the figure: how the storage grows with the dimensions, and digits completed by one update."""
    r, p, m = outcome.results, outcome.parameters, outcome.measured
    fig, axes = ns.plot.figure(1, 3, width=7.2, height=2.3, width_ratios=[1, 0.8, 1.7])
    a, b, c = axes[0]
    g = r["growth"]
    for d, row in zip(p.dimensions, g["part"]):
        a.plot(g["numbers"], row, marker="o", ms=2.2, lw=1.1, label=f"d = {d}")
    a.set(xscale="log", xlabel="Patterns (number)", ylabel="Part stored", ylim=(-0.03, 1.03))
    legend(a, "upper right")
    b.plot(p.dimensions, g["half"], color=ns.plot.PALETTE[0], marker="o", ms=3, lw=1.1)
    b.set(yscale="log", xlabel="Dimensions d", ylabel="Patterns, half of them stored")
    b.set_ylim(1, 3 * np.nanmax(g["half"], initial=4))
    b.yaxis.set_minor_formatter("")
    title(b, f"×{m.get('growth_per_dimension', math.nan):.2f} for each dimension")
    ns.plot.pattern_grid({"Stored": r["digits"]["stored"], "Upper half": r["digits"]["half"],
                          "One update": r["digits"]["once"]}, limits=(0, 1), ax=c)
    title(c, "Twelve of 1797 stored digits")
    letters((a, b, c))
    return fig
