"""The diagram of an expression shows its operations, leaves, shapes and links."""

from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from neurosim import autodiff as ad
from neurosim import plot
from neurosim.errors import ParameterError
from neurosim.plot.autodiff import MOST, expression_diagram


def drawn(ax):
    """Return what boxes are called, what texts say, and how many arrows end somewhere."""
    boxes = sorted(p.get_gid() for p in ax.patches if isinstance(p, FancyBboxPatch))
    heads = sum(isinstance(p, FancyArrowPatch) and p.get_arrowstyle().arrow == "-|>" for p in ax.patches)
    return boxes, [t.get_text() for t in ax.texts], heads


def test_boxes_shapes_and_arrows():
    w, b = ad.Var(np.ones((3, 2)), name="w"), ad.Var(np.ones(2), name="b")
    loss = (ad.tanh(np.ones((5, 3)) @ w + b)**2).mean() + 0.01*ad.sum(w**2)
    ax = expression_diagram(loss)
    boxes, texts, heads = drawn(ax)
    assert boxes == sorted(["operation:matmul", "operation:add", "operation:tanh", "operation:square", "operation:mean",
                            "operation:add",
                            "operation:square", "operation:sum", "operation:multiply", "variable:w", "variable:b",
                            "constant:0.01",
                            "constant:constant"])
    assert texts.count("5×2") == 4 and "5×3" in texts and texts.count("single") == 5
    # matmul 2, add 2, tanh, square, mean, square, sum, multiply 2, add 2
    assert heads == 13
    file = io.BytesIO()
    plot.save(ax, file, format="png")
    assert file.tell() > 1000


def test_a_value_used_twice_has_two_arrows_and_equal_numbers_stay_apart():
    x = ad.Var(np.ones(3))
    boxes, _, heads = drawn(expression_diagram((x*x + 2.0)*2.0))
    assert boxes.count("constant:2") == 2 and boxes.count("variable:variable") == 1 and heads == 6


def test_arrows_do_not_cross_where_they_need_not():
    """Two chains that never meet but at the end: their boxes stay in two rows."""
    x, y = ad.Var(np.ones(3), name="x"), ad.Var(np.ones(3), name="y")
    ax = expression_diagram(ad.exp(ad.sin(ad.cos(x))) + ad.tanh(ad.sin(ad.cos(y))))
    heights = {}
    for p in ax.patches:
        if isinstance(p, FancyBboxPatch):
            heights.setdefault(round(p.get_x(), 6), []).append(p.get_y())
    assert all(len(set(h)) == len(h) for h in heights.values())
    assert len({tuple(sorted(h)) for h in heights.values() if len(h) == 2}) == 1


def test_a_leaf_alone_and_axes_of_the_caller():
    _, axes = plot.figure()
    ax = expression_diagram(ad.Var(3.0, name="alone"), ax=axes[0, 0])
    assert ax is axes[0, 0] and drawn(ax)[0] == ["variable:alone"]


def test_errors():
    with pytest.raises(ParameterError, match="not ndarray"):
        expression_diagram(np.ones(3))
    x = ad.Var(1.0)
    y = x
    for _ in range(MOST + 5):
        y = ad.sin(y)
    with pytest.raises(ParameterError, match="smaller part"):
        expression_diagram(y)
    z = ad.exp(x)
    z.backward(release=True)
    with pytest.raises(ParameterError, match="exp was released"):
        expression_diagram(z)
