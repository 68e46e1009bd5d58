"""What a learning rule asks of a brain: the rows of the table of locality and weight transport."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Traits:
    """Traits of a learner.

    Attributes:
        rule: change of a weight, in a few symbols.
        local: whether the change of a weight needs only what is at its two ends, and what is broadcast to all.
        needs: what carries errors backward: "transposed weights", "fixed random feedback", "learned feedback", "none" ...
        phases: passes or settlings of the network for a change.
        error_signal: what tells a layer of the error.
        spiking: whether neurons send spikes.
        source_doi: of the paper, without https://doi.org/; arXiv numbers as 10.48550/arXiv.NUMBER.
        notes: a sentence for the reader.
    """

    rule: str
    local: bool
    needs: str
    phases: int
    error_signal: str
    spiking: bool
    source_doi: str
    notes: str = ""
