"""Published models: found, loaded, given other parameters, compared; on models made up for the purpose."""

from __future__ import annotations

import math
import sys
import textwrap

import pytest

from neurosim import published
from neurosim.errors import ModelError, ParameterError, UnitError
from neurosim.published import Number, Outcome, Reference

MODEL = '''
"""A model made up for tests."""

from dataclasses import dataclass, field

import numpy as np

import neurosim as ns
from neurosim.published import Number, Outcome, Reference

REFERENCE = Reference("A. Author (1999), Title, Journal 1, 2", "10.1000/1",
                      {"double": Number(20.0, 0.5, "mV", "Table 1"), "never": Number(1.0, 0.1)})


@dataclass(frozen=True)
class Parameters:
    """v: voltage (mV)."""

    v: float = 10.0
    tau: float = field(default=5.0, metadata={"unit": "ms"})
    rate: float = field(default=1.0, metadata={"unit": "1/ms"})
    n: int = 3
    on: bool = True
    kind: str = "a"
    weights: tuple = (1.0, 2.0)


def build(parameters=Parameters()):
    return ns.Network([ns.Population(parameters.n, ns.LIF(), name="cells")])


def run(parameters=Parameters(), *, duration=None, seed=0, threads=1, progress=None):
    measured = {"double": 2*parameters.v, "never": 1.0 if parameters.on else 2.0, "extra": float(seed)}
    return Outcome(measured, {"x": np.arange(3.0), "note": "text"}, parameters)


def figure(outcome):
    fig, axes = ns.plot.figure()
    axes[0, 0].plot(outcome.results["x"])
    return fig
'''


@pytest.fixture
def models(tmp_path, monkeypatch):
    """A folder with two models: one good, one that lacks most of what a model needs."""
    (tmp_path / "author_1999.py").write_text(textwrap.dedent(MODEL), encoding="utf-8")
    (tmp_path / "empty_2000.py").write_text('"""Nothing."""\nREFERENCE = None\n', encoding="utf-8")
    (tmp_path / "_helper.py").write_text("", encoding="utf-8")
    before = {n: m for n, m in sys.modules.items() if n.startswith("neurosim.models")}
    for name in before:
        del sys.modules[name]
    monkeypatch.setattr(published, "folder", lambda name="models": tmp_path)
    yield tmp_path
    for name in [n for n in sys.modules if n.startswith("neurosim.models")]:
        del sys.modules[name]
    sys.modules.update(before)


def test_names_leave_out_helpers(models):
    assert published.names() == ("author_1999", "empty_2000")


def test_unknown_name_offers_the_nearest(models):
    with pytest.raises(ParameterError, match="no published model 'autor_1999'. Did you mean 'author_1999'"):
        published.load("autor_1999")


@pytest.mark.parametrize("name", ["", "../x", "_helper", "os"])
def test_only_listed_names_are_imported(models, name):
    with pytest.raises(ParameterError, match="no published model"):
        published.load(name)


def test_incomplete_module_says_what_it_lacks(models):
    with pytest.raises(ModelError, match="empty_2000.*lacks Parameters, build, run, figure"):
        published.load("empty_2000")


def test_loaded_once(models):
    assert published.load("author_1999") is published.load("author_1999")


def test_parameters_keep_the_types_of_the_defaults(models):
    module = published.load("author_1999")
    p = published.parameters(module, {"v": 3, "n": 4.0, "on": False, "kind": "b", "weights": [1, 2, 3]})
    assert (p.v, p.n, p.on, p.kind, p.weights) == (3.0, 4, False, "b", (1.0, 2.0, 3.0))
    assert isinstance(p.v, float) and isinstance(p.n, int)
    assert published.parameters(module, {"weights": 5}).weights == (5.0,)
    assert published.parameters(module, {}) == module.Parameters()


def test_quantities_are_converted(models):
    module = published.load("author_1999")
    p = published.parameters(module, {"v": "0.02 V", "tau": "0.1 s", "rate": "2000 Hz"})
    assert p.v == pytest.approx(20.0) and p.tau == pytest.approx(100.0) and p.rate == pytest.approx(2.0)
    with pytest.raises(UnitError, match="'tau'"):
        published.parameters(module, {"tau": "3 mV"})


@pytest.mark.parametrize("values, words", [
    ({"vv": 1}, "no parameter 'vv'. Did you mean 'v'"),
    ({"v": "fast"}, "'v' of author_1999 is the text 'fast'; a number is needed"),
    ({"v": [1, 2]}, "one number is needed"),
    ({"v": True}, "a number is needed"),
    ({"v": math.inf}, "not finite"),
    ({"n": 2.5}, "a whole number is needed"),
    ({"on": 1}, "true or false is needed"),
    ({"kind": 3}, "a text is needed"),
])
def test_unusable_values(models, values, words):
    with pytest.raises(ParameterError, match=words):
        published.parameters(published.load("author_1999"), values)


def test_check_compares_with_the_tolerance():
    reference = Reference("x", numbers={"a": Number(1.0, 0.5), "b": Number(1.0, 0.5, "Hz", "p. 3"), "c": Number(1.0, 9.0)})
    rows = published.check(Outcome({"a": 1.5, "b": 1.6, "other": 3.0}), reference)
    assert [(r.name, r.ok) for r in rows] == [("a", True), ("b", False), ("c", False)]
    assert math.isnan(rows[2].measured) and rows[1].unit == "Hz" and rows[1].note == "p. 3"


@pytest.mark.parametrize("value, tolerance", [(math.nan, 1.0), (1.0, -1.0), (1.0, math.inf)])
def test_published_numbers_need_sense(value, tolerance):
    with pytest.raises(ParameterError):
        Number(value, tolerance)


def test_the_folder_of_this_checkout_is_found():
    home = published.folder()
    assert home is not None and (home / "README.md").is_file()
