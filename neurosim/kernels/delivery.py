"""Spikes on their way: gathered at the end of an epoch, then delivered into the ring buffers of their targets.

All functions have the arguments (step0, n_steps) in front and are called by the driver (codegen/driver.py), at most one at
a time for each block of targets.  Sums are made in the order step, projection, source, connection, whatever the number of
threads.

    name      shape                      unit     meaning
    log       (H * n,)                   -        who spiked in step q: log[(q & (H - 1)) * n ...], ascending
    count     (H,)                       -        how many spiked in step q
    first     (n_blocks * (n_pre + 1),)  -        connections of source j onto block b: first[b (n_pre + 1) + j] ... next
    target    (n_connections,)           -        target within its block
    weight    (n_connections or 1,)      as ring
    delay     (n_connections or 1,)      step
    ring      (n_rows * n_blocks * L * B,)  as state   what arrives: ring[((row n_blocks + b) L + step & (L - 1)) B + i]
"""

from neurosim.kernels.jit import array_kernel, entry, unsigned
from neurosim.kernels.prefetch import prefetch


@entry
def collect(step0, n_steps, cursors, spikes, log, count, record, book, stop):
    """Move the spikes of an epoch from the buffers of the parts to the log and to the record.

    cursors: (6 * n_parts,), see `advance`; spikes: (steps since step0) << 32 | neuron, each part in its own stretch;
    record: (step - base) << 32 | neuron; book: see _Part in simulator/epochs.py; stop: set to 1 if the run must come back.
    """
    n, mask, n_parts, recorded, base, room = book[0], book[1], book[2], book[3], book[4], book[5]
    for q in range(step0, step0 + n_steps):
        count[q & mask] = 0
    for part in range(n_parts):
        low, found = book[8 + 2 * part], cursors[6 * part + 1]
        if n_steps == 1:
            # all into one row: a loop over neighbours
            row = step0 & mask
            place = row * n + count[row]
            line, words = log[place : place + found], spikes[low : low + found]
            for k in range(found):
                line[k] = words[k] & 0xFFFFFFFF
            count[row] += found
        else:
            for k in range(low, low + found):
                word = spikes[k]
                row = (step0 + (word >> 32)) & mask
                log[row * n + count[row]] = word & 0xFFFFFFFF
                count[row] += 1
        if cursors[6 * part + 3] >= 0:
            stop[16] = 1
        book[7] += found
        cursors[6 * part] = book[9 + 2 * part]
        cursors[6 * part + 1] = 0
    if recorded == 0:
        return
    place = book[6]
    for q in range(step0, step0 + n_steps):
        row, found = q & mask, count[q & mask]
        line, words = log[row * n : row * n + found], record[place : place + found]
        for k in range(found):
            words[k] = ((q - base) << 32) | line[k]
        place += found
    book[6] = place
    if record.size - place < room:
        stop[16] = 1


@entry
def clear(step0, n_steps, book, ring):
    """Empty the slot of a step that has been read, in one block: book = rows, blocks, block, B, L - 1."""
    n_rows, n_blocks, block, width, mask = book[0], book[1], book[2], book[3], book[4]
    for row in range(n_rows):
        at = ((row * n_blocks + block) * (mask + 1) + (step0 & mask)) * width
        slot = ring[at : at + width]
        for i in range(width):
            slot[i] = 0.0


@entry
def deliver(step0, n_steps, book, first, target, weight, delay, log, count, ring):
    """Deliver the spikes of one step into one block.

    book: sources, H - 1, first row of the block in `first`, place of its ring buffer, B, L - 1, one delay for all, whether each
    connection has a weight of its own, whether each has a delay.
    """
    n, log_mask, offset, at, width, mask, lag = book[0], book[1], book[2], book[3], book[4], book[5], book[6]
    own_weight, own_delay = book[7] != 0, book[8] != 0
    start = (step0 & log_mask) * n
    end = start + count[step0 & log_mask]
    # unsigned, because a signed index costs a test for negative ones at each access
    now = unsigned(step0 + 1)
    base = unsigned(at + ((step0 + 1 + lag) & mask) * width)
    block, wide, slots = unsigned(at), unsigned(width), unsigned(mask)
    w = weight[0]
    for k in range(start, end):
        # rows of different sources lie far apart (measured: 3.6 ns an event without looking ahead, 1.2 with it)
        prefetch(first, offset + log[min(k + 8, end - 1)])
        ahead = first[offset + log[min(k + 4, end - 1)]]
        prefetch(target, ahead)
        prefetch(target, ahead + 32)
        if own_weight:
            prefetch(weight, ahead)
            prefetch(weight, ahead + 8)
        if own_delay:
            prefetch(delay, ahead)
            prefetch(delay, ahead + 32)
        j = offset + log[k]
        low, high = unsigned(first[j]), unsigned(first[j + 1])
        if own_delay:
            if own_weight:
                for e in range(low, high):
                    ring[block + ((now + delay[e]) & slots) * wide + target[e]] += weight[e]
            else:
                for e in range(low, high):
                    ring[block + ((now + delay[e]) & slots) * wide + target[e]] += w
        elif own_weight:
            for e in range(low, high):
                ring[base + target[e]] += weight[e]
        else:
            for e in range(low, high):
                ring[base + target[e]] += w


@array_kernel
def first_from(log, start, end, source):
    """Return the place of the first entry of log[start:end], which ascend, that is not below `source`."""
    while start < end:
        middle = (start + end) // 2
        if log[middle] < source:
            start = middle + 1
        else:
            end = middle
    return start


@entry
def deliver_rows(step0, n_steps, book, begin, weight, log, count, ring):
    """Deliver the spikes of one step where every source of a range has d targets side by side: decoding by event.

    begin: (sources of the range,) first target, or (1,) if it is the same for all; weight: (sources of the range * d,).
    book: sources, H - 1, place of the ring buffer, B, L - 1, delay, d, first source of the range, end of the range.
    """
    n, log_mask, at, width, mask, lag, d = book[0], book[1], book[2], book[3], book[4], book[5], book[6]
    low, high = book[7], book[8]
    own = begin.size > 1
    start = (step0 & log_mask) * n
    end = start + count[step0 & log_mask]
    if low > 0:
        start = first_from(log, start, end, low)
    if high < n:
        end = first_from(log, start, end, high)
    base = at + ((step0 + 1 + lag) & mask) * width
    if d <= 4:
        k = start
        while k < end:
            # neighbours that share their targets: sums that stay in registers
            i = begin[unsigned(log[k] - low)] if own else begin[0]
            out = ring[base + i : base + i + d]
            a = out[0]
            b = out[1] if d > 1 else a
            c = out[2] if d > 2 else a
            e = out[3] if d > 3 else a
            while k < end and (not own or begin[unsigned(log[k] - low)] == i):
                prefetch(weight, (log[min(k + 8, end - 1)] - low) * d)
                place = unsigned((log[k] - low) * d)
                a += weight[place]
                if d > 1:
                    b += weight[place + 1]
                if d > 2:
                    c += weight[place + 2]
                if d > 3:
                    e += weight[place + 3]
                k += 1
            out[0] = a
            if d > 1:
                out[1] = b
            if d > 2:
                out[2] = c
            if d > 3:
                out[3] = e
        return
    for k in range(start, end):
        prefetch(weight, (log[min(k + 8, end - 1)] - low) * d)
        j = log[k] - low
        line = weight[j * d : j * d + d]
        i = begin[j] if own else begin[0]
        out = ring[base + i : base + i + d]
        for i in range(d):
            out[i] += line[i]


@entry
def graded(step0, n_steps, book, first, target, weight, x_pre, x_post, ring):
    """Add weight times a variable of the source to what arrives in the next step, in one block.

    x_pre, x_post: states of source and target, x[(tile R + row) 64 + lane]; book: sources, first row of the block in `first`,
    place of its ring buffer, B, L - 1, delay, whether each connection has its own weight, R and row of the source's variable,
    whether the difference to that of the target counts, R and row there, first neuron of the block.
    """
    n, offset, at, width, mask, lag, own_weight = book[0], book[1], book[2], book[3], book[4], book[5], book[6]
    rows, row, difference, rows_post, row_post, neuron0 = book[7], book[8], book[9], book[10], book[11], book[12]
    base = at + ((step0 + 1 + lag) & mask) * width
    w = weight[0]
    for j in range(n):
        y = x_pre[((j >> 6) * rows + row) * 64 + (j & 63)]
        for e in range(first[offset + j], first[offset + j + 1]):
            if own_weight != 0:
                w = weight[e]
            i = target[e]
            if difference != 0:
                k = neuron0 + i
                ring[base + i] += w * (y - x_post[((k >> 6) * rows_post + row_post) * 64 + (k & 63)])
            else:
                ring[base + i] += w * y


@entry
def graded_low_rank(step0, n_steps, book, left, right, work, x_pre, ring):
    """Add a variable of the sources times a product of two matrices to what arrives, in one block.

    left: (sources * d,), right: (d * targets,); work: (d,) scratch of the block.  book: sources, targets, d, place of the ring
    buffer, B, L - 1, delay, R and row of the source's variable, first neuron and neurons of the block.
    """
    n, m, d, at, width, mask, lag = book[0], book[1], book[2], book[3], book[4], book[5], book[6]
    rows, row, neuron0, size = book[7], book[8], book[9], book[10]
    base = at + ((step0 + 1 + lag) & mask) * width
    out = ring[base : base + size]
    for k in range(d):
        work[k] = 0.0
    for j in range(n):
        y = x_pre[((j >> 6) * rows + row) * 64 + (j & 63)]
        line = left[j * d : j * d + d]
        for k in range(d):
            work[k] += line[k] * y
    for k in range(d):
        y = work[k]
        line = right[k * m + neuron0 : k * m + neuron0 + size]
        for i in range(size):
            out[i] += line[i] * y


@entry
def graded_runs(step0, n_steps, book, runs, offset, weight, x_pre, ring):
    """Add a variable of the sources times a matrix, kept as runs along the targets, in one block.

    runs: (3 * n,) source, first target within the block, length; offset: (n,) place of its weights.  book: n, place of the ring
    buffer, B, L - 1, delay, R and row of the source's variable.
    """
    n, at, width, mask, lag, rows, row = book[0], book[1], book[2], book[3], book[4], book[5], book[6]
    base = at + ((step0 + 1 + lag) & mask) * width
    e = 0
    while e < n:
        j, begin, length = runs[3 * e], runs[3 * e + 1], runs[3 * e + 2]
        y = x_pre[((j >> 6) * rows + row) * 64 + (j & 63)]
        line = weight[offset[e] : offset[e] + length]
        out = ring[base + begin : base + begin + length]
        e += 1
        if e < n and runs[3 * e + 1] == begin and runs[3 * e + 2] == length:
            # two sources of the same targets, such as two dimensions of an ensemble: once through the ring instead of twice
            j = runs[3 * e]
            z = x_pre[((j >> 6) * rows + row) * 64 + (j & 63)]
            if y != 0.0 and z != 0.0:
                other = weight[offset[e] : offset[e] + length]
                for i in range(length):
                    out[i] = (out[i] + line[i] * y) + other[i] * z
                e += 1
                continue
        if y != 0.0:
            for i in range(length):
                out[i] += line[i] * y


@entry
def graded_sums(step0, n_steps, book, runs, offset, weight, work, x_pre, ring):
    """Add a variable of the sources times a matrix, kept as runs along the sources, in one block.

    runs: (3 * n,) target within the block, first source, length (within one tile); work: (64,) scratch.  Sums are made lane by
    lane, then over the lanes: in an order of its own, but always the same.  book: see `graded_runs`.
    """
    n, at, width, mask, lag, rows, row = book[0], book[1], book[2], book[3], book[4], book[5], book[6]
    base = at + ((step0 + 1 + lag) & mask) * width
    e = 0
    while e < n:
        i = runs[3 * e]
        for lane in range(64):
            work[lane] = 0.0
        while e < n and runs[3 * e] == i:
            j, length = runs[3 * e + 1], runs[3 * e + 2]
            place = ((j >> 6) * rows + row) * 64 + (j & 63)
            line = weight[offset[e] : offset[e] + length]
            y = x_pre[place : place + length]
            for lane in range(length):
                work[lane] += line[lane] * y[lane]
            e += 1
        total = work[0]
        for lane in range(1, 64):
            total += work[lane]
        ring[base + i] += total
