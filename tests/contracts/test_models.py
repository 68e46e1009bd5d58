"""Every module of models/ keeps the contract of models/README.md."""

from __future__ import annotations

import dataclasses
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import neurosim as ns
from neurosim import attractors, learning, nef, predictive, published
from neurosim.learning.rules.energy import EnergyNetwork
from neurosim.learning.rules.layers import Layers

sys.path.append(str(Path(__file__).resolve().parents[1] / "models"))

from outcomes import outcome  # noqa: E402

NAMES = published.names()
#: networks of which a full run takes from a quarter of a minute to many; tests/models runs them at a smaller size
LONG = {"brunel_2000", "brette_2007", "vogels_abbott_2005", "potjans_diesmann_2014", "wang_2002", "song_2000", "vogels_2011",
        "izhikevich_2006", "diehl_cook_2015", "eliasmith_anderson_2003", "voelker_2019", "stewart_2010",
        "hopfield_1982", "hopfield_1984", "ramsauer_2021", "hinton_2002",
        "rumelhart_1986", "whittington_bogacz_2017", "rao_ballard_1999",
        "lillicrap_2016", "nokland_2016", "scellier_bengio_2017", "lee_2015",
        "zenke_ganguli_2018", "bellec_2020",
        "guetig_sompolinsky_2006", "maass_2002", "izhikevich_2007"}
#: a book and two papers in proceedings, which have none
WITHOUT_DOI = {"eliasmith_anderson_2003", "voelker_2019", "stewart_2010"}
RUNS = [pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in NAMES]
FIELD_TYPES = (bool, int, float, str, tuple)


def test_models_are_found():
    assert {
        "hodgkin_huxley_1952",
        "lapicque_1907",
        "morris_lecar_1981",
        "fitzhugh_1961",
        "izhikevich_2003",
        "brette_gerstner_2005",
    } <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_name_is_author_and_year(name):
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*_(1[89]|20)\d\d", name)


@pytest.mark.parametrize("name", NAMES)
def test_module_has_docstring_and_the_five_names(name):
    module = published.load(name)
    for needed in published.CONTRACT:
        assert hasattr(module, needed)
    year = name.rpartition("_")[2]
    assert module.__doc__ and year in module.__doc__
    for function in (module.build, module.run, module.figure):
        assert function.__doc__, f"{function.__name__} has no docstring"


@pytest.mark.parametrize("name", NAMES)
def test_reference_says_where_each_number_is_from(name):
    reference = published.load(name).REFERENCE
    assert isinstance(reference, published.Reference)
    assert name.rpartition("_")[2] in reference.citation
    # ISO 26324: directory indicator 10, registrant, slash, suffix
    assert re.fullmatch(r"10\.\d{4,9}/\S+", reference.doi) or (name in WITHOUT_DOI and not reference.doi)
    assert reference.numbers
    for key, number in reference.numbers.items():
        assert re.fullmatch(r"[a-z][A-Za-z0-9_]*", key)
        assert isinstance(number, published.Number)
        assert len(number.note) > 10, (
            f"{key}: the note must say where the number is from and why this tolerance"
        )


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_a_frozen_dataclass_that_the_command_line_can_set(name):
    module = published.load(name)
    default = module.Parameters()
    assert dataclasses.is_dataclass(default) and module.Parameters.__dataclass_params__.frozen
    assert module.Parameters.__doc__
    fields = dataclasses.fields(default)
    for item in fields:
        value = getattr(default, item.name)
        assert isinstance(value, FIELD_TYPES), item.name
        assert re.search(rf"\b{item.name}\b", module.Parameters.__doc__), (
            f"{item.name} is not in the docstring"
        )
        if isinstance(value, tuple):
            value = list(value)
        assert getattr(published.parameters(module, {item.name: value}), item.name) == getattr(
            default, item.name
        )


@pytest.mark.parametrize("name", NAMES)
def test_signatures(name):
    module = published.load(name)
    run = inspect.signature(module.run).parameters
    assert list(run) == ["parameters", "duration", "seed", "threads", "progress"]
    assert run["parameters"].default == module.Parameters()
    assert [run[x].default for x in ("duration", "seed", "threads", "progress")] == [None, 0, 1, None]
    assert all(
        run[x].kind is inspect.Parameter.KEYWORD_ONLY for x in ("duration", "seed", "threads", "progress")
    )
    assert next(iter(inspect.signature(module.build).parameters)) == "parameters"
    assert list(inspect.signature(module.figure).parameters) == ["outcome"]


@pytest.mark.parametrize("name", NAMES)
def test_build_describes_a_network(name):
    module = published.load(name)
    # what needs no engine is described by an object of its own
    machines = (attractors.Hopfield, attractors.ModernHopfield, attractors.BoltzmannMachine, learning.Model,
                predictive.PredictiveNetwork, EnergyNetwork, Layers)
    assert isinstance(module.build(module.Parameters()), (ns.Network, nef.Network, *machines))


@pytest.mark.parametrize("name", RUNS)
def test_run_measures_every_published_number(name):
    module = published.load(name)
    found = outcome(name)
    assert isinstance(found, published.Outcome)
    assert found.parameters == module.Parameters()
    assert set(module.REFERENCE.numbers) <= set(found.measured)
    assert all(isinstance(float(value), float) for value in found.measured.values())


@pytest.mark.parametrize("name", RUNS)
def test_figure_is_drawn_from_the_outcome_with_labelled_axes(name, tmp_path):
    from matplotlib.figure import Figure

    fig = published.load(name).figure(outcome(name))
    assert isinstance(fig, Figure)
    assert any("(" in ax.get_xlabel() for ax in fig.axes), "no axis says its unit"
    ns.plot.save(fig, tmp_path / "figure.png", dpi=60)
    assert (tmp_path / "figure.png").stat().st_size > 10_000


def test_reading_the_citations_imports_nothing_heavy():
    """`neurosim models` reads every module: SciPy and Matplotlib must wait until a model runs."""
    text = (
        "import sys; from neurosim import published; [published.load(n) for n in published.names()]; "
        "print([m for m in ('scipy', 'matplotlib', 'numba', 'pandas') if m in sys.modules])"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout.strip() == "[]"
