"""Reverse-mode automatic differentiation on NumPy arrays.

    from neurosim import autodiff as ad

    w = ad.Var(np.ones((3, 2)))
    loss = (ad.tanh(x @ w) ** 2).mean()        # x a NumPy array
    loss.backward()
    w.grad                                     # dloss/dw, shape (3, 2)

Variables broadcast, index and multiply as arrays do.  `check_gradient` compares a gradient with differences, `custom` lets any
function with a known gradient join, `no_grad` computes without a graph, `checked` finds where a value ceases to be finite.
Images have their channels last.  Gradients of gradients are not computed.

Sources: Linnainmaa 1976 (doi:10.1007/bf01931367); Griewank & Walther 2008, Evaluating Derivatives
(doi:10.1137/1.9780898717761).
"""

from __future__ import annotations

from neurosim.autodiff import operators  # noqa: F401  variables get their operators
from neurosim.lazy import public

# no file here may be called like a public name: imported by its path, the module would hide the function

#: public names and where they live; each is imported when it is first used
_WHERE = {
    "graph": ("Var", "Op", "GradientError", "no_grad", "checked"),
    "arithmetic": ("add", "subtract", "multiply", "divide", "negative", "square", "power"),
    "elementary": ("exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tanh", "arctan"),
    "piecewise": ("absolute", "sign", "heaviside", "clip", "maximum", "minimum", "where"),
    "activations": ("logistic", "softplus", "relu", "leaky_relu", "elu"),
    "reductions": ("sum", "mean", "prod", "max", "min", "var", "std", "norm"),
    "products": ("matmul", "affine", "einsum"),
    "shaping": ("reshape", "transpose", "swapaxes", "moveaxis", "expand_dims", "squeeze", "broadcast_to", "flip", "roll",
                "repeat"),
    "joining": ("concatenate", "stack", "split", "unstack", "pad"),
    "indexing": ("getitem", "take", "take_along_axis"),
    "scans": ("cumsum", "recurrence"),
    "normalising": ("softmax", "log_softmax", "logsumexp", "standardise"),
    "convolution": ("conv2d", "conv1d"),
    "pooling": ("max_pool2d", "avg_pool2d"),
    "customs": ("custom",),
    "checking": ("check_gradient", "ArgumentCheck"),
}

__getattr__, __dir__, __all__ = public(__name__, _WHERE)
