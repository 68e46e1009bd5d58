"""What can be written with variables: operators, methods, and NumPy's own functions of one or two arrays.

Variables stand below the functions in the order of imports, so the operators join the class here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.autodiff import arithmetic, elementary, indexing, piecewise, products, reductions, reverse, shaping
from neurosim.autodiff.graph import Var
from neurosim.errors import ParameterError

#: functions of NumPy that act on variables: np.tanh(x @ w)
UFUNCS = {
    np.add: arithmetic.add, np.subtract: arithmetic.subtract, np.multiply: arithmetic.multiply, np.divide: arithmetic.divide,
    np.negative: arithmetic.negative, np.square: arithmetic.square, np.power: arithmetic.power,
    np.float_power: arithmetic.power, np.matmul: products.matmul, np.exp: elementary.exp,
    np.expm1: elementary.expm1, np.log: elementary.log,
    np.log1p: elementary.log1p, np.sqrt: elementary.sqrt, np.sin: elementary.sin, np.cos: elementary.cos,
    np.tanh: elementary.tanh, np.arctan: elementary.arctan, np.absolute: piecewise.absolute, np.fabs: piecewise.absolute,
    np.sign: piecewise.sign, np.maximum: piecewise.maximum, np.minimum: piecewise.minimum,
    np.greater: lambda a, b: _plain(a) > _plain(b), np.greater_equal: lambda a, b: _plain(a) >= _plain(b),
    np.less: lambda a, b: _plain(a) < _plain(b), np.less_equal: lambda a, b: _plain(a) <= _plain(b),
}


def _plain(x: Any) -> Any:
    return x.value if type(x) is Var else x


def _ufunc(self: Var, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
    if any(type(x) is Var for x in options.get("out", ())):
        raise ParameterError(f"numpy.{ufunc.__name__}: the result cannot be written into a Var (an operator such as +=, or "
                             "out=). Make a new one: a = a + b.")
    function = UFUNCS.get(ufunc)
    if function is None or method != "__call__" or options:
        called = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
        raise ParameterError(f"numpy.{called}{' with options' if options else ''} has no gradient here. Use the functions of "
                             "neurosim.autodiff, or .value for a constant.")
    return function(*inputs)


def _reflected(function: Any) -> Any:
    return lambda self, other: function(other, self)


def _iterate(self: Var) -> Any:
    if self.ndim == 0:
        raise TypeError("a Var of a single number cannot be iterated over. Use .item().")
    return iter([indexing.getitem(self, k) for k in range(len(self.value))])


Var.__array_ufunc__ = _ufunc
Var.__add__, Var.__radd__ = arithmetic.add, _reflected(arithmetic.add)
Var.__sub__, Var.__rsub__ = arithmetic.subtract, _reflected(arithmetic.subtract)
Var.__mul__, Var.__rmul__ = arithmetic.multiply, _reflected(arithmetic.multiply)
Var.__truediv__, Var.__rtruediv__ = arithmetic.divide, _reflected(arithmetic.divide)
Var.__pow__, Var.__rpow__ = arithmetic.power, _reflected(arithmetic.power)
Var.__matmul__, Var.__rmatmul__ = products.matmul, _reflected(products.matmul)
Var.__neg__, Var.__pos__, Var.__abs__ = arithmetic.negative, lambda self: self, piecewise.absolute
Var.__getitem__, Var.__iter__ = indexing.getitem, _iterate
Var.backward = reverse.backward
for _function in (reductions.sum, reductions.mean, reductions.prod, reductions.max, reductions.min, reductions.var,
                  reductions.std, shaping.reshape, shaping.swapaxes, shaping.squeeze, piecewise.clip):
    setattr(Var, _function.__name__, _function)
Var.transpose = lambda self, *axes: shaping.transpose(self, (axes[0] if len(axes) == 1 else axes) or None)
Var.T = property(shaping.transpose, doc="The variable with its axes reversed.")
