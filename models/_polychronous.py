"""Polychronous groups: which strong connections with which delays make a pattern of spikes repeat itself.

Three anchor neurons with strong connections onto one neuron are fired so that their spikes arrive there together; what the
silent network does then, through its strong connections alone, is the group.  Its layers: an anchor has 0, a spike one more
than the highest that arrived in the last `window` ms.

Source: E. M. Izhikevich (2006), doi:10.1162/089976606775093882, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: layers that make a group worth counting (the paper's figure 12 and its program)
LONG = 7


@dataclass(frozen=True)
class Groups:
    """What the anchors set off.

    Attributes:
        anchors: (n, 3) neurons; lags: (n, 3) when each is fired, ms.
        layers, sizes: (n,) longest chain, and number of spikes with the anchors.
        spikes: one (n_spikes, 3) array for each: time in ms, neuron, layer.
        triplets: all triplets of strong connections onto one neuron, of which `anchors` are a sample.
    """

    anchors: np.ndarray
    lags: np.ndarray
    layers: np.ndarray
    sizes: np.ndarray
    spikes: list[np.ndarray]
    triplets: float

    @property
    def long(self) -> np.ndarray:
        """Which of them have at least `LONG` layers."""
        return self.layers >= LONG


def find(pre: np.ndarray, post: np.ndarray, delay: np.ndarray, weight: np.ndarray, size: int, a: np.ndarray, d: np.ndarray, *,
         kick: float, sample: int, rng: np.random.Generator, duration: int = 150, window: int = 10, batch: int = 100) -> Groups:
    """Return the groups that `sample` random triplets of anchors set off.

    pre, post, delay (ms), weight: the strong excitatory connections, shape (n,). size: number of neurons. a, d: constants of
    the neurons, shape (size,). kick: current that makes an anchor fire. duration, window: ms.
    """
    order = np.argsort(post, kind="stable")
    pre, post, weight, delay = pre[order], post[order], weight[order], np.rint(delay[order]).astype(int)
    begin = np.searchsorted(post, np.arange(size + 1))
    strong = np.diff(begin).astype(float)
    chances = strong * (strong - 1) * (strong - 2) / 6
    if chances.sum() == 0 or sample == 0:
        none = np.zeros((0, 3), int)
        return Groups(none, none, np.zeros(0, int), np.zeros(0, int), [], 0.0)
    # a neuron is chosen in proportion to its triplets: every triplet is equally likely
    heads = rng.choice(size, sample, p=chances / chances.sum())
    rows = np.stack([begin[h] + rng.choice(int(strong[h]), 3, replace=False) for h in heads])
    anchors, lags = pre[rows], delay[rows].max(axis=1, keepdims=True) - delay[rows]
    by_source = np.argsort(pre, kind="stable")
    out = (np.searchsorted(pre[by_source], np.arange(size + 1)), post[by_source], delay[by_source], weight[by_source])
    found: list[np.ndarray] = []
    for low in range(0, sample, batch):
        found += _spread(anchors[low:low + batch], lags[low:low + batch], out, a, d, kick, duration, window)
    layers = np.array([int(s[:, 2].max(initial=0)) for s in found])
    return Groups(anchors, lags, layers, np.array([len(s) for s in found]), found, float(chances.sum()))


def _spread(anchors, lags, out, a, d, kick, duration, window) -> list[np.ndarray]:
    """Run copies of the silent network, one for each row of anchors, in the steps of the model."""
    first, post, delay, weight = out
    n, size = len(anchors), len(a)
    slots = int(delay.max(initial=1)) + 1
    v, u = np.full((n, size), -70.0), np.full((n, size), -14.0)
    ring, chain = np.zeros((slots, n, size)), np.full((slots, n, size), -1, np.int32)
    layer, seen = np.full((n, size), -1, np.int32), np.full((n, size), -window - 1, np.int32)
    spikes, until = [], int(lags.max(initial=0))
    for t in range(duration):
        if t > until + window:
            # nothing is under way, and what arrived long ago fires no one
            break
        now = t % slots
        i = ring[now]
        new = chain[now]
        fresh = new >= 0
        old = t - seen > window
        layer = np.where(fresh, np.maximum(new, np.where(old, -1, layer)), np.where(old, -1, layer))
        seen[fresh] = t
        row, col = np.nonzero(lags == t)
        i[row, anchors[row, col]] += kick
        for _ in range(2):
            v = v + 0.5 * (0.04 * v * v + 5 * v + 140 - u + i)
        u = u + a * (0.2 * v - u)
        ring[now], chain[now] = 0.0, -1
        copy, neuron = np.nonzero(v >= 30)
        if not len(copy):
            continue
        v[copy, neuron] = -65.0
        u[copy, neuron] += d[neuron]
        until = max(until, t + slots)
        own = layer[copy, neuron] + 1
        spikes.append(np.stack([copy, np.full_like(copy, t), neuron, own], axis=1))
        counts = first[neuron + 1] - first[neuron]
        source = np.repeat(np.arange(len(copy)), counts)
        at = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(first[neuron], counts)
        slot = (t + delay[at]) % slots
        np.add.at(ring, (slot, copy[source], post[at]), weight[at])
        np.maximum.at(chain, (slot, copy[source], post[at]), own[source].astype(np.int32))
    whole = np.concatenate(spikes) if spikes else np.zeros((0, 4), int)
    return [whole[whole[:, 0] == k, 1:] for k in range(n)]
