"""Every published number is measured again, within the tolerance that its note gives a reason for."""

from __future__ import annotations

import numpy as np
import pytest
from outcomes import outcome

from neurosim import published

NAMES = (
    "brette_gerstner_2005",
    "fitzhugh_1961",
    "hodgkin_huxley_1952",
    "izhikevich_2003",
    "lapicque_1907",
    "morris_lecar_1981",
)


@pytest.mark.parametrize("name", NAMES)
def test_published_numbers_are_reproduced(name):
    rows = published.check(outcome(name), published.load(name).REFERENCE)
    wrong = [
        f"{r.name}: measured {r.measured:g}, published {r.published:g} +- {r.tolerance:g} {r.unit}"
        for r in rows
        if not r.ok
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", ["fitzhugh_1961", "izhikevich_2003", "lapicque_1907"])
def test_the_main_network_runs_for_the_time_asked_for(name):
    module = published.load(name)
    found = module.run(duration=30.0, progress=False)
    if name == "izhikevich_2003":
        assert max(times[-1] for times, _, _ in found.results["traces"].values()) < 30.0
    else:
        assert found.results["main"].time == pytest.approx(30.0)


def test_other_parameters_give_other_numbers():
    """Half the time constant, half the chronaxie; the rheobase stays. A wrong number is seen as wrong."""
    module = published.load("lapicque_1907")
    found = module.run(published.parameters(module, {"tau_m": 5.0}), progress=False)
    assert found.measured["chronaxie"] == pytest.approx(5.0 * np.log(2.0), abs=1e-5)
    rows = {row.name: row for row in published.check(found, module.REFERENCE)}
    assert rows["rheobase"].ok and not rows["chronaxie"].ok


def test_patterns_of_izhikevich_are_those_of_the_papers_integration():
    """At 0.05 ms the after-potential becomes a train and bistable firing cannot be switched off."""
    module = published.load("izhikevich_2003")
    found = module.run(module.Parameters(dt=0.05, same=True), progress=False)
    assert found.measured["after_potential_spikes"] > 1
    assert found.measured["bistability_after"] > 0
    assert found.measured["phasic_spiking_spikes"] == 1
