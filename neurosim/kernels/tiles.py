"""Sums of parts of rows that fit into registers: each sum is read and written once, however many rows it has.

A tile is tile(dtype) columns of a matrix.  If a tile of all rows fits into the second cache, rows can come in any order.

    name     shape           meaning
    w        (n,)            row k of the tile: w[k * stride:k * stride + tile]
    event    (n_events,)     int32: which row
    value    (n_events,)     times what
    begin, end               which events
    line     (m,)            where the sum goes, line[at:at + tile]

    sum_rows(w, stride, event, value, begin, end, line, at)     line = sum of value w[event]
    add_rows(w, stride, event, value, begin, end, line, at)     line += the same, event by event

Each product and each sum is rounded, so that compiled and interpreted bits are the same.
"""

import numba
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from neurosim.kernels.widths import BYTES, tile

if numba.config.DISABLE_JIT:

    def add_rows(w, stride, event, value, begin, end, line, at):
        """See the module."""
        columns = tile(w.dtype)
        for e in range(begin, end):
            row = event[e] * stride
            line[at:at + columns] += value[e] * w[row:row + columns]

    def sum_rows(w, stride, event, value, begin, end, line, at):
        """See the module."""
        line[at:at + tile(w.dtype)] = 0
        add_rows(w, stride, event, value, begin, end, line, at)

else:

    def _rows(fresh: bool):
        """Return the intrinsic that begins with zeros, or with what is there."""

        def generate(context, builder, signature, arguments):
            w, stride, event, value, begin, end, line, at = (
                context.make_array(kind)(context, builder, given).data if isinstance(kind, types.Array) else given
                for kind, given in zip(signature.args, arguments))
            place, lane, columns = ir.IntType(64), ir.IntType(32), tile(str(signature.args[0].dtype))
            vector = ir.VectorType(w.type.pointee, columns)
            undefined, everywhere = ir.Constant(vector, ir.Undefined), ir.Constant(ir.VectorType(lane, columns), None)
            # arrays are aligned as single elements
            aligned = BYTES // columns
            target = builder.bitcast(builder.gep(line, [at]), vector.as_pointer())
            total = cgutils.alloca_once_value(
                builder, ir.Constant(vector, None) if fresh else builder.load(target, align=aligned))
            with cgutils.for_range_slice(builder, begin, end, place(1)) as (e, _):
                row = builder.mul(builder.sext(builder.load(builder.gep(event, [e])), place), stride)
                address = builder.bitcast(builder.gep(w, [row]), vector.as_pointer())
                first = builder.insert_element(undefined, builder.load(builder.gep(value, [e])), lane(0))
                product = builder.fmul(builder.shuffle_vector(first, undefined, everywhere),
                                       builder.load(address, align=aligned))
                builder.store(builder.fadd(builder.load(total), product), total)
            builder.store(builder.load(total), target, align=aligned)
            return context.get_dummy_value()

        def typed(typingctx, w, stride, event, value, begin, end, line, at):
            return types.void(w, types.int64, event, value, begin, end, line, at), generate

        return intrinsic(typed)

    sum_rows, add_rows = _rows(True), _rows(False)
