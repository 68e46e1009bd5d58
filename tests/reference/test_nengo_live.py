"""Networks of ensembles against Nengo, run live in the Python that NEUROSIM_NENGO_PYTHON names (this one if it is not set):
the stored runs are what it gives, and other draws than the stored ones agree as well.
"""

from __future__ import annotations

import numpy as np
import pytest
from nengo_cases import nengo_python, read_stored, run_nengo
from nengo_networks import CASES
from nengo_ours import decoders, run
from test_nengo_stored import EPS, RATES, ROUNDING

pytestmark = pytest.mark.peers

#: draw that is run live; its spikes are not stored
NUMBER = 9


@pytest.fixture(autouse=True)
def have():
    if nengo_python() is None:
        pytest.skip("Nengo is not in this environment")


@pytest.mark.parametrize("name", CASES)
def test_another_draw(name):
    case = CASES[name](NUMBER)
    theirs, mine = run_nengo(case), run(case)
    for key, d in decoders(case).items():
        n = max(len(g.gain) for g in case.groups)
        assert np.linalg.norm(d - theirs.decoders[key]) <= (1 + 100 * n) * EPS * np.linalg.norm(d)
    for key, (steps, neurons) in theirs.spikes.items():
        np.testing.assert_array_equal(mine.spikes[key][0], steps)
        np.testing.assert_array_equal(mine.spikes[key][1], neurons)


@pytest.mark.parametrize("name", CASES)
def test_another_draw_with_rates(name):
    case = CASES[name](NUMBER)
    theirs, mine = run_nengo(case, "rate"), run(case, "rate")
    for key, values in theirs.outputs.items():
        limit = RATES.get(name, ROUNDING) * max(1.0, np.max(np.abs(values)))
        assert np.max(np.abs(mine.outputs[key] - values)) < limit


@pytest.mark.parametrize("name", ["multiplication", "learning"])
def test_stored_runs_are_what_nengo_gives(name):
    case, stored = CASES[name](), read_stored(name)
    live = run_nengo(case, "rate")
    for key, values in stored.rate.outputs.items():
        # another NumPy or processor may round otherwise
        np.testing.assert_allclose(live.outputs[key][stored.every - 1::stored.every], values, rtol=0, atol=1e-9)
    for key, values in stored.spiking.decoders.items():
        np.testing.assert_allclose(live.decoders[key], values, rtol=0, atol=1e-9 * np.max(np.abs(values)))
