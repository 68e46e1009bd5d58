"""Semantic pointers: vectors that stand for concepts, and are added, bound and compared.

    A + B: like both;  A * B: like neither (bound, circular convolution);  A * B * ~B: like A (unbound)

Source: Plate 1995, Holographic reduced representations, doi:10.1109/72.377968; Eliasmith 2013, How to Build a Brain (isbn
9780199794546).
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neurosim.errors import NeurosimWarning, ParameterError, listing, nearest
from neurosim.nef.parts import numbers, positive_integer


class Pointer:
    """A vector with the algebra of semantic pointers.

        p + q, p - q, -p, 2 p:  as vectors
        p * q:   (p * q)_k = sum_j p_j q_(k - j mod d), circular convolution
        ~p:      p_(-k mod d), the approximate inverse: p * ~p is like the unit of binding, exactly it for a unitary p
        p @ q:   scalar product

    Args:
        vector: shape (d,); it is copied.
        name: how it is written.

    Raises:
        ParameterError: for another shape or values that are not finite.
    """

    __slots__ = ("name", "vector")
    # a NumPy number times a pointer is a pointer, not an array of pointers
    __array_ufunc__ = None

    def __init__(self, vector: ArrayLike, name: str = ""):
        array = numbers(vector, "Pointer: vector", "Give an array (d,).")
        if array.ndim != 1 or not array.size:
            raise ParameterError(f"Pointer: vector has shape {array.shape}; give (d,).")
        self.vector, self.name = array, name

    def __len__(self) -> int:
        return self.vector.size

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return np.array(self.vector, dtype=dtype) if copy or dtype not in (None, np.dtype(float)) else self.vector

    def __repr__(self) -> str:
        return f"<Pointer {self.name or 'without a name'}, {len(self)} dimensions>"

    @property
    def length(self) -> float:
        """Euclidean length."""
        return float(np.linalg.norm(self.vector))

    def normalised(self) -> Pointer:
        """Return it with length 1; 0 stays 0."""
        return Pointer(self.vector / (self.length or 1), self.name)

    def unitary(self) -> Pointer:
        """Return it with all Fourier coefficients of size 1, so that binding with it keeps lengths and ~ undoes it exactly."""
        f = np.fft.rfft(self.vector)
        size = np.abs(f)
        f = np.where(size > 1e-12, f / np.where(size > 1e-12, size, 1), 1)
        return Pointer(np.fft.irfft(f, len(self)), self.name)

    def compare(self, other: Pointer) -> float:
        """Return the cosine of the angle between the two; 0 if one of them is 0."""
        scale = self.length * self._like(other).length
        return float(self.vector @ other.vector) / scale if scale else 0.0

    def bind(self, other: Pointer) -> Pointer:
        """Return the circular convolution."""
        product = np.fft.irfft(np.fft.rfft(self.vector) * np.fft.rfft(self._like(other).vector), len(self))
        return Pointer(product, f"{_inner(self.name)}*{_inner(other.name)}" if self.name and other.name else "")

    def unbind(self, other: Pointer) -> Pointer:
        """Return what is bound to `other` in it, with noise: self * ~other."""
        return self.bind(~other)

    def __mul__(self, other: Any) -> Pointer:
        if isinstance(other, Pointer):
            return self.bind(other)
        if isinstance(other, (int, float, np.number)):
            return Pointer(self.vector * other, f"{other:g}*{_inner(self.name)}" if self.name else "")
        return NotImplemented

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Pointer:
        return self * (1 / other) if isinstance(other, (int, float, np.number)) else NotImplemented

    def __add__(self, other: Any) -> Pointer:
        if not isinstance(other, Pointer):
            return NotImplemented
        return Pointer(self.vector + self._like(other).vector, f"{self.name}+{other.name}" if self.name and other.name else "")

    def __sub__(self, other: Any) -> Pointer:
        return self + -other if isinstance(other, Pointer) else NotImplemented

    def __neg__(self) -> Pointer:
        return Pointer(-self.vector, f"-{_inner(self.name)}" if self.name else "")

    def __invert__(self) -> Pointer:
        return Pointer(np.roll(self.vector[::-1], 1), f"~{_inner(self.name)}" if self.name else "")

    def __matmul__(self, other: Any) -> float:
        return float(self.vector @ self._like(other).vector) if isinstance(other, Pointer) else NotImplemented

    def _like(self, other: Pointer) -> Pointer:
        if not isinstance(other, Pointer):
            raise ParameterError(f"A pointer goes together with pointers and numbers, not with {type(other).__name__}.")
        if len(self) != len(other):
            raise ParameterError(f"Pointers of {len(self)} and {len(other)} dimensions do not go together.")
        return other


class Vocabulary:
    """Pointers by name, drawn so that they are not alike.

    Args:
        dimensions: of each.
        names: pointers to draw at once.
        seed: of what is drawn; pointer k depends on the seed and what was drawn before it.
        max_similarity: largest cosine between any two, sign aside; drawing is tried again up to `attempts` times.
        unitary: draw unitary pointers.
        attempts: how often.

    ``vocabulary["A"]`` is a pointer; unknown names are an error: draw them with `add`.
    """

    def __init__(self, dimensions: int, names: Iterable[str] = (), *, seed: int = 0, max_similarity: float = 0.1,
                 unitary: bool = False, attempts: int = 100):
        self.dimensions = positive_integer(dimensions, "Vocabulary: dimensions")
        self.max_similarity, self.unitary = float(max_similarity), bool(unitary)
        self.attempts = positive_integer(attempts, "Vocabulary: attempts")
        self._rng = np.random.default_rng(seed)
        self._pointers: dict[str, Pointer] = {}
        for name in names:
            self.add(name)

    def add(self, name: str, pointer: Pointer | ArrayLike | str | None = None) -> Pointer:
        """Add a pointer and return it.

        Args:
            name: a name as in Python, so that `parse` can read it.
            pointer: the pointer, a vector, or text such as "A*B"; None: draw one.

        Raises:
            ParameterError: for a name that is taken or is no name, and a vector of another size.

        Warns:
            NeurosimWarning: if no vector was found that is as little like the others as wanted; the best one is taken.
        """
        if not (isinstance(name, str) and name.isidentifier()):
            raise ParameterError(f"Vocabulary: {name!r} is not a name. Use letters, digits and _, and begin with a letter.")
        if name in self._pointers:
            raise ParameterError(f"Vocabulary: there is a pointer {name!r} already.")
        if pointer is None:
            vector = self._drawn(name)
        else:
            vector = np.asarray(self.parse(pointer).vector if isinstance(pointer, str) else pointer, dtype=float)
            if vector.shape != (self.dimensions,):
                raise ParameterError(f"Vocabulary: the vector of {name!r} has shape {vector.shape}, not ({self.dimensions},).")
        self._pointers[name] = Pointer(vector, name)
        return self._pointers[name]

    def __getitem__(self, name: str) -> Pointer:
        if name not in self._pointers:
            raise KeyError(f"There is no pointer {name!r}.{nearest(str(name), self._pointers)} Known: "
                           f"{listing(self._pointers)}. New ones are drawn with add().")
        return self._pointers[name]

    def __len__(self) -> int:
        return len(self._pointers)

    def __iter__(self) -> Iterator[str]:
        return iter(self._pointers)

    def __contains__(self, name: object) -> bool:
        return name in self._pointers

    @property
    def names(self) -> tuple[str, ...]:
        """Names, in order."""
        return tuple(self._pointers)

    @property
    def vectors(self) -> np.ndarray:
        """All vectors, shape (n_pointers, d)."""
        return np.array([p.vector for p in self._pointers.values()]).reshape(len(self), self.dimensions)

    def similarities(self, vectors: ArrayLike) -> np.ndarray:
        """Return the scalar product of vectors (..., d) with every pointer: (..., n_pointers)."""
        return np.asarray(vectors, dtype=float) @ self.vectors.T

    def closest(self, vector: ArrayLike) -> tuple[str, float]:
        """Return the name of the pointer most like a vector, and their cosine.

        Raises:
            ParameterError: if there are no pointers.
        """
        if not self._pointers:
            raise ParameterError("Vocabulary: there are no pointers to compare with. Draw some with add().")
        given = Pointer(vector)
        found = max(self._pointers.values(), key=given.compare)
        return found.name, given.compare(found)

    def parse(self, text: str) -> Pointer:
        """Return the pointer of an expression of names and numbers with + - * / ~ and brackets, such as "0.5*A*~B + C".

        Raises:
            ParameterError: for unknown names, and for anything else than that.
        """
        try:
            tree = ast.parse(text.strip(), mode="eval")
        except SyntaxError as problem:
            raise ParameterError(f"Vocabulary: {text!r} is not an expression: {problem.msg}.") from None
        found = self._value(tree.body, text)
        if not isinstance(found, Pointer):
            raise ParameterError(f"Vocabulary: {text!r} is a number, not a pointer.")
        return found

    def _value(self, node: ast.AST, text: str) -> Pointer | float:
        if isinstance(node, ast.Name):
            if node.id not in self._pointers:
                raise ParameterError(f"Vocabulary: there is no pointer {node.id!r} for {text!r}."
                                     f"{nearest(node.id, self._pointers)} Known: {listing(self._pointers)}.")
            return self._pointers[node.id]
        if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
            return node.value
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd, ast.Invert)):
            value = self._value(node.operand, text)
            if isinstance(node.op, ast.UAdd):
                return value
            if isinstance(node.op, ast.USub):
                return -value
            if isinstance(value, Pointer):
                return ~value
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub, ast.Mult, ast.Div)):
            left, right = self._value(node.left, text), self._value(node.right, text)
            same = isinstance(left, Pointer) == isinstance(right, Pointer)
            if isinstance(node.op, ast.Mult):
                return left * right
            if isinstance(node.op, ast.Div) and not isinstance(right, Pointer) and right != 0:
                return left / right
            if isinstance(node.op, ast.Add) and same:
                return left + right
            if isinstance(node.op, ast.Sub) and same:
                return left - right
        raise ParameterError(f"Vocabulary: {ast.unparse(node)!r} in {text!r} cannot be done with pointers: they take + and "
                             "- with each other, * with each other and with numbers, / by numbers, and ~.")

    def _drawn(self, name: str) -> np.ndarray:
        best, least = None, np.inf
        others = self.vectors
        for _ in range(self.attempts):
            vector = self._rng.standard_normal(self.dimensions)
            vector = Pointer(vector).unitary().vector if self.unitary else vector / np.linalg.norm(vector)
            like = float(np.abs(others @ vector).max(initial=0.0))
            if like < least:
                best, least = vector, like
            if like <= self.max_similarity:
                return vector
        import warnings

        warnings.warn(f"Vocabulary: {name!r} has a similarity of {least:.2f} with another pointer (wanted: at most "
                      f"{self.max_similarity:g}) after {self.attempts} attempts. Take more dimensions, or allow more.",
                      NeurosimWarning, stacklevel=3)
        return best


def identity(dimensions: int) -> Pointer:
    """Return the unit of binding, (1, 0, ..., 0)."""
    return Pointer(np.eye(1, positive_integer(dimensions, "identity: dimensions"))[0], "identity")


def _inner(name: str) -> str:
    depth = 0
    for k, letter in enumerate(name):
        depth += (letter == "(") - (letter == ")")
        if not depth and k and letter in "+-":
            return f"({name})"
    return name
