"""Make the reference runs of this folder anew with Brian2 (`make reference`), and their hashes in data/README.md.

Every case of tests/reference/cases.py goes through Brian2's NumPy code and into one file for each model:

    attributes          simulator, version, numpy, conventions
    noise/<drive>       frozen noise, (n_times, n) in steps of 0.1 ms: the same for all methods
    <method>            attribute case: its description as JSON
        spike_times     ms, end of the step, ordered by time; spike_neurons: their numbers
        traces/<state>  (n_times, n), in the unit of neurosim, from t = 0 in steps of `every` ms

    usage: python data/reference/make_reference.py [part of a name of a model]
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tests" / "reference"))

import h5py  # noqa: E402
import numpy as np  # noqa: E402
from cases import MODELS, STORE, STORED, file_of, sha256  # noqa: E402

CONVENTIONS = "spike times are the ends of the steps (Brian2 labels the start: one dt is added); t_ref was given as t_ref + dt"

PACKED = {"compression": "gzip", "compression_opts": 9, "shuffle": True}


def write(model: str) -> Path:
    """Run the cases of a model and write its file."""
    import brian2
    from brian2_side import run_brian2

    cases = [c for c in STORED if c.model == model]
    path = file_of(cases[0])
    with h5py.File(path, "w") as file:
        file.attrs.update(simulator="Brian2", version=brian2.__version__, numpy=np.__version__, conventions=CONVENTIONS)
        for name, noise in cases[0].noises().items():
            file.create_dataset(f"noise/{name}", data=noise, **PACKED)
        for case in cases:
            (run,) = run_brian2(case)
            group = file.create_group(case.method)
            group.attrs["case"] = case.description()
            group.create_dataset("spike_times", data=run.spike_times)
            group.create_dataset("spike_neurons", data=run.spike_neurons.astype(np.int32))
            for state, values in run.traces.items():
                group.create_dataset(f"traces/{state}", data=values, **PACKED)
            print("  ", case.method, flush=True)
    return path


def note_hash(path: Path) -> None:
    """Put the hash of a file into the table of data/README.md."""
    readme = HERE.parent / "README.md"
    text = readme.read_text(encoding="utf-8")
    row = re.compile(rf"^(\| `reference/{re.escape(path.name)}` .*\| )`?[0-9a-f]{{0,64}}`?( \|[^|]*\|)$", re.M)
    changed, found = row.subn(rf"\g<1>`{sha256(path)}`\g<2>", text)
    if found != 1:
        raise SystemExit(f"data/README.md has {found} rows for reference/{path.name}: there must be one.")
    readme.write_text(changed, encoding="utf-8")


def main(part: str = "") -> None:
    """Make the files of the models whose name contains `part`."""
    STORE.mkdir(parents=True, exist_ok=True)
    for model in MODELS:
        if part in model:
            print(model, flush=True)
            note_hash(write(model))


if __name__ == "__main__":
    main(*sys.argv[1:2])
