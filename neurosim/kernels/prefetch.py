"""A hint to fetch memory that will be read soon: connections of one source lie together, those of the next one elsewhere."""

import numba
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

if numba.config.DISABLE_JIT:

    def prefetch(array, place):
        """Do nothing: the interpreter has other delays."""

else:

    @intrinsic
    def prefetch(typingctx, array, place):
        """Fetch the cache line of array[place]; no error if the place lies outside."""
        if not (isinstance(array, types.Array) and isinstance(place, types.Integer)):
            return None

        def generate(context, builder, signature, arguments):
            data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
            address = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(8).as_pointer())
            number = ir.IntType(32)
            kind = ir.FunctionType(ir.VoidType(), [address.type, number, number, number])
            hint = builder.module.declare_intrinsic("llvm.prefetch", [address.type], kind)
            # read, most local, data
            builder.call(hint, [address, number(0), number(3), number(1)])
            return context.get_dummy_value()

        return types.void(array, place), generate
