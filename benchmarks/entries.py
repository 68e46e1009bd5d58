"""The ways in which every simulator is run, and on which works."""

from __future__ import annotations

from dataclasses import dataclass

from catalogue import SETS
from coding import Coding
from learning import LEARNT, SCALED, Learning
from networks import Net
from work import Work

NETWORK_NAMES, CODING_NAMES = SETS["networks"], SETS["nef"]


def _learnt(model: str) -> tuple[str, ...]:
    return tuple(name for name, w in {**LEARNT, **SCALED}.items() if w.model == model)


@dataclass(frozen=True)
class Entry:
    """One way to run one peer.

    Attributes:
        threads: threads that it uses, as a peer may not have a switch for them.
        options: further arguments of its runner.
        slow: run once, and not at all with --quick.
        skip: works that it cannot do, or not in bearable time.
        only: works that it does; empty: all others.
        quick: networks that it does with --quick; None: all.
        largest: most synapses that it can hold in 24 GiB.
    """

    peer: str
    mode: str
    threads: int
    precision: str = "float64"
    options: tuple[str, ...] = ()
    slow: bool = False
    skip: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    quick: tuple[str, ...] | None = None
    largest: float = float("inf")

    def does(self, work: Work, quick: bool) -> bool:
        """Return whether this entry takes part in a work."""
        if work.name in self.skip or self.only and work.name not in self.only:
            return False
        if isinstance(work, Learning) and self.precision not in work.precisions:
            return False
        if isinstance(work, (Coding, Learning)) and not (self.only or self.peer == "neurosim"):
            return False
        if isinstance(work, Net) and work.synapses > self.largest:
            return False
        if isinstance(work, Net) and quick and self.quick is not None:
            return work.name in self.quick
        # peers that are slow on populations may be quick enough on short networks
        return not (quick and self.slow and not (self.quick and work.name in self.quick))

    @property
    def name(self) -> str:
        """Name for tables and --only."""
        return f"{self.peer}-{self.mode}/{self.threads}/{self.precision}"


def entries() -> list[Entry]:
    """Return all ways to run all peers."""
    found = [Entry("neurosim", "built-in", t) for t in (1, 2)]
    found += [Entry("neurosim", "built-in", t, "float32", quick=("cobahh", "cobahh20k")) for t in (1, 2)]
    found += [Entry("neurosim", "dendritic", t, only=("stdp",), quick=()) for t in (1, 2)]
    found += [Entry("brian2", "cpp", t, largest=1e8) for t in (1, 2)]
    found += [Entry("brian2", "cpp", t, "float32", only=NETWORK_NAMES, quick=(), largest=1e8) for t in (1, 2)]
    found += [Entry("brian2", "dendritic", t, only=("stdp",), quick=()) for t in (1, 2)]
    found += [Entry("brian2", m, 1, slow=True, skip=("hh_single", *NETWORK_NAMES)) for m in ("cython", "numpy")]
    found += [Entry("nest", "default", t, slow=True, quick=("microcircuit", "first_spike")) for t in (1, 2)]
    found += [Entry("annarchy", "default", t, skip=("microcircuit",), quick=("cuba", "coba") if t == 1 else ()) for t in (1, 2)]
    found += [Entry("annarchy", "default", t, "float32", only=NETWORK_NAMES[:-2], quick=()) for t in (1, 2)]
    # JAX takes both cores; without a switch, one thread means one core
    found += [Entry("brainpy", "jit", t, p, ("--one-core",) if t == 1 else (), skip=("stdp", "microcircuit"),
                    quick=("cobahh", "cobahh20k") if t == 2 else ()) for p in ("float64", "float32") for t in (2, 1)]
    found += [Entry("neuron", m, t, skip=("lif_population", "tiny", *NETWORK_NAMES))
              for m in ("exact", "table", "core-exact", "core-table") for t in (1, 2)]
    found += [Entry("nengo", "default", t, only=CODING_NAMES) for t in (1, 2)]
    for t, p in ((1, "float64"), (2, "float64"), (1, "float32"), (2, "float32")):
        found += [Entry("torch", m, t, p, slow=m == "default", only=_learnt("mlp")) for m in ("fused", "default")]
        found += [Entry(peer, m, t, p, only=_learnt(model)) for peer, m, model in (
            ("torch", "equations", "pc"), ("numpy", "default", "hopfield"), ("sklearn", "default", "rbm"),
            ("neurosim", "cd-1", "rbm"))]
    return found
