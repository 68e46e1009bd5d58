"""Make the reference runs of networks anew with Brian2 and NEST, and their hashes in data/README.md.

Every case of tests/reference/network_catalogue.py that a peer can run goes into networks_<peer>.h5:

    attributes              simulator, version
    <case>                  attribute digest: hash of all arrays of the case
        spikes/<population>/steps     differences of the steps at whose ends spikes are, ordered by time; neurons: their numbers
        traces/<population>           v in mV, (n_times, shown), from t = 0 in steps of `every` ms
        weights/<projection>          of plastic synapses at the end, ordered by source and target

and the samples of every seed of tests/reference/network_statistics.py into random_<peer>.h5:

    <seed>/counts, cv, correlations

NEUROSIM_BRIAN2_PYTHON and NEUROSIM_NEST_PYTHON name the Python that has each peer; without them it is this one.

    usage: python data/reference/make_network_reference.py [brian2 | nest] [networks | random]
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "tests" / "reference"), str(HERE)]

import h5py  # noqa: E402
import numpy as np  # noqa: E402
from make_reference import PACKED, note_hash  # noqa: E402
from network_cases import PEERS, call_peer, file_of, peer_python, run_peer  # noqa: E402
from network_catalogue import CASES, RUNS  # noqa: E402
from network_statistics import NAMES, SEEDS  # noqa: E402

TITLES = {"brian2": "Brian2", "nest": "NEST"}


def _begin(peer: str, what: str) -> h5py.File:
    # the latest layout: the older one spends 2 kB on every small dataset
    file = h5py.File(file_of(peer, what), "w", libver="latest")
    file.attrs.update(simulator=TITLES[peer], version=str(call_peer(peer, "version")["version"]))
    return file


def write_networks(peer: str) -> None:
    """Run all cases of a peer."""
    with _begin(peer, "networks") as file:
        for name in RUNS[peer]:
            case = CASES[name]()
            run, group = run_peer(case, peer), file.create_group(name)
            group.attrs["digest"] = case.digest()
            # what the sources fire is given
            for c in case.cells:
                times, neurons = run.spikes[c.name]
                steps = np.diff(np.rint(times / case.dt).astype(np.int32), prepend=0)
                group.create_dataset(f"spikes/{c.name}/steps", data=steps, **PACKED)
                group.create_dataset(f"spikes/{c.name}/neurons", data=neurons.astype(np.int16), **PACKED)
            for kind, arrays in (("traces", run.traces), ("weights", run.weights)):
                for key, values in arrays.items():
                    group.create_dataset(f"{kind}/{key}", data=values, **PACKED)
            print("  ", name, flush=True)


def write_random(peer: str) -> None:
    """Run all seeds of the random network."""
    with _begin(peer, "random") as file:
        for seed in range(1, SEEDS[peer] + 1):
            samples = call_peer(peer, "random", str(seed))
            for name in NAMES:
                file.create_dataset(f"{seed}/{name}", data=samples[name], **PACKED)
            print("  ", seed, flush=True)


def main(*chosen: str) -> None:
    """Make the files of the peers that are named, or of all."""
    for peer in [p for p in PEERS if p in chosen] or PEERS:
        if peer_python(peer) is None:
            raise SystemExit(f"{TITLES[peer]} is not here: name its Python in {PEERS[peer][1]}.")
        for what, write in (("networks", write_networks), ("random", write_random)):
            if what in chosen or not set(chosen) & {"networks", "random"}:
                print(peer, what, flush=True)
                write(peer)
                note_hash(file_of(peer, what))


if __name__ == "__main__":
    main(*sys.argv[1:])
