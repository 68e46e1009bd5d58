"""Where filters are cheapest: the lightest choice of ends that touches every filtered path.

A path  source --(matrix, filter)--> target  may be filtered at its source, in the source's dimensions, or at its target, in
the target's: filter and matrix commute, and filters of equal kind at one end are one.  The fewest numbers to filter are a
vertex cover of least weight of the two-sided graph of sources and targets, which is a minimum cut.

Source: Konig's theorem with weights; e.g. Ahuja, Magnanti & Orlin 1993, Network Flows, section 6.5 (isbn 9780136175490).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

#: what SciPy's maximum flow can count to
LARGEST = 2**31 - 1


def cheapest_cover(edges: Sequence[tuple[Hashable, Hashable]], source_weight: dict[Hashable, int],
                   target_weight: dict[Hashable, int]) -> tuple[set, set]:
    """Return (sources, targets) so that every edge has an end among them and their weights add up to the least.

    Args:
        edges: pairs (source, target).
        source_weight, target_weight: whole numbers above 0.

    Where two choices weigh the same, the one of fewer ends counts, and then the one of more sources.
    """
    sources = list(dict.fromkeys(s for s, _ in edges))
    targets = list(dict.fromkeys(t for _, t in edges))
    # one more for each end decides between equal weights
    scale = len(sources) + len(targets) + 1
    if scale * (sum(source_weight.values()) + sum(target_weight.values()) + 1) < LARGEST:
        source_weight = {s: scale * w + 1 for s, w in source_weight.items()}
        target_weight = {t: scale * w + 1 for t, w in target_weight.items()}
    if len(sources) == 1 or len(targets) == 1:
        # a star: its middle, or all of its rays
        all_sources, all_targets = sum(source_weight[s] for s in sources), sum(target_weight[t] for t in targets)
        return (set(sources), set()) if all_sources <= all_targets else (set(), set(targets))
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import breadth_first_order, maximum_flow

    place_s = {s: k + 1 for k, s in enumerate(sources)}
    place_t = {t: k + 1 + len(sources) for k, t in enumerate(targets)}
    end = 1 + len(sources) + len(targets)
    wide = min(sum(source_weight[s] for s in sources), sum(target_weight[t] for t in targets)) + 1
    pairs = sorted({(place_s[s], place_t[t]) for s, t in edges})
    rows = [0] * len(sources) + [a for a, _ in pairs] + [place_t[t] for t in targets]
    columns = [place_s[s] for s in sources] + [b for _, b in pairs] + [end] * len(targets)
    capacity = [source_weight[s] for s in sources] + [wide] * len(pairs) + [target_weight[t] for t in targets]
    graph = csr_array((np.array(capacity, dtype=np.int32), (rows, columns)), shape=(end + 1, end + 1))
    left = graph - maximum_flow(graph, 0, end).flow
    left.data[left.data < 0] = 0
    left.eliminate_zeros()
    reached = set(breadth_first_order(left, 0, return_predecessors=False).tolist())
    return {s for s in sources if place_s[s] not in reached}, {t for t in targets if place_t[t] in reached}
