"""How many threads a connected network is given: as many as have something to do, and never another result."""

import pytest

import neurosim as ns
from neurosim.simulator import epochs


def parts(n, delay, monkeypatch, worth=6000, threads=4, model=None):
    monkeypatch.setattr(epochs, "WORTH", worth)
    used = []
    loop = epochs.EpochLoop.__init__

    def spy(self, *arguments):
        loop(self, *arguments)
        used.append(len(self.driver.shares))

    monkeypatch.setattr(epochs.EpochLoop, "__init__", spy)
    cells = ns.Population(n, model or ns.LIF(), name="cells")
    net = ns.Network([cells], projections=[ns.Projection(cells, cells, ns.OneToOne(), ns.Delta(0.1), delay=delay)])
    ns.simulate(net, 1.0, 0.1, threads=threads)
    return used[0]


@pytest.mark.parametrize("n, delay, expected", [(1000, 0.1, 1), (4000, 0.1, 1), (20_000, 0.1, 4), (4000, 1.5, 4),
                                                (1000, 1.5, 2)])
def test_small_epochs_are_run_on_fewer_threads(n, delay, expected, monkeypatch):
    # neurons times steps of an epoch (delay / dt + 1) over 6000, and the few events besides
    assert parts(n, delay, monkeypatch) == expected


def test_costly_neurons_count_more(monkeypatch):
    assert parts(1000, 0.1, monkeypatch, model=ns.HodgkinHuxley()) > parts(1000, 0.1, monkeypatch)


def test_a_test_can_ask_for_all_threads(monkeypatch):
    assert parts(70, 0.1, monkeypatch, worth=1e-9, threads=3) == 3
