"""Fixed points and phase planes against closed forms."""

import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import ModelError, ParameterError
from neurosim.simulator.analysis.phase import classify

WIDE = ((-2.5, 2.5), (-1.5, 3.0))


def linear(a, b, c, d):
    """dx/dt = a x + b y, dy/dt = c x + d y."""
    return ns.NeuronModel.from_equations("dx/dt = a*x + b*y\ndy/dt = c*x + d*y",
                                         parameters={"a": a, "b": b, "c": c, "d": d}, name="linear")


def plane_of(model, **options):
    return ns.analysis.phase_plane(model, "x", "y", ranges=((-2.1, 2), (-2, 2.3)), **options)


# -- what a fixed point is ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("matrix, kind, stable", [
    ((-1, 0, 0, -2), "stable node", True),
    ((3, 1, 1, 2), "unstable node", False),
    ((-0.1, 1, -1, -0.1), "stable focus", True),
    ((0.1, 1, -1, 0.1), "unstable focus", False),
    ((1, 0, 0, -1), "saddle", False),
    ((0, 1, -1, 0), "center", False),
])
def test_kinds(matrix, kind, stable):
    plane = plane_of(linear(*matrix))
    (point,) = plane.fixed_points
    assert (point.kind, point.stable) == (kind, stable)
    assert abs(point.x) < 1e-12 and abs(point.y) < 1e-12
    a, b, c, d = matrix
    # trace and determinant without cancellation worth mention
    assert point.eigenvalues.sum() == pytest.approx(a + d, abs=1e-14)
    assert point.eigenvalues.prod() == pytest.approx(a * d - b * c, abs=1e-14)


def test_a_vanishing_eigenvalue_is_degenerate():
    assert classify(np.array([0.0, -1.0])) == ("degenerate", False)
    assert classify(np.array([-1e-3])) == ("stable node", True)
    assert classify(np.array([0.1, -0.2 + 1j, -0.2 - 1j])) == ("saddle", False)


# -- finding them all -----------------------------------------------------------------------------------------------

def test_nine_fixed_points():
    model = ns.NeuronModel.from_equations("dx/dt = x - x**3\ndy/dt = y - y**3", name="nine")
    found = {(round(p.x), round(p.y)): p for p in plane_of(model).fixed_points}
    assert len(found) == 9 == len(plane_of(model).fixed_points)
    for (x, y), point in found.items():
        assert abs(point.x - x) < 1e-12 and abs(point.y - y) < 1e-12
        assert point.kind == {0: "unstable node", 1: "saddle", 2: "stable node"}[abs(x) + abs(y)]


@pytest.mark.parametrize("gap", [1e-2, 1e-4, 1e-6])
def test_two_fixed_points_within_one_cell(gap):
    # x = +-sqrt(gap): with 201 points a cell is 0.02 wide
    model = ns.NeuronModel.from_equations("dx/dt = x**2 - gap\ndy/dt = -y", parameters={"gap": gap}, name="fold")
    points = plane_of(model).fixed_points
    # dx/dt is good to 1e-16, which its slope 2 sqrt(gap) magnifies
    assert [p.x for p in points] == pytest.approx([-np.sqrt(gap), np.sqrt(gap)], abs=1e-12)
    assert [p.kind for p in points] == ["stable node", "saddle"]


def test_no_fixed_point_is_invented():
    model = ns.NeuronModel.from_equations("dx/dt = x**2 + 0.0001\ndy/dt = -y", name="ghost")
    assert plane_of(model).fixed_points == ()
    # outside of the ranges
    model = ns.NeuronModel.from_equations("dx/dt = 2.5 - x\ndy/dt = -y", name="outside")
    assert plane_of(model).fixed_points == ()


@pytest.mark.parametrize("current", [-1.0, 0.0, 0.3, 0.33, 0.34, 0.8, 1.4, 1.43, 2.0])
def test_fixed_point_of_fitzhugh_nagumo(current):
    plane = ns.analysis.phase_plane(ns.FitzHughNagumo(), ranges=WIDE, inputs={"i": current})
    # v - v^3/3 - (v + a)/b + i = 0 has one real root for b < 1
    roots = np.roots([-1 / 3, 0, 1 - 1 / 0.8, current - 0.7 / 0.8])
    v = roots[np.abs(roots.imag) < 1e-9].real.item()
    (point,) = plane.fixed_points
    assert point.x == pytest.approx(v, abs=1e-12)
    assert point.y == pytest.approx((v + 0.7) / 0.8, abs=1e-12)
    # the trace 1 - v^2 - b/tau changes sign at the Hopf points 0.3313 and 1.4187
    assert point.stable == (1 - v * v - 0.8 / 12.5 < 0) == (not 0.3313 < current < 1.4187)


def test_hopf_points_of_fitzhugh_nagumo_as_documented():
    v = np.array([-1, 1]) * np.sqrt(1 - 0.8 / 12.5)
    assert np.round((v + 0.7) / 0.8 - v + v**3 / 3, 4) == pytest.approx([0.3313, 1.4187])


def test_three_fixed_points_of_morris_lecar():
    model = ns.MorrisLecar("snlc")
    plane = ns.analysis.phase_plane(model, ranges={"v": (-75, 45), "w": (-0.1, 0.8)}, inputs={"i": 35})
    assert [p.kind for p in plane.fixed_points] == ["stable node", "saddle", "unstable focus"]
    for p in plane.fixed_points:
        m, w = (1 + np.tanh((p.x + 1.2) / 18)) / 2, (1 + np.tanh((p.x - 12) / 17.4)) / 2
        assert p.y == pytest.approx(w, abs=1e-12)
        # a sum of terms up to 600
        assert abs(35 - 2 * (p.x + 60) - 4 * m * (p.x - 120) - 8 * w * (p.x + 84)) < 1e-10
    # two of them meet at the saddle node just below 40
    counts = [len(ns.analysis.phase_plane(model, ranges=((-75, 45), (-0.1, 0.8)), inputs={"i": i}).fixed_points)
              for i in (39.9, 40.0)]
    assert counts == [3, 1]


def test_hopf_points_of_morris_lecar():
    from scipy.optimize import brentq

    top = lambda i: ns.analysis.fixed_point(ns.MorrisLecar(), {"i": i}).eigenvalues[0].real
    # Rinzel & Ermentrout 1998: 94 and 212
    assert round(brentq(top, 80, 100)) == 94 and round(brentq(top, 200, 220)) == 212


# -- the object -----------------------------------------------------------------------------------------------------

def test_grids_derivatives_and_names():
    plane = ns.analysis.phase_plane(ns.AdEx(), ranges=((-80, -40), (-0.1, 0.4)), inputs={"i": 0.3}, points=50,
                                    parameters={"a": 0.01})
    assert plane.x.shape == plane.y.shape == (50,) and plane.dx.shape == plane.dy.shape == (50, 50)
    v, w = np.meshgrid(plane.x, plane.y)
    np.testing.assert_allclose(plane.dx, (0.03 * (-70.6 - v + 2 * np.exp((v + 50.4) / 2)) - w + 0.3) / 0.281, rtol=1e-11,
                               atol=1e-11)
    np.testing.assert_allclose(plane.dy, (0.01 * (v + 70.6) - w) / 144, rtol=1e-12, atol=1e-14)
    assert (plane.x_name, plane.y_name, plane.x_unit, plane.y_unit) == ("v", "w", "mV", "nA")
    assert [p.kind for p in plane.fixed_points][1:] == ["saddle"]
    # across the reset the exponential is cut off; the plane stays finite
    assert np.isfinite(ns.analysis.phase_plane(ns.AdEx(), ranges=((-80, 500), (-1, 1))).dx).all()


def test_a_plane_can_be_drawn():
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    ax = ns.plot.phase_plane(ns.analysis.phase_plane(ns.FitzHughNagumo(), ranges=WIDE, inputs={"i": 0.5}))
    assert ax.get_xlabel().startswith("v")
    plt.close(ax.figure)


def test_further_states_are_given_as_numbers_or_expressions():
    # with m at its steady state and h = 0.89 - 1.1 n the model of 1952 becomes one of two variables (FitzHugh 1961)
    gates = {"m": "alpha_m/(alpha_m + beta_m)", "h": "0.89 - 1.1*n"}
    plane = ns.analysis.phase_plane(ns.HodgkinHuxley(), "v", "n", ranges=((-80, 40), (0.2, 0.9)), inputs={"i": 10},
                                    others=gates)
    (point,) = plane.fixed_points
    v, n = point.x, point.y
    a, b = (v + 40) / 10, (v + 55) / 10
    alpha_m, alpha_n = a / -np.expm1(-a), 0.1 * b / -np.expm1(-b)
    m = alpha_m / (alpha_m + 4 * np.exp(-(v + 65) / 18))
    assert abs(10 - 0.3 * (v + 54.387) - 120 * m**3 * (0.89 - 1.1 * n) * (v - 50) - 36 * n**4 * (v + 77)) < 1e-9
    assert n == pytest.approx(alpha_n / (alpha_n + 0.125 * np.exp(-(v + 65) / 80)), rel=1e-10)
    assert not point.stable
    with pytest.raises(ParameterError, match="give h, m in others="):
        ns.analysis.phase_plane(ns.HodgkinHuxley(), "v", "n", ranges=((-80, 40), (0, 1)))
    with pytest.raises(ParameterError, match="neither a parameter nor on an axis"):
        ns.analysis.phase_plane(ns.HodgkinHuxley(), "v", "n", ranges=((-80, 40), (0, 1)), others={"m": "h", "h": 0.5})
    with pytest.raises(ParameterError, match="no further state"):
        ns.analysis.phase_plane(ns.AdEx(), ranges=((-80, 40), (0, 1)), others={"v": 1})


def test_wrong_arguments_are_refused():
    plane = ns.analysis.phase_plane
    with pytest.raises(ParameterError, match="no state 'u'"):
        plane(ns.AdEx(), "u", ranges=WIDE)
    with pytest.raises(ParameterError, match="two different"):
        plane(ns.AdEx(), "v", "v", ranges=WIDE)
    with pytest.raises(ParameterError, match="must rise"):
        plane(ns.AdEx(), ranges=((1, -1), (0, 1)))
    with pytest.raises(ParameterError, match=r"\(\(low, high\), \(low, high\)\)"):
        plane(ns.AdEx(), ranges=(0, 1))
    with pytest.raises(ParameterError, match="v and w are needed"):
        plane(ns.AdEx(), ranges={"v": (0, 1)})
    with pytest.raises(ParameterError, match="no input 'j'"):
        plane(ns.AdEx(), ranges=WIDE, inputs={"j": 1})
    with pytest.raises(ParameterError, match="one number is needed"):
        plane(ns.AdEx(a=[0.1, 0.2]), ranges=WIDE)
    with pytest.raises(ParameterError, match="points"):
        plane(ns.AdEx(), ranges=WIDE, points=1)
    with pytest.raises(ModelError, match="depends on time"):
        plane(ns.NeuronModel.from_equations("dv/dt = -v + sin(t)\ndw/dt = -w"), ranges=WIDE)
    with pytest.raises(ParameterError, match="A NeuronModel"):
        ns.analysis.fixed_point(ns.AdEx)


# -- whole models ---------------------------------------------------------------------------------------------------

def test_fixed_points_with_closed_forms():
    point = ns.analysis.fixed_point
    assert point(ns.LIF(), {"i": 1.2}).values == pytest.approx({"v": -53.0}, rel=1e-12)
    assert point(ns.LIF()).eigenvalues == pytest.approx([-0.1], rel=1e-12)
    # (v - v_rest)(v - v_c)/D + R i = 0: the lower root is stable, the upper is not
    root = np.sqrt(15**2 / 4 - 15 * 10 * 0.2)
    low, high = point(ns.QIF(), {"i": 0.2}), point(ns.QIF(), {"i": 0.2}, start={"v": -45})
    assert low.values["v"] == pytest.approx(-57.5 - root, rel=1e-12) and low.stable
    assert high.values["v"] == pytest.approx(-57.5 + root, rel=1e-12) and not high.stable
    # Izhikevich: 0.04 v^2 + (5 - b) v + 140 + i = 0
    v = (-4.8 - np.sqrt(4.8**2 - 4 * 0.04 * 140)) / 0.08
    assert point(ns.Izhikevich()).values == pytest.approx({"v": v, "u": 0.2 * v}, rel=1e-12)
    assert point(ns.Graded("tanh"), {"i": 0.7}).values["x"] == pytest.approx(np.tanh(0.7), rel=1e-14)


def test_no_rest_is_reported_as_such():
    with pytest.raises(ParameterError, match="No fixed point of QIF was found"):
        ns.analysis.fixed_point(ns.QIF(), {"i": 0.5})
    # TraubMiles fires without input: its one fixed point is the depolarised one
    found = ns.analysis.fixed_point(ns.TraubMiles())
    assert not found.stable and found.values["v"] > -40
    assert ns.analysis.fixed_point(ns.TraubMiles(), {"i": -0.05}, start={"v": -65}).values["v"] < -60
