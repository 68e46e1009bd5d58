"""All pieces of work by name, at full length and short."""

from __future__ import annotations

import coding
import learning
import networks
import work

#: those that are timed as whole processes, cold and warm
WHOLE = ("tiny", "first_spike")
WORKS: dict[str, work.Work] = {**work.WORKS, **networks.NETWORKS, "first_spike": networks.FIRST, **coding.CODINGS,
                               **learning.LEARNT}
QUICK: dict[str, work.Work] = {**work.QUICK, **{name: networks.quick(w) for name, w in networks.NETWORKS.items()},
                               "first_spike": networks.FIRST, **{name: coding.quick(w) for name, w in coding.CODINGS.items()},
                               **{name: learning.quick(w) for name, w in learning.LEARNT.items()}}
#: names that stand for several works
SETS = {"populations": tuple(work.WORKS), "networks": (*networks.NETWORKS, "first_spike"), "nef": tuple(coding.CODINGS),
        "learning": tuple(learning.LEARNT)}


def find(name: str, quick: bool) -> work.Work:
    """Return a piece of work by name."""
    return learning.SCALED[name] if name in learning.SCALED else (QUICK if quick else WORKS)[name]
