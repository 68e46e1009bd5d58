"""Which of 64 numbers are not 0, as the bits of one integer: rare events are found without a look at each place.

    mask_of(line, at)     bit j is set if line[at + j] is not 0 (NaN is not), j = 0 ... 63; uint64
    lowest(mask)          number of the lowest bit that is set, mask not 0; int64
    without_lowest(mask)  mask with that bit cleared
"""

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

#: numbers of a mask
WIDTH = 64

if numba.config.DISABLE_JIT:

    def mask_of(line, at):
        """See the module."""
        return np.packbits(line[at:at + WIDTH] != 0, bitorder="little").view(np.uint64)[0]

    def lowest(mask):
        """See the module."""
        return (int(mask) & -int(mask)).bit_length() - 1

    def without_lowest(mask):
        """See the module."""
        return np.uint64(int(mask) & (int(mask) - 1))

else:

    @intrinsic
    def mask_of(typingctx, line, at):
        """See the module."""
        def generate(context, builder, signature, arguments):
            data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
            element = data.type.pointee
            vector = ir.VectorType(element, WIDTH)
            address = builder.bitcast(builder.gep(data, [arguments[1]]), vector.as_pointer())
            # elements of NumPy arrays are aligned as single ones
            values = builder.load(address, align=4 if isinstance(element, ir.FloatType) else 8)
            # unordered: NaN is not 0
            return builder.bitcast(builder.fcmp_unordered("!=", values, ir.Constant(vector, None)), ir.IntType(WIDTH))

        return types.uint64(line, at), generate

    @intrinsic
    def lowest(typingctx, mask):
        """See the module."""
        def generate(context, builder, signature, arguments):
            return builder.cttz(arguments[0], ir.IntType(1)(1))

        return types.int64(types.uint64), generate

    @intrinsic
    def without_lowest(typingctx, mask):
        """See the module."""
        def generate(context, builder, signature, arguments):
            return builder.and_(arguments[0], builder.sub(arguments[0], ir.IntType(WIDTH)(1)))

        return types.uint64(types.uint64), generate
