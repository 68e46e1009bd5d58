"""Solvers for decoders against dense linear algebra, optimality conditions and the identity of noise and L2."""

import numpy as np
import pytest

from neurosim.errors import NumericalWarning, ParameterError
from neurosim.nef.activities import Activities
from neurosim.nef.factors import block_cg
from neurosim.nef.neurons import LIF
from neurosim.nef.solvers import (
    AUTO,
    BLOCK_CG,
    CHOLESKY,
    L2,
    SVD,
    LeastSquares,
    Noise,
    NonNegative,
    SparseDrop,
    weight_targets,
)
from neurosim.nef.sphere import ScatteredBall, ScatteredSphere


def population(n, d, m, seed=0):
    """Return activities of n LIF neurons at m points."""
    rng = np.random.default_rng(seed)
    gain, bias = LIF().gain_bias(rng.uniform(200, 400, n), rng.uniform(-1, 0.9, n))
    return Activities(LIF(), gain, bias, ScatteredSphere().sample(n, d, rng), ScatteredBall().sample(m, d, rng))


def functions(x):
    """Return x, x^2, a product, a column of zeros and one that occurs twice."""
    return np.column_stack([x, x**2, x[:, 0] * x[:, -1], np.zeros(len(x)), x[:, 0]])


def rms(residual):
    """Return the root mean square of each column."""
    return np.sqrt(np.mean(residual**2, axis=0))


@pytest.mark.parametrize("n, m", [(60, 300), (300, 60), (1, 50), (50, 1), (40, 40)])
@pytest.mark.parametrize("method", [AUTO, CHOLESKY, SVD, BLOCK_CG], ids=str)
def test_l2_solves_its_normal_equations(n, m, method):
    a = population(n, 2, m, seed=n)
    if not a.top:
        pytest.fail("silent population: choose another seed")
    y = functions(a.points)
    matrix = a.whole()
    decoders, info = L2(0.1, method, tolerance=1e-13)(a, y)
    ridge = m * (0.1 * matrix.max()) ** 2
    wanted = np.linalg.solve(matrix.T @ matrix + ridge * np.eye(n), matrix.T @ y)
    # condition of the equations at most n/reg^2 = 3e4, so rounding of 1e-11 relative to the greatest entry
    np.testing.assert_allclose(matrix @ decoders, matrix @ wanted, rtol=0, atol=1e-10)
    np.testing.assert_allclose(decoders, wanted, rtol=0, atol=1e-9 * np.abs(wanted).max())
    np.testing.assert_allclose(info["rmse"], rms(matrix @ wanted - y), atol=1e-10)
    assert decoders.shape == (n, y.shape[1])


def test_arrays_vectors_and_columns_in_any_order():
    a = population(30, 1, 200)
    one, _ = L2()(a.whole(), a.points[:, 0])
    two, _ = L2()(np.asfortranarray(a.whole()), a.points)
    three, _ = L2()(np.repeat(a.whole(), 2, axis=0)[::2], a.points)
    np.testing.assert_allclose(one, two, rtol=1e-11)
    np.testing.assert_allclose(one, three, rtol=1e-11)


@pytest.mark.parametrize("method", [CHOLESKY, BLOCK_CG], ids=str)
@pytest.mark.parametrize("n, m", [(400, 150), (150, 400)])
def test_blocks_give_what_the_whole_matrix_gives(n, m, method, monkeypatch):
    whole = population(n, 3, m)
    wanted, _ = L2(method=method)(whole, functions(whole.points))
    monkeypatch.setattr("neurosim.nef.activities.KEEP", 0)
    monkeypatch.setattr("neurosim.nef.activities.BLOCK", 8 * 1000)
    parts = population(n, 3, m)
    found, info = L2(method=method)(parts, functions(parts.points))
    assert parts.nbytes == 0 and len(list(parts.columns())) > 10
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-8 * np.abs(wanted).max())
    np.testing.assert_allclose(np.concatenate([b for _, b in parts.columns()], axis=1), whole.whole(), rtol=1e-9)
    np.testing.assert_allclose(np.concatenate([b for _, b in parts.rows()]), whole.whole(), rtol=1e-9)


def test_auto_chooses_by_size_and_conditioning(monkeypatch):
    a, b = population(20, 1, 100), population(100, 1, 20)
    assert L2()(a, a.points)[1]["method"] == "primal Cholesky"
    assert L2()(b, b.points)[1]["method"] == "dual Cholesky"
    assert L2(1e-6)(a, a.points)[1]["method"] == "SVD"
    assert L2(0)(a, a.points)[1]["method"] == "SVD"
    monkeypatch.setattr("neurosim.nef.solvers.MEMORY", 1000)
    assert L2()(a, a.points)[1]["method"] == "block CG"


def test_least_squares_is_lstsq_and_the_limit_of_l2():
    a = population(25, 1, 300)
    y = functions(a.points)
    decoders, info = LeastSquares()(a, y)
    wanted, *_ = np.linalg.lstsq(a.whole(), y, rcond=None)
    np.testing.assert_allclose(a.whole() @ decoders, a.whole() @ wanted, atol=1e-9)
    np.testing.assert_allclose(a.whole() @ L2(0)(a, y)[0], a.whole() @ wanted, atol=1e-9)
    # two equal neurons: the shortest solution shares alike
    twins = np.repeat(a.whole()[:, :3], 2, axis=1)
    shared, info = LeastSquares()(twins, y)
    assert info["rank"] == 3
    np.testing.assert_allclose(shared[::2], shared[1::2], atol=1e-12)


def test_noise_and_l2_are_the_same_thing_on_average():
    # E (A + N)^T (A + N) = A^T A + m sigma^2 I and E (A + N)^T Y = A^T Y
    a = population(12, 1, 200)
    matrix, y = a.whole() / a.top, a.points
    m, n = matrix.shape
    sigma, draws = 0.1, 2000
    rng = np.random.default_rng(7)
    gram, cross = np.zeros((n, n)), np.zeros((n, 1))
    squares = np.zeros((n, n))
    for _ in range(draws):
        noisy = matrix + rng.normal(0, sigma, (m, n))
        one = noisy.T @ noisy
        gram, squares, cross = gram + one, squares + one**2, cross + noisy.T @ y
    gram, cross = gram / draws, cross / draws
    error = gram - (matrix.T @ matrix + m * sigma**2 * np.eye(n))
    sd = np.sqrt((squares / draws - gram**2) / draws)
    # 78 different normal deviates beyond 5 sd: false alarm below 5e-5
    assert (np.abs(error) < 5 * sd).all()
    assert np.abs(cross - matrix.T @ y).max() < 5 * sigma * np.linalg.norm(y) / np.sqrt(draws)
    # without the ridge the diagonal would be off by far more than that
    assert (m * sigma**2 > 20 * np.diag(sd)).all()
    np.testing.assert_allclose(np.linalg.solve(gram, cross), L2(sigma)(matrix * a.top, y)[0] * a.top, rtol=0,
                               atol=10 / np.sqrt(draws) * sigma)


def test_error_with_noise_falls_towards_that_of_l2_as_one_over_the_draws():
    # the solver Noise draws once: its mean decoded value over seeds comes close to L2's
    a = population(40, 1, 600)
    y = a.points
    best = L2(0.1)(a, y)[0]
    cost = lambda d: np.mean((a.whole() @ d - y) ** 2) + (0.1 * a.top) ** 2 * np.sum(d**2)
    costs = [cost(Noise(0.1)(a, y, seed)[0]) for seed in range(20)]
    # L2 is the minimum of the expected cost; a draw of m noise rows with n coefficients costs about 1 + n/m times that
    assert min(costs) > cost(best)
    assert np.mean(costs) < cost(best) * (1 + 3 * 40 / 600)


def test_noise_is_repeatable_and_reports_the_error_without_noise():
    a = population(30, 2, 400)
    y = functions(a.points)
    one, info = Noise()(a, y, 3)
    two, _ = Noise()(a, y, np.random.default_rng(3))
    np.testing.assert_array_equal(one, two)
    np.testing.assert_allclose(info["rmse"], rms(a.whole() @ one - y), atol=1e-12)
    np.testing.assert_allclose(a.whole() @ Noise(0.1, SVD)(a, y, 3)[0], a.whole() @ one, atol=1e-8)
    with pytest.warns(NumericalWarning, match="30 evaluation points for 30 neurons"):
        Noise()(a.whole()[:30], y[:30], 0)


def test_non_negative_fulfils_its_optimality_conditions():
    a = population(80, 2, 300)
    y = functions(a.points)
    decoders, info = NonNegative(0.1)(a, y)
    ridge = len(y) * (0.1 * a.top) ** 2
    gradient = a.whole().T @ (a.whole() @ decoders - y) + ridge * decoders
    scale = np.abs(a.whole().T @ y).max()
    assert (decoders >= 0).all()
    # exact at the active sets: rounding of products of size `scale`
    assert (gradient > -1e-9 * scale).all()
    assert np.abs(gradient[decoders > 0]).max() < 1e-9 * scale
    # a function that free decoders fit without negative ones is left alone
    np.testing.assert_allclose(info["rmse"], rms(a.whole() @ decoders - y), atol=1e-12)


def test_non_negative_equals_l2_where_that_is_positive():
    rng = np.random.default_rng(2)
    basis = np.eye(6)[rng.integers(0, 6, 200)] * 100
    y = basis @ np.abs(rng.normal(size=(6, 2)))
    np.testing.assert_allclose(NonNegative()(basis, y)[0], L2()(basis, y)[0], rtol=1e-12)


def test_drop_keeps_the_largest_and_solves_again():
    a = population(60, 2, 300)
    y = functions(a.points)[:, :3]
    free, _ = L2()(a, y)
    decoders, info = SparseDrop(0.4)(a, y)
    kept = decoders != 0
    assert info["kept"] == kept.sum() == 180 - 72
    assert np.abs(free)[~kept].max() <= np.abs(free)[kept].min()
    for k in range(3):
        wanted, _ = L2()(a.whole()[:, kept[:, k]], y[:, k])
        np.testing.assert_allclose(decoders[kept[:, k], k], wanted[:, 0], rtol=1e-9)
    np.testing.assert_allclose(SparseDrop(0)(a, y)[0], free, rtol=1e-9)
    np.testing.assert_allclose(info["rmse"], rms(a.whole() @ decoders - y), atol=1e-12)


def test_weights_are_decoders_times_encoders():
    a = population(50, 2, 300)
    rng = np.random.default_rng(0)
    gain, encoders = rng.uniform(1, 5, 30), ScatteredSphere().sample(30, 3, rng)
    transform = rng.normal(size=(3, 2))
    full, _ = L2()(a, weight_targets(a.points, transform, gain, encoders, radius=2.0))
    factors, _ = L2()(a, a.points)
    np.testing.assert_allclose(full, factors @ transform.T @ (encoders * gain[:, None] / 2).T, rtol=0,
                               atol=1e-10 * np.abs(full).max())
    same = np.eye(30, 2)
    np.testing.assert_allclose(weight_targets(a.points, 2.0, gain, same), weight_targets(a.points, [2, 2], gain, same))


def test_block_cg_with_dependent_columns_many_columns_and_none():
    rng = np.random.default_rng(1)
    h = rng.normal(size=(40, 40))
    h = h @ h.T + np.eye(40)
    base = rng.normal(size=(40, 3))
    right = np.column_stack([base, base @ rng.normal(size=(3, 3)), np.zeros(40), 1e-9 * base[:, 0]])
    x, steps, reached = block_cg(lambda s: h @ s, right, 1e-11, 400)
    assert (np.abs(h @ x - right) <= 1e-9 * np.abs(right).max(axis=0)).all()
    assert (reached <= 1e-11).all() and steps <= 60
    many = rng.normal(size=(40, 55))
    np.testing.assert_allclose(h @ block_cg(lambda s: h @ s, many, 1e-10, 400)[0], many, atol=1e-7)
    assert block_cg(lambda s: h @ s, np.zeros((40, 2)), 1e-9, 10)[1] == 0


def test_block_cg_warns_when_it_has_not_arrived():
    a = population(100, 1, 300)
    with pytest.warns(NumericalWarning, match="stopped after 2 iterations"):
        _, info = L2(0.01, BLOCK_CG, iterations=2)(a, a.points)
    assert info["iterations"] == 2 and info["reached"][0] > 1e-9


def test_silent_neurons_decode_nothing_and_say_so():
    y = np.linspace(-1, 1, 20)
    for solver in (L2(), LeastSquares(), NonNegative()):
        with pytest.warns(NumericalWarning, match="No neuron is active"):
            decoders, info = solver(np.zeros((20, 5)), y)
        assert not decoders.any()
        np.testing.assert_allclose(info["rmse"], rms(y[:, None]))
    # a few silent ones among others do no harm
    a = population(20, 1, 100).whole().copy()
    a[:, 3] = 0
    decoders, _ = L2()(a, np.linspace(-1, 1, 100))
    assert decoders[3, 0] == 0 and np.isfinite(decoders).all()


@pytest.mark.parametrize("call, words", [
    (lambda: L2()(np.ones((5, 2)), np.ones(4)), ("(4,)", "(5, 2)", "shape (5, k)")),
    (lambda: L2()(np.ones(5), np.ones(5)), ("(m, n)",)),
    (lambda: L2()(np.ones((0, 5)), np.ones((0, 1))), ("no evaluation points",)),
    (lambda: L2()(np.ones((3, 5)), [1, np.nan, 3]), ("Target 0 at evaluation point 1 is nan",)),
    (lambda: L2()(np.full((3, 5), np.inf), [1, 2, 3]), ("not finite",)),
    (lambda: L2(-1), ("reg", "-1")),
    (lambda: L2(True), ("reg",)),
    (lambda: L2(0, CHOLESKY), ("method=SVD",)),
    (lambda: L2(method="cholesky"), ("nef.AUTO", "'cholesky'")),
    (lambda: Noise(method=BLOCK_CG), ("BLOCK_CG",)),
    (lambda: Noise(method=CHOLESKY)(np.ones((3, 5)), [1, 2, 3]), ("more evaluation points (3) than neurons (5)",)),
    (lambda: NonNegative(0), ("reg",)),
    (lambda: SparseDrop(1), ("drop",)),
    (lambda: SparseDrop(solver1=3), ("solver1",)),
    (lambda: LeastSquares(1.5), ("rcond",)),
    (lambda: Activities(LIF(), [1, 2], [1], np.ones((2, 1)), np.ones((3, 1))), ("gain (2,)", "bias (1,)")),
    (lambda: Activities(LIF(), [1], [1], np.ones((1, 2)), np.ones((3, 1))), ("same d",)),
])
def test_messages(call, words):
    with pytest.raises(ParameterError) as caught:
        call()
    for word in words:
        assert word in str(caught.value)


def slope(numbers, errors):
    """Return the exponent of a power law through the errors."""
    return np.polyfit(np.log(numbers), np.log(errors), 1)[0]


NUMBERS = [25, 50, 100, 200, 400, 800, 1600]


def test_distortion_falls_with_the_square_of_the_number_of_neurons():
    # No noise, and a regularisation that only keeps the equations solvable (conditioning n/reg^2 = 2e10).  The error comes from
    # the gaps of length 1/N between the N intercepts and falls like 1/N^2 in the mean square (Eliasmith & Anderson 2003,
    # section 2.3).  Seven sizes over a factor of 64 with three draws of intercepts each: the logarithm of a mean error varies
    # by about 0.5, the slope thus by 0.5/(sqrt(7) 1.39) = 0.14; four of these, rounded down on the side of a slower fall.
    errors = []
    for n in NUMBERS:
        each = []
        for seed in range(3):
            a = population(n, 1, n + 1500, seed)
            decoders, _ = L2(3e-4, CHOLESKY)(a, a.points)
            test = Activities(LIF(), a.gain, a.bias, a.encoders, np.linspace(-1, 1, 1001)[:, None])
            each.append(np.mean((test.whole() @ decoders - test.points) ** 2))
        errors.append(np.mean(each))
    assert -2.6 < slope(NUMBERS, errors) < -1.6


def test_error_with_noise_falls_with_the_number_of_neurons():
    errors = []
    for n in NUMBERS:
        each = []
        for seed in range(4):
            a = population(n, 1, 1000, seed)
            decoders, info = L2(0.1)(a, a.points)
            # mean square with independent noise of variance (0.1 max)^2 on every activity: exact, nothing is drawn for it
            each.append(info["rmse"][0] ** 2 + (0.1 * a.top) ** 2 * np.sum(decoders**2))
        errors.append(np.mean(each))
    # averaging N independent noises gives -1; what distortion is left falls faster and matters at 25 only
    assert slope(NUMBERS, errors) == pytest.approx(-1, abs=0.1)
