"""Networks against Brian2 and NEST, run live in the Python that NEUROSIM_BRIAN2_PYTHON or NEUROSIM_NEST_PYTHON names (this one
if it is not set): the stored runs are what the peers give, and other networks than the stored ones agree as well.
"""

from __future__ import annotations

import numpy as np
import pytest
from network_cases import agree_until, gap, peer_python, read_stored, run_neurosim, run_peer, variant
from network_catalogue import CASES, RUNS
from network_statistics import SEEDS
from test_networks_stored import ADAPTIVE, ROUNDING, WEIGHTS

pytestmark = pytest.mark.peers

#: variant that is run live; 0 is stored
NUMBER = 1
#: the rest of the rules takes the same paths; Hodgkin-Huxley neurons take Brian2 minutes
LIVE = {"brian2": ("cuba", "delta", "double_exponential", "stdp", "triplet", "inhibitory", "short_term", "gap_junctions"),
        "nest": ("cuba", "varied", "coba", "delta", "alpha", "double_exponential", "short_term", "depression")}


def have(peer: str) -> None:
    if peer_python(peer) is None:
        pytest.skip(f"{peer} is not in this environment")


@pytest.mark.parametrize(("peer", "name"), [(p, n) for p, names in LIVE.items() for n in names])
def test_other_connections_weights_and_spikes(peer, name):
    have(peer)
    case = variant(CASES[name](), NUMBER)
    one, two = run_neurosim(case, peer), run_peer(case, peer)
    # conductances: beyond 100 ms one spike in some thousand meets its threshold to within the error of integration
    required = 100.0 if (peer, name) in ADAPTIVE else case.duration
    until = agree_until(one, two, case.dt, case.duration)
    assert until >= required
    assert gap(one.traces, two.traces, int(until / case.every)) < ADAPTIVE.get((peer, name), ROUNDING.get(name, 1e-9))
    if one.weights:
        largest = max(float(np.max(np.abs(w))) for w in two.weights.values())
        assert gap(one.weights, two.weights) < WEIGHTS * largest


@pytest.mark.parametrize(("peer", "name"), [("brian2", "stdp"), ("nest", "alpha")])
def test_stored_runs_are_what_the_peer_gives(peer, name):
    have(peer)
    case = CASES[name]()
    stored, live = read_stored(case, peer)[0], run_peer(case, peer)
    assert agree_until(stored, live, case.dt, case.duration) == case.duration
    # another NumPy or processor may round the exponential otherwise
    assert gap(stored.traces, live.traces) < 1e-9


def test_every_case_is_run_by_a_peer():
    assert set().union(*RUNS.values()) == set(CASES)
    assert set(LIVE["brian2"]) <= set(RUNS["brian2"]) and set(LIVE["nest"]) <= set(RUNS["nest"])
    assert min(SEEDS.values()) >= 4
