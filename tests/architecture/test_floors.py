"""The rules of the house, checked on the source text: who may import whom, and what no file may do."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import neurosim

PACKAGE = Path(neurosim.__file__).resolve().parent
ROOT = PACKAGE.parent
#: floor by the first part of a module's name; equal numbers are one room
FLOORS = {"errors": 0.0, "lazy": 0.1, "units": 0.1, "config": 0.1, "blas": 0.2, "estimators": 0.2, "kernels": 1, "model": 2,
          "codegen": 3, "simulator": 4,
          "nef": 5.0, "autodiff": 5.0, "attractors": 5.1, "predictive": 5.1, "spiking": 5.1, "learning": 5.2,
          "plot": 6.0, "published": 6.1, "cli": 6.2, "__main__": 6.3}
FILES = sorted(p for p in PACKAGE.rglob("*.py") if "models" not in p.relative_to(PACKAGE).parts
               and "benchmarks" not in p.relative_to(PACKAGE).parts)
EVERY = [*FILES, *sorted((ROOT / "models").glob("*.py")), *sorted((ROOT / "examples").glob("*.py"))]


def module_of(path: Path) -> str:
    """Return the dotted name of a file of the package."""
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def tree_of(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


MODULES = {module_of(p): p for p in FILES}


def imports(path: Path, top_only: bool = False) -> set[str]:
    """Return the modules of neurosim that a file imports, within functions too unless `top_only`."""
    nodes = tree_of(path).body if top_only else ast.walk(tree_of(path))
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names if a.name.split(".")[0] == "neurosim"}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "neurosim":
            assert not node.level, f"{path}: relative import"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                # the version is a constant, known before anything else is imported
                if whole != "neurosim.__version__":
                    found.add(whole if whole in MODULES else node.module)
    return found


def floor_of(module: str) -> float:
    """Return the floor of a module; the package itself, which knows everything by name, is the roof."""
    parts = module.split(".")
    return 9.0 if len(parts) == 1 else FLOORS[parts[1]]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_only_from_below(path):
    own = module_of(path)
    if own == "neurosim":
        return
    for other in imports(path):
        # what users write stands on the roof as well
        if other == "neurosim" and floor_of(own) >= FLOORS["cli"]:
            continue
        assert floor_of(other) <= floor_of(own), f"{own} imports {other} from a floor above"


def test_no_cycles_at_import():
    graph = {}
    for module, path in MODULES.items():
        graph[module] = {m for m in imports(path, top_only=True) if m in MODULES and m not in ("neurosim", module)}
    list(TopologicalSorter(graph).static_order())


def test_every_module_has_a_floor():
    assert {m.split(".")[1] for m in MODULES if "." in m} <= set(FLOORS)


@pytest.mark.parametrize("path", EVERY, ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_forbidden(path):
    for node in ast.walk(tree_of(path)):
        where = f"{path.name}:{getattr(node, 'lineno', '?')}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("eval", "exec", "__import__"), where
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, f"{where}: bare except"
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = {a.name for a in node.names} | {getattr(node, "module", None) or ""}
            names |= {f"{getattr(node, 'module', '')}.{a.name}" for a in node.names}
            assert not any(n.split(".")[0] in ("pickle", "pylab", "shelve", "marshal") for n in names), where
            assert "matplotlib.pyplot" not in names, f"{where}: pyplot keeps global state"
            assert "*" not in names, f"{where}: star import"


@pytest.mark.parametrize("path", EVERY, ids=lambda p: str(p.relative_to(ROOT)))
def test_what_is_public_is_described(path):
    tree = tree_of(path)
    assert ast.get_docstring(tree), f"{path.name} has no docstring"
    if path.parent == ROOT / "examples":
        return
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{path.name}:{node.lineno}: {node.name} has no docstring"


@pytest.mark.parametrize("name", neurosim.__all__)
def test_public_names_exist_and_are_described(name):
    value = getattr(neurosim, name)
    assert (value.__doc__ or "").strip() and not value.__doc__.startswith(f"{name}(")


def test_unknown_public_name_offers_the_nearest():
    with pytest.raises(AttributeError, match="Did you mean 'Population'"):
        neurosim.Populaton  # noqa: B018


def test_import_is_light():
    heavy = "{'numba', 'llvmlite', 'matplotlib', 'scipy', 'pandas', 'h5py', 'rich', 'click'}"
    code = f"import sys, neurosim; print(sorted({{m.split('.')[0] for m in sys.modules}} & {heavy}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr
