"""Which function of equations a call in Python stands for: ``np.exp``, ``math.fabs``, ``min``, ``pow``."""

from __future__ import annotations

import ast
import math
import types
from functools import lru_cache
from typing import Any, Protocol

import numpy as np

from neurosim.model.expression import ALIASES, FUNCTIONS

_MODULES = ("math", "numpy", "scipy.special")
CONSTANT_NAMES = {"pi": math.pi, "e": math.e, "inf": math.inf, "tau": math.tau}


class Scope(Protocol):
    """Where a function looks names up."""

    local: set[str]

    def outside(self, name: str) -> tuple[bool, Any]:
        """Return whether closure, module or builtins have the name, and its value."""


class Resolver(ast.NodeTransformer):
    """Replaces ``np.exp``, ``math.pi``, ``pow`` and the like by the names that equations use."""

    def __init__(self, reader: Scope):
        self.reader = reader

    def visit_Call(self, node: ast.Call) -> ast.AST:
        node.args = [self.visit(a) for a in node.args]
        name = self.function_name(node.func)
        if name == "power" and len(node.args) == 2:
            return ast.copy_location(ast.BinOp(node.args[0], ast.Pow(), node.args[1]), node)
        if name == "float" and len(node.args) == 1:
            return node.args[0]
        if name is not None:
            node.func = ast.copy_location(ast.Name(name, ast.Load()), node.func)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        module = self.module(node)
        if (
            module in ("math", "numpy")
            and node.attr in CONSTANT_NAMES
            and (module == "math" or node.attr != "tau")
        ):
            return ast.copy_location(ast.Constant(CONSTANT_NAMES[node.attr]), node)
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id in CONSTANT_NAMES and node.id not in self.reader.local and self.reader.outside(node.id)[0]:
            return ast.copy_location(ast.Constant(CONSTANT_NAMES[node.id]), node)
        return node

    def module(self, node: ast.Attribute) -> str | None:
        names = []
        inner: ast.AST = node.value
        while isinstance(inner, ast.Attribute):
            names.append(inner.attr)
            inner = inner.value
        if not isinstance(inner, ast.Name) or inner.id in self.reader.local:
            return None
        value = self.reader.outside(inner.id)[1]
        for name in reversed(names):
            value = getattr(value, name, None) if isinstance(value, types.ModuleType) else None
        return value.__name__ if isinstance(value, types.ModuleType) and value.__name__ in _MODULES else None

    def function_name(self, func: ast.expr) -> str | None:
        """Return the name in `FUNCTIONS` of what is called, "power" or "float"; None if it is not ours."""
        if isinstance(func, ast.Attribute):
            module = self.module(func)
            return None if module is None else _named(module, func.attr)
        if not isinstance(func, ast.Name) or func.id in self.reader.local:
            return None
        found, value = self.reader.outside(func.id)
        if not found:
            # relu, exprel and others exist in equations only
            return ALIASES.get(func.id, func.id) if func.id in FUNCTIONS or func.id in ALIASES else None
        if isinstance(value, np.ufunc) and value.__name__ in {**FUNCTIONS, **ALIASES}:
            return ALIASES.get(value.__name__, value.__name__)
        # a function of the user's own that happens to be called exp is not ours
        return _by_identity().get(id(value))


def _named(module: str, name: str) -> str | None:
    if name in _SPECIAL.get(module, {}):
        return _SPECIAL[module][name]
    # numpy.min(a, 2) takes the smallest entry along an axis; numpy.random is not ours
    if name in ("min", "max", "rand", "randn"):
        return None
    return ALIASES.get(name, name) if name in FUNCTIONS or (module != "numpy" and name in ALIASES) else None


_SPECIAL = {
    "math": {"pow": "power"},
    "numpy": {"power": "power", "absolute": "abs", "fabs": "abs", "float64": "float"},
}


@lru_cache(maxsize=1)
def _by_identity() -> dict[int, str]:
    """Our name of every function object that stands for it."""
    found = {id(abs): "abs", id(min): "minimum", id(max): "maximum", id(pow): "power", id(float): "float"}
    for module in (math, np):
        for name in {*FUNCTIONS, *ALIASES, *_SPECIAL[module.__name__]}:
            ours = _named(module.__name__, name)
            if ours is not None and hasattr(module, name):
                found[id(getattr(module, name))] = ours
    return found
