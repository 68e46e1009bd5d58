"""Make the reference runs of Nengo anew, and their hash in data/README.md.

Every case of tests/reference/nengo_networks.py goes into nengo.h5:

    attributes              simulator, version, numpy
    <case>                  attributes digest (hash of all arrays of draw 0), every, spikes_until (steps)
        decoders/<link>     float64, LstsqL2(reg=0.1): transform and decoders (size_out, n); of a function of an array
                            (n_ensembles, size, n); with weights=True the full matrix (n_post, n_pre)
        spiking/outputs/<probe>   float32 (n_times, d), filtered, before the steps every - 1, 2 every - 1 ...
        rate/outputs/<probe>      float64, the same with rates
        spikes/<group>/steps      differences of the steps in which spikes are, ordered; neurons: their numbers
        errors/spiking, rate      (draws,) error of every draw: see `Case.judged`
        draws                     float32 (draws, n_times, d), the judged output of every draw, spiking
        learning                  (draws, windows) RMS error in windows of 250 ms, of the case that learns

NEUROSIM_NENGO_PYTHON names the Python that has Nengo; without it it is this one.

    usage: python data/reference/make_nengo_reference.py
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "tests" / "reference"), str(HERE)]

import h5py  # noqa: E402
import numpy as np  # noqa: E402
from make_reference import PACKED, note_hash  # noqa: E402
from nengo_cases import FILE, call_nengo, error, nengo_python, run_nengo  # noqa: E402
from nengo_networks import CASES, FUNCTIONS, SEEDS, curve  # noqa: E402

#: steps between stored values; steps whose spikes are stored
EVERY, SPIKES_UNTIL = 10, 300


def write(top: h5py.Group, name: str) -> None:
    """Run the draws of a case in both modes."""
    cases = [CASES[name](k) for k in SEEDS]
    every = {m: [run_nengo(c, m) for c in cases] for m in ("spiking", "rate")}
    first, judged = cases[0], cases[0].judged[0]
    top.attrs.update(digest=first.digest(), every=EVERY, spikes_until=SPIKES_UNTIL)
    for key, values in every["spiking"][0].decoders.items():
        top.create_dataset(f"decoders/{key}", data=values, **PACKED)
    for mode, runs in every.items():
        kind = np.float32 if mode == "spiking" else np.float64
        for key, values in runs[0].outputs.items():
            top.create_dataset(f"{mode}/outputs/{key}", data=values[EVERY - 1::EVERY].astype(kind), **PACKED)
        top[f"errors/{mode}"] = [error(c, r.outputs, FUNCTIONS) for c, r in zip(cases, runs)]
    for key, (steps, neurons) in every["spiking"][0].spikes.items():
        kept = steps < SPIKES_UNTIL
        top.create_dataset(f"spikes/{key}/steps", data=np.diff(steps[kept], prepend=0).astype(np.int16), **PACKED)
        top.create_dataset(f"spikes/{key}/neurons", data=neurons[kept].astype(np.int16), **PACKED)
    draws = np.array([r.outputs[judged][EVERY - 1::EVERY] for r in every["spiking"]], np.float32)
    top.create_dataset("draws", data=draws, **PACKED)
    if any(k.rate is not None for k in first.links):
        top["learning"] = [curve(c, r.outputs) for c, r in zip(cases, every["spiking"])]


def main() -> None:
    """Make the file."""
    if nengo_python() is None:
        raise SystemExit("Nengo is not here: name its Python in NEUROSIM_NENGO_PYTHON.")
    said = call_nengo("version")
    # the latest layout: the older one spends 2 kB on every small dataset
    with h5py.File(FILE, "w", libver="latest") as file:
        file.attrs.update(simulator="Nengo", version=str(said["version"]), numpy=str(said["numpy"]))
        for name in CASES:
            write(file.create_group(name), name)
            print("  ", name, flush=True)
    note_hash(FILE)


if __name__ == "__main__":
    main()
