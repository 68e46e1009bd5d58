"""Weights that change with continuous signals; see simulator/adaptation.py.

    name      shape                      unit     meaning
    first     (n_blocks * (n_pre + 1),)  -        connections of source j onto block b: first[b (n_pre + 1) + j] ... next
    target    (n_connections,)           -        target within its block
    weight    (n_connections,)           W
    x_pre     (any,)                     y        states of the units of the sources: x[(tile R + row) 64 + lane]
    x_post    (any,)                     W/ms/y, 1/ms   the same for the targets
    scratch   (2 * B + 1,)               -        A and B of the block; the step dt in ms
"""

from neurosim.kernels.jit import entry, unsigned


@entry
def adapt(step0, n_steps, book, first, target, weight, x_pre, x_post, scratch):
    """Add dt (y_j A_i + B_i W_ji) to the weights onto one block.

    book: first row of the block in `first`, first source, sources, unit of the first source, R and row of y, first and end of
    the targets within the block, unit of neuron 0 of the block, R of the units, row of A, row of B or -1.
    """
    offset, source, n, unit, rows, row = book[0], book[1], book[2], book[3], book[4], book[5]
    low, high, post, rows_post, row_a, row_b = book[6], book[7], book[8], book[9], book[10], book[11]
    width = scratch.size // 2
    dt = scratch[2 * width]
    a, b = scratch[:width], scratch[width : 2 * width]
    any_change = False
    for i in range(low, high):
        k = post + i
        place = (k >> 6) * rows_post * 64 + (k & 63)
        a[i] = dt * x_post[place + row_a * 64]
        b[i] = dt * x_post[place + row_b * 64] if row_b >= 0 else 0.0
        any_change = any_change or a[i] != 0.0 or b[i] != 0.0
    if not any_change:
        return
    for j in range(n):
        k = unit + j
        y = x_pre[((k >> 6) * rows + row) * 64 + (k & 63)]
        for e in range(unsigned(first[offset + source + j]), unsigned(first[offset + source + j + 1])):
            i = target[e]
            weight[e] += y * a[i] + b[i] * weight[e]
