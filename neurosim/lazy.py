"""Public names of a package, each imported when it is first used, so that importing the package itself costs nothing."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any


def public(package: str, where: Mapping[str, tuple[str, ...]],
           modules: Mapping[str, str] | None = None) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return ``__getattr__``, ``__dir__`` and ``__all__`` of a package.

    A module must not be called like a public name of its package: imported by its path, it would hide the name.

    Args:
        package: ``__name__`` of the package.
        where: public names by the module they live in, "model.ir" for ``package.model.ir``.
        modules: module by the public name it is offered under.

    `__getattr__` raises AttributeError for an unknown name, with the nearest one.
    """
    home = {name: module for module, names in where.items() for name in names}
    modules = dict(modules or {})
    every = sorted([*home, *modules])

    def get(name: str) -> Any:
        if name in home:
            value = getattr(importlib.import_module(f"{package}.{home[name]}"), name)
        elif name in modules:
            value = importlib.import_module(f"{package}.{modules[name]}")
        else:
            from neurosim.errors import nearest

            raise AttributeError(f"{package} has no {name!r}.{nearest(name, every)}")
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *every})

    return get, names, every
