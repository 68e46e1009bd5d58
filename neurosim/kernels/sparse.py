"""Connections as the delivery of spikes wants them: by block of targets, then by source.

    name      shape                      unit   meaning
    pre, post (n,)                       -      source and target of each connection, in any order
    first     (n_blocks * (n_pre + 1),)  -      connections of source j onto block b: first[b (n_pre + 1) + j] ... next
    place     (n,)                       -      where each connection goes

The arguments (step0, n_steps) in front, which all compiled functions have, are not used.
"""

from neurosim.kernels.jit import entry


@entry
def sort_rows(step0, n_steps, pre, post, width, n_pre, first, target, weight, weights, delay, delays):
    """Move connections to their places; those of one source and block keep the order in which they come.

    first: zero before; target: (n,) place within the block; weight -> weights, delay -> delays where these are not of length 1.
    """
    rows = n_pre + 1
    own_weight, own_delay = weights.size > 1, delays.size > 1
    for e in range(pre.size):
        first[(post[e] // width) * rows + pre[e]] += 1
    total = 0
    for k in range(first.size):
        number = first[k]
        first[k] = total
        total += number
    for e in range(pre.size):
        block = post[e] // width
        row = block * rows + pre[e]
        place = first[row]
        first[row] = place + 1
        target[place] = post[e] - block * width
        if own_weight:
            weights[place] = weight[e]
        if own_delay:
            delays[place] = delay[e]
    # each row now begins where it ends: that is where the next one began
    before = 0
    for k in range(first.size):
        now = first[k]
        first[k] = before
        before = now


@entry
def sources_of(step0, n_steps, first, n_pre, source):
    """Set the source of every connection."""
    for k in range(first.size - 1):
        j = k % (n_pre + 1)
        for e in range(first[k], first[k + 1]):
            source[e] = j


@entry
def backward(step0, n_steps, first, target, width, n_pre, back_first, back_index):
    """List the connections onto each target in ascending order; `back_first` has width + 1 entries a block, zero before."""
    rows = n_pre + 1
    n_blocks = first.size // rows
    total = 0
    for b in range(n_blocks):
        at = b * (width + 1)
        low, high = first[b * rows], first[b * rows + n_pre]
        for e in range(low, high):
            back_first[at + target[e]] += 1
        for i in range(width + 1):
            number = back_first[at + i]
            back_first[at + i] = total
            total += number
        for e in range(low, high):
            back_index[back_first[at + target[e]]] = e
            back_first[at + target[e]] += 1
        for i in range(width, 0, -1):
            back_first[at + i] = back_first[at + i - 1]
        back_first[at] = low
