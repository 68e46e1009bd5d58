"""Laws of the random connectivity rules against the exact ones: degrees, sources, pairs, sets of sources.

Seeds are fixed, so each outcome is too.  FAMILY is the probability with which correct rules would have failed any of the tests
here had the seed been drawn; it is shared out equally to at most TESTS tests of significance (Bonferroni), so that each may
fail with ALARM.  `accept` counts them.  Cells of a chi-square test hold at least 20 expected counts, for which its law is close
to the exact one at this level.
"""

from fractions import Fraction
from itertools import combinations, combinations_with_replacement
from math import comb, factorial, prod

import numpy as np
import pytest
from numba import njit
from scipy import stats

from neurosim.kernels.connect import _hypergeometric
from neurosim.simulator.connectivity import (
    Bernoulli,
    DistanceDependent,
    FixedInDegree,
    FixedOutDegree,
    FixedTotalNumber,
    Side,
    SmallWorld,
)
from neurosim.simulator.connectivity.bernoulli import binomial_quantile

FAMILY = 1e-3
TESTS = 100
ALARM = FAMILY / TESTS
FEWEST = 20.0
made = []


def accept(p_value: float) -> None:
    """Hold a test of significance to its share of the family-wise rate."""
    made.append(p_value)
    assert p_value > ALARM


def chi_square(counts, expected) -> None:
    """Test counts of all possible outcomes; neighbouring outcomes are joined until each cell is expected often enough."""
    counts, expected = np.asarray(counts, float).ravel(), np.asarray(expected, float).ravel()
    assert counts.sum() == pytest.approx(expected.sum(), rel=1e-9)
    assert np.all(counts[expected == 0] == 0)
    cells, cell = [], np.zeros(2)
    for pair in zip(counts, expected):
        cell = cell + pair
        if cell[1] >= FEWEST:
            cells.append(cell)
            cell = np.zeros(2)
    cells[-1] = cells[-1] + cell
    counts, expected = np.array(cells).T
    assert counts.size > 1
    accept(stats.chi2.sf(np.sum((counts - expected) ** 2 / expected), counts.size - 1))


def degrees_follow(degrees, law) -> None:
    """Test independent degrees against a distribution of scipy.stats."""
    most = int(max(law.ppf(1 - 1e-12), degrees.max())) + 1
    expected = law.pmf(np.arange(most + 1))
    expected[-1] += law.sf(most)
    chi_square(np.bincount(degrees, minlength=most + 1), expected * degrees.size)


def equal_on(outcomes, found, weights=None) -> None:
    """Test that what was found is spread on the outcomes evenly, or in the proportion of weights."""
    index = {outcome: k for k, outcome in enumerate(outcomes)}
    counts = np.zeros(len(index))
    for one in found:
        counts[index[tuple(one)]] += 1
    weights = np.ones(len(index)) if weights is None else np.asarray(weights, float)
    chi_square(counts, counts.sum() * weights / weights.sum())


def rows(edges, k):
    """Sources of each target, k for each."""
    assert np.array_equal(edges.post, np.repeat(np.arange(len(edges) // k), k))
    return edges.pre.reshape(-1, k).tolist()


def many(rule, pre, post, n, count, same=None):
    """A number of n networks of different streams."""
    return np.array([count(rule.edges(Side(pre), Side(post), same, 11, stream)) for stream in range(n)])


def in_degree(edges):
    return np.count_nonzero(edges.post == 0)


def out_degree(edges):
    return np.count_nonzero(edges.pre == 0)


# ---------------------------------------------------------------- Bernoulli

@pytest.mark.parametrize("n, p", [(200, 0.1), (50, 0.5), (1000, 0.001), (30, 0.97), (20_000, 0.02)])
def test_bernoulli_in_degrees(n, p):
    edges = Bernoulli(p).edges(Side(n), Side(3000), None, 1, 1)
    degrees_follow(np.bincount(edges.post, minlength=3000), stats.binom(n, p))


def test_bernoulli_without_autapses():
    n, p = 2000, 0.03
    edges = Bernoulli(p, autapses=False).edges(Side(n), Side(n), np.arange(n), 1, 2)
    degrees_follow(np.bincount(edges.post, minlength=n), stats.binom(n - 1, p))


def test_bernoulli_out_degrees():
    # sources are independent of each other: each of their targets is
    edges = Bernoulli(0.02).edges(Side(3000), Side(400), None, 1, 3)
    degrees_follow(np.bincount(edges.pre, minlength=3000), stats.binom(400, 0.02))


@pytest.mark.parametrize("twins", [False, True])
def test_bernoulli_pairs_are_independent(twins):
    p, n = 0.4, 40_000
    same = np.full(n, 2) if twins else None
    edges = Bernoulli(p, autapses=not twins).edges(Side(5), Side(n), same, 1, 4)
    pattern = np.bincount(edges.post, weights=2.0**edges.pre, minlength=n).astype(int)
    bits = np.array([f"{m:05b}".count("1") for m in range(32)])
    expected = p**bits * (1 - p) ** (5 - bits)
    if twins:
        allowed = np.arange(32) & 4 == 0
        expected = np.where(allowed, expected / (1 - p), 0.0)
    chi_square(np.bincount(pattern, minlength=32), n * expected)


@pytest.mark.parametrize("n, p", [(1, 0.3), (7, 1e-9), (10, 0.5), (1000, 0.999), (10**6, 1e-4), (10**9, 0.2)])
def test_binomial_quantiles(n, p):
    law = stats.binom(n, p)
    u = np.concatenate([np.random.default_rng(1).random(2000), [2.0**-53, 1e-12, 1 - 1e-12]])
    k = binomial_quantile(u, n, p)
    # k is the quantile if P(K < k) < u <= P(K <= k); scipy's distribution function is right to about 1e-11
    assert np.all(law.cdf(k - 1) <= u + 1e-11) and np.all(u <= law.cdf(k) + 1e-11)
    assert 0 <= k.min() and k.max() <= n


# ---------------------------------------------------------------- fixed degrees

@pytest.mark.parametrize("n, k", [(7, 3), (7, 6), (7, 1), (4, 2)])
def test_all_sets_of_sources_are_equally_likely(n, k):
    edges = FixedInDegree(k).edges(Side(n), Side(30_000), None, 2, 1)
    equal_on(combinations(range(n), k), rows(edges, k))


def test_sets_without_the_neuron_itself():
    same = np.full(30_000, -1)
    same[::2] = 2
    edges = FixedInDegree(3, autapses=False).edges(Side(6), Side(30_000), same, 2, 2)
    sets = rows(edges, 3)
    equal_on(combinations(range(6), 3), sets[1::2])
    equal_on([c for c in combinations(range(6), 3) if 2 not in c], sets[::2])


@pytest.mark.parametrize("n, k", [(1000, 300), (1000, 900), (5000, 20)])
def test_sources_are_hit_evenly(n, k):
    """Counts x of m sets have the covariance m k (n - k) / (n (n - 1)) (I - 1/n): the sum below is chi-square, n - 1."""
    m = 2000
    edges = FixedInDegree(k).edges(Side(n), Side(m), None, 2, 3)
    x = np.bincount(edges.pre, minlength=n)
    accept(stats.chi2.sf(np.sum((x - m * k / n) ** 2) * n * (n - 1) / (m * k * (n - k)), n - 1))
    accept(stats.chi2.cdf(np.sum((x - m * k / n) ** 2) * n * (n - 1) / (m * k * (n - k)), n - 1))


@pytest.mark.parametrize("autapses", [True, False])
def test_lists_with_repetition(autapses):
    n, k = 4, 3
    allowed = range(n) if autapses else (0, 1, 3)
    edges = FixedInDegree(k, autapses, multapses=True).edges(Side(n), Side(30_000), np.full(30_000, 2), 2, 4)
    outcomes = list(combinations_with_replacement(allowed, k))
    weights = [factorial(k) / prod(factorial(o.count(s)) for s in allowed) for o in outcomes]
    equal_on(outcomes, rows(edges, k), weights)


def test_sources_of_many_repetitions():
    edges = FixedInDegree(3000, multapses=True).edges(Side(700), Side(100), None, 2, 5)
    chi_square(np.bincount(edges.pre, minlength=700), np.full(700, 300_000 / 700))


def test_free_side_of_fixed_degrees_is_binomial():
    degrees_follow(many(FixedInDegree(5), 20, 40, 2000, out_degree), stats.binom(40, 5 / 20))
    degrees_follow(many(FixedInDegree(5, multapses=True), 20, 40, 2000, out_degree), stats.binom(200, 1 / 20))
    degrees_follow(many(FixedOutDegree(5), 40, 20, 2000, in_degree), stats.binom(40, 5 / 20))
    degrees_follow(many(FixedOutDegree(5, multapses=True), 40, 20, 2000, in_degree), stats.binom(200, 1 / 20))
    same = np.arange(20)
    degrees_follow(many(FixedInDegree(5, False), 20, 20, 2000, out_degree, same), stats.binom(19, 5 / 19))
    degrees_follow(many(FixedOutDegree(5, False), 20, 20, 2000, in_degree, same), stats.binom(19, 5 / 19))


def test_all_sets_of_targets_are_equally_likely():
    n = 20_000
    edges = FixedOutDegree(3).edges(Side(n), Side(6), None, 2, 6)
    sets = edges.post[np.argsort(edges.pre, kind="stable")].reshape(n, 3)
    equal_on(combinations(range(6), 3), np.sort(sets, axis=1).tolist())


def test_neighbouring_targets_and_streams_are_independent():
    """Numbers of common sources of two independent sets of k out of n are hypergeometric."""
    n, k, m = 100, 20, 4000
    one = FixedInDegree(k).edges(Side(n), Side(m), None, 2, 7).pre.reshape(m, k)
    other = FixedInDegree(k).edges(Side(n), Side(m), None, 2, 8).pre.reshape(m, k)
    law = stats.hypergeom(n, k, k)
    degrees_follow(np.array([np.intersect1d(a, b).size for a, b in zip(one[::2], one[1::2])]), law)
    degrees_follow(np.array([np.intersect1d(a, b).size for a, b in zip(one, other)]), law)


# ---------------------------------------------------------------- total number

def test_total_number_of_pairs_is_multinomial():
    edges = FixedTotalNumber(50_000).edges(Side(30), Side(20), None, 3, 1)
    chi_square(np.bincount(edges.post * 30 + edges.pre, minlength=600), np.full(600, 50_000 / 600))
    edges = FixedTotalNumber(50_000, autapses=False).edges(Side(20), Side(30), np.r_[np.arange(20), [-1] * 10], 3, 2)
    allowed = np.ones((30, 20))
    allowed[np.arange(20), np.arange(20)] = 0
    chi_square(np.bincount(edges.post * 20 + edges.pre, minlength=600), 50_000 * allowed / allowed.sum())


def test_pairs_of_tiny_sides_without_autapses():
    # most draws are of a neuron with itself, and made again
    counts = np.bincount(FixedTotalNumber(30_000, False).edges(Side(2), Side(2), np.array([0, -1]), 3, 3).post, minlength=2)
    chi_square(counts, [10_000, 20_000])
    edges = FixedTotalNumber(30_000, False).edges(Side(1), Side(3), np.array([0, -1, -1]), 3, 4)
    chi_square(np.bincount(edges.post, minlength=3)[1:], [15_000, 15_000])


def test_total_number_degrees():
    degrees_follow(many(FixedTotalNumber(200), 10, 20, 2000, in_degree), stats.binom(200, 1 / 20))
    degrees_follow(many(FixedTotalNumber(200), 10, 20, 2000, out_degree), stats.binom(200, 1 / 10))
    rule = FixedTotalNumber(200, multapses=False)
    degrees_follow(many(rule, 30, 20, 2000, in_degree), stats.hypergeom(600, 30, 200))
    degrees_follow(many(rule, 30, 20, 2000, out_degree), stats.hypergeom(600, 20, 200))
    degrees_follow(many(rule, 30, 20, 2000, lambda e: np.count_nonzero(e.post == 19)), stats.hypergeom(600, 30, 200))


def test_all_sets_of_pairs_are_equally_likely():
    pairs = [(i, j) for j in range(3) for i in range(2)]
    found = [[tuple(pair) for pair in zip(e.pre, e.post)]
             for e in (FixedTotalNumber(3, multapses=False).edges(Side(2), Side(3), None, 3, s) for s in range(3000))]
    equal_on(combinations(pairs, 3), found)
    pairs = [(i, j) for j in range(3) for i in range(3) if i != j]
    rule = FixedTotalNumber(2, False, False)
    found = [[tuple(pair) for pair in zip(e.pre, e.post)]
             for e in (rule.edges(Side(3), Side(3), np.arange(3), 3, s) for s in range(2000))]
    equal_on(combinations(pairs, 2), found)


@njit(error_model="numpy")
def hypergeometric(u, total, marked, drawn):
    return _hypergeometric(u, total, marked, drawn)


@pytest.mark.parametrize("total, marked, drawn", [(10, 3, 4), (10, 10, 4), (10, 3, 10), (10, 0, 4), (60, 30, 45), (500, 20, 3),
                                                  (3000, 1000, 700)])
def test_hypergeometric_numbers_against_exact_fractions(total, marked, drawn):
    least, most = max(0, drawn + marked - total), min(marked, drawn)
    law = {x: Fraction(comb(marked, x) * comb(total - marked, drawn - x), comb(total, drawn)) for x in range(least, most + 1)}
    mode = min(max((marked + 1) * (drawn + 1) // (total + 2), least), most)
    below, borders = Fraction(0), []
    for x in [*range(mode, most + 1), *range(mode - 1, least - 1, -1)]:
        below += law[x]
        borders.append((float(below), x))
    for u in np.random.default_rng(5).random(500):
        nearest = min(abs(u - border) for border, _ in borders)
        if nearest > 1e-12:
            assert hypergeometric(u, total, marked, drawn) == next(x for border, x in borders if u < border)


def test_hypergeometric_numbers_of_large_networks():
    total, marked, drawn = 10**10, 10**5, 10**9
    u = np.random.default_rng(6).random(2000)
    x = np.array([hypergeometric(v, total, marked, drawn) for v in u])
    # scipy's terms come from logarithms of factorials, right to 1e-4 here; the normal law is closer, with an error of
    # (1 - 2 p) / (6 sd) = 1.4e-3 in the distribution function against 0.05 that 2000 numbers could tell
    z = (x - 1e4) / np.sqrt(1e4 * 0.9 * (1 - 1e-5))
    accept(stats.kstest(z, stats.norm.cdf).pvalue)


# ---------------------------------------------------------------- distance

def lattice(n, dimension):
    axes = np.meshgrid(*[(np.arange(n) + 0.5) / n] * dimension)
    return Side(n**dimension, np.stack([a.ravel() for a in axes], axis=1))


@pytest.mark.parametrize("dimension, n", [(1, 900), (2, 36), (3, 11)])
@pytest.mark.parametrize("reach", [None, 0.45])
def test_gaussian_kernel_on_a_torus(dimension, n, reach):
    """A sum of a Gaussian over a fine periodic lattice is its integral: n**D (2 pi)**(D/2) sigma**D p sources a target.

    The error of the sum is 2 D exp(-2 (pi sigma n)**2), less than 1e-4 here; what lies beyond half a period or the reach is
    exp(-0.45**2 / (2 0.1**2)) = 4e-5 of the peak.
    """
    sigma, p = 0.1, 0.3
    cells = lattice(n, dimension)
    rule = DistanceDependent("p*exp(-d**2/(2*sigma**2))", {"p": p, "sigma": sigma}, periodic=1.0, max_distance=reach)
    edges = rule.edges(cells, cells, None, 4, 1)
    size = cells.size
    mean = size * size * p * (2 * np.pi * sigma**2) ** (dimension / 2)
    variance = mean - mean * p / 2 ** (dimension / 2)  # sum of q (1 - q)
    accept(2 * stats.norm.sf(abs(len(edges) - mean) / np.sqrt(variance)))
    # degrees of a homogeneous torus are alike: chi-square over neurons
    degrees = np.bincount(edges.post, minlength=size)
    accept(stats.chi2.sf(np.sum((degrees - mean / size) ** 2) / (variance / size), size))


def test_probability_at_each_distance():
    generator = np.random.default_rng(7)
    places = generator.random((600, 2))
    cells = Side(600, places)
    edges = DistanceDependent("0.9*exp(-d/0.3)").edges(cells, cells, None, 4, 2)
    d = np.sqrt(((places[:, None] - places[None]) ** 2).sum(-1))
    p = 0.9 * np.exp(-d / 0.3)
    connected = np.zeros(d.shape, bool)
    connected[edges.pre, edges.post] = True
    bin_of = np.digitize(d, np.linspace(0, 1.2, 40)).ravel()
    found = np.bincount(bin_of, connected.ravel(), 41)
    mean, variance = np.bincount(bin_of, p.ravel(), 41), np.bincount(bin_of, (p * (1 - p)).ravel(), 41)
    used = variance > FEWEST
    accept(stats.chi2.sf(np.sum((found - mean)[used] ** 2 / variance[used]), np.count_nonzero(used)))
    # a pair and its reverse have numbers of their own
    both, q = connected & connected.T, p * p.T
    upper = np.triu_indices(600, 1)
    accept(2 * stats.norm.sf(abs((both - q)[upper].sum()) / np.sqrt((q * (1 - q))[upper].sum())))


# ---------------------------------------------------------------- small worlds

def directed_law(n, k, p):
    """Exact law of the sources of neuron 0, by all that can happen."""
    half = k // 2
    near = [(-half + q + (q >= half)) % n for q in range(k)]
    law = {frozenset(near): 1.0}
    for old in near:
        after = {}
        for sources, weight in law.items():
            new = [s for s in range(1, n) if s not in sources]
            after[sources] = after.get(sources, 0.0) + weight * (1 - p if new else 1.0)
            for s in new:
                key = sources - {old} | {s}
                after[key] = after.get(key, 0.0) + weight * p / len(new)
        law = after
    return law


def test_directed_rewiring():
    n, k, p, m = 6, 2, 0.6, 1500
    law = directed_law(n, k, p)
    edges = [SmallWorld(k, p, True).edges(Side(n), Side(n), np.arange(n), 5, s) for s in range(m)]
    sources = np.concatenate([(e.pre - e.post) % n for e in edges]).reshape(-1, k)
    outcomes = [tuple(sorted(o)) for o in law]
    equal_on(outcomes, np.sort(sources, axis=1).tolist(), list(law.values()))


def ring_law(n, k, p):
    """Exact law of the edges after the procedure of Watts and Strogatz, by all that can happen."""
    law = {frozenset(frozenset((i, (i + lap) % n)) for lap in range(1, k // 2 + 1) for i in range(n)): 1.0}
    for lap in range(1, k // 2 + 1):
        for i in range(n):
            old, after = frozenset((i, (i + lap) % n)), {}
            for edges, weight in law.items():
                new = [e for e in (frozenset((i, j)) for j in range(n) if j != i) if e not in edges]
                after[edges] = after.get(edges, 0.0) + weight * (1 - p if new else 1.0)
                for e in new:
                    key = edges - {old} | {e}
                    after[key] = after.get(key, 0.0) + weight * p / len(new)
            law = after
    return law


@pytest.mark.parametrize("n, k, p", [(5, 2, 0.7), (6, 2, 0.5), (6, 4, 0.5), (5, 2, 1.0)])
def test_rewired_ring(n, k, p):
    law = ring_law(n, k, p)
    made_edges = [SmallWorld(k, p).edges(Side(n), Side(n), np.arange(n), 6, s) for s in range(3000)]
    for neuron in (0, n - 1):
        degrees = np.zeros(n)
        for edges, weight in law.items():
            degrees[sum(neuron in e for e in edges)] += weight
        chi_square(np.bincount([np.count_nonzero(e.post == neuron) for e in made_edges], minlength=n), 3000 * degrees)
    if len(law) < 300:
        graphs = [(tuple(sorted(tuple(sorted(e)) for e in edges)),) for edges in law]
        found = [(tuple(sorted((int(i), int(j)) for i, j in zip(e.pre, e.post) if i < j)),) for e in made_edges]
        equal_on(graphs, found, list(law.values()))


# ---------------------------------------------------------------- the rate above

def test_there_are_no_more_tests_than_stated():
    assert len(made) <= TESTS
