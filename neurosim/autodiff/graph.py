"""The graph of an expression: variables, the operations that made them, and how an operation joins the graph.

    x, w  Var (leaves)  ->  Op "matmul"  ->  Var  ->  Op "tanh"  ->  Var ...

A variable knows the operation that made it (its creator), an operation its inputs and one rule per input that turns the
gradient of what it made into the gradient of that input.  Links point backwards only, so that a graph goes away with the last
variable that needs it.

Values are not copied.  What a rule needs is a value as it was when the operation was recorded: do not write into an array
between its use and backward; `checked` finds where that happens.
"""

from __future__ import annotations

import weakref
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from neurosim.errors import NeurosimError, ParameterError

#: how operations are recorded just now: not at all, plainly, or with checks
_OFF, _PLAIN, _CHECKED = 0, 1, 2
_mode: ContextVar[int] = ContextVar("neurosim_autodiff_mode", default=_PLAIN)


class GradientError(NeurosimError, ArithmeticError):
    """A gradient cannot be computed, or is not the one of the function."""


class Var:
    """A value of which gradients can be asked: dE/dvalue of a number E that was computed from it.

    Arithmetic, indexing and the functions of `neurosim.autodiff` give new variables.  What is no Var (numbers, NumPy arrays) is
    a constant.  Comparisons give NumPy arrays.

    Args:
        value: numbers, any shape; whole numbers and truth values become float64.  Not copied.
        name: shown in messages and drawings.
        tracked: False for a constant.

    Attributes:
        value: NumPy array.
        grad: gradient, of the shape of `value`, summed over all calls of `backward` since the last `zero_grad`; None before.
            Leaves have one, others only after `keep_grad`.
        creator: the operation (Op) that made it; None for a leaf.

    Raises:
        ParameterError: `value` is not an array of numbers.
    """

    __slots__ = ("value", "grad", "creator", "name", "tracked", "__weakref__")

    def __init__(self, value: Any, name: str | None = None, tracked: bool = True):
        if isinstance(value, Var):
            value = value.value
        try:
            value = np.asarray(value)
        except ValueError as error:
            raise ParameterError(f"Var: the value is no array: {error}. All rows must have the same length.") from None
        if value.dtype.kind in "biu":
            value = value.astype(np.float64)
        elif value.dtype.kind not in "fc":
            raise ParameterError(f"Var: the value must be numbers, not {value.dtype}. Convert it before.")
        self.value, self.grad, self.creator, self.name, self.tracked = value, None, None, name, tracked

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the value."""
        return self.value.shape

    @property
    def ndim(self) -> int:
        """Number of axes of the value."""
        return self.value.ndim

    @property
    def size(self) -> int:
        """Number of elements of the value."""
        return self.value.size

    @property
    def dtype(self) -> np.dtype:
        """Type of the elements of the value."""
        return self.value.dtype

    def item(self) -> float:
        """Return the value of a variable of one element as a number.

        Raises:
            ParameterError: it has another number of elements.
        """
        if self.value.size != 1:
            raise ParameterError(f"item: the variable has shape {self.shape}; only one of one element is a number. Use .value.")
        return self.value.item()

    def detach(self) -> Var:
        """Return a constant of the same value, through which no gradient flows."""
        return Var(self.value, self.name, tracked=False)

    def keep_grad(self) -> Var:
        """Let `backward` leave the gradient of this variable in `grad` although it is no leaf; returns the variable."""
        if self.creator is not None:
            self.creator.kept = weakref.ref(self)
        return self

    def zero_grad(self) -> None:
        """Set the gradients of this variable, and of all that it was made of, back to None."""
        self.grad = None
        ahead, met = [self.creator] if self.creator is not None else [], set()
        while ahead:
            op = ahead.pop()
            if (kept := op.kept and op.kept()) is not None:
                kept.grad = None
            for x in op.inputs:
                if type(x) is not Var:
                    continue
                if x.creator is None:
                    x.grad = None
                elif x.creator not in met:
                    met.add(x.creator)
                    ahead.append(x.creator)

    def __len__(self) -> int:
        return len(self.value)

    def __bool__(self) -> bool:
        return bool(self.value)

    def __float__(self) -> float:
        return float(self.item())

    def __lt__(self, other: Any) -> Any:
        return self.value < data(other)

    def __le__(self, other: Any) -> Any:
        return self.value <= data(other)

    def __gt__(self, other: Any) -> Any:
        return self.value > data(other)

    def __ge__(self, other: Any) -> Any:
        return self.value >= data(other)

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        raise ParameterError("A Var was given where NumPy wants an array, which would cut it off from its gradient. "
                             "Use the functions of neurosim.autodiff, or .value for the plain array.")

    def __repr__(self) -> str:
        made = f", made by {self.creator.name}" if self.creator is not None else "" if self.tracked else ", constant"
        named = f"{self.name!r}, " if self.name else ""
        return f"Var({named}{np.array2string(self.value, threshold=20, precision=5)}, shape {self.shape}{made})"


class Op:
    """An operation that was carried out: its inputs and the rules that lead gradients back to them.

    Attributes:
        name: of the function.
        inputs: what went in, variables and constants; empty once released.
        pulls: one function g -> gradient of that input for each input, or one function (g, wanted) -> gradients of all inputs;
            None once released.
        wanted: which inputs get a gradient.
        depth: 1 more than the deepest operation that made an input.
        kept: weak reference to what it made, if that keeps its gradient.
        seals: check sums of the inputs, when made within `checked`.
    """

    __slots__ = ("name", "inputs", "pulls", "wanted", "depth", "kept", "seals")

    def __init__(self, name: str, inputs: tuple, pulls: Any, wanted: list[bool], depth: int):
        self.name, self.inputs, self.pulls, self.wanted, self.depth = name, inputs, pulls, wanted, depth
        self.kept = self.seals = None

    def __repr__(self) -> str:
        return f"Op({self.name!r}, {len(self.inputs)} inputs)"


def data(x: Any) -> Any:
    """Return the plain value of a variable; a number stays a number, since it does not widen float32; else an array."""
    kind = type(x)
    if kind is Var:
        return x.value
    if kind is np.ndarray or kind is float or kind is int:
        return x
    return np.asarray(x) if not isinstance(x, (bool, complex)) else x


def record(name: str, value: Any, inputs: tuple, *pulls: Callable[[np.ndarray], Any], together: Callable | None = None) -> Var:
    """Return `value` as a variable made by an operation, or as a constant if nothing that went in asks for a gradient.

    Args:
        name: of the function, for messages and drawings.
        value: what it computed.
        inputs: what went in: variables, arrays, numbers.
        pulls: for each input a function of g, the gradient of `value`, that returns the gradient of the input in the shape
            of the input or broadcast from it: a new array, a view, or g itself, never an array that is held elsewhere.
        together: instead of `pulls`, a function (g, wanted) that returns a gradient, or None, for each input; `wanted` tells
            which are needed.
    """
    if type(value) is not np.ndarray:
        value = np.asarray(value)
    made = Var.__new__(Var)
    made.value, made.grad, made.creator, made.name, made.tracked = value, None, None, None, False
    mode = _mode.get()
    if mode == _OFF:
        return made
    depth, wanted = 0, []
    for x in inputs:
        if type(x) is Var and x.tracked:
            wanted.append(True)
            if x.creator is not None and x.creator.depth > depth:
                depth = x.creator.depth
        else:
            wanted.append(False)
    if mode == _CHECKED:
        _demand_finite(name, value, inputs)
    if True in wanted:
        made.tracked = True
        made.creator = Op(name, inputs, together or pulls, wanted, depth + 1)
        if mode == _CHECKED:
            made.creator.seals = seal(inputs)
    return made


def seal(inputs: tuple) -> tuple[int, ...]:
    """Return check sums of the values of `inputs`, by which a change in place is seen."""
    values = (data(x) for x in inputs)
    return tuple(zlib.crc32(np.ascontiguousarray(v)) if isinstance(v, np.ndarray) and v.size else 0 for v in values)


def _demand_finite(name: str, value: np.ndarray, inputs: tuple) -> None:
    if np.all(np.isfinite(value)):
        return
    ranges = []
    for x in inputs:
        v = np.asarray(data(x))
        if v.dtype.kind not in "fiu" or not v.size:
            continue
        if not np.all(np.isfinite(v)):
            return
        ranges.append(f"{v.min():.6g} to {v.max():.6g}, shape {v.shape}")
    raise GradientError(f"{name} gave {np.count_nonzero(~np.isfinite(value))} of {value.size} values that are not finite, from "
                        f"inputs in {'; '.join(ranges)}. Keep its inputs where it is defined and does not overflow.")


@contextmanager
def _recording(mode: int) -> Iterator[None]:
    token = _mode.set(mode)
    try:
        yield
    finally:
        _mode.reset(token)


def no_grad():
    """Return a context in which nothing is recorded: functions give constants, and nothing is kept for gradients."""
    return _recording(_OFF)


def checked():
    """Return a context in which every operation is watched; slower.

    GradientError is raised where an operation turns finite values into ones that are not, where a gradient is not finite, and
    where a value was changed in place between its use and `backward`.
    """
    return _recording(_CHECKED)
