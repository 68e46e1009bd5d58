"""Machine code of a compiled step: made with Numba once, loaded with llvmlite alone ever after.

A second process should start quickly, and importing Numba and reading its cache costs more than a small run (measured: 0.45 s
of 0.75 s for 100 neurons and 100 ms).  So the object code of `advance`, without the wrappers that need Python or Numba, is
kept beside the source and called through ctypes with Numba's own calling convention: status = f(result, error, arguments),
an array being (meminfo, parent, items, item size, data, shape, stride).
"""

from __future__ import annotations

import ctypes
import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np

#: name of the function in the object file
SYMBOL = "neurosim_advance"
#: order of the arguments: r element type, k its integer type, d float64, q int64; capitals are arrays
SIGNATURE = "RKRRDQRQQRKDqqqqddqq"


#: what the C library and `Native` supply; anything else would crash the process when called
_SUPPLIED = {"NRT_MemInfo_call_dtor", "memcpy", "memmove", "memset", "fma", "pow", "exp", "exp2", "expm1", "log", "log1p",
             "log2", "log10", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "floor", "ceil",
             "fmod", "ldexp", "lgamma"}


class Unsupported(Exception):
    """The machine code of a step cannot be used without Numba."""


def host() -> str:
    """Return a text that names the instruction set of this machine."""
    import llvmlite.binding as llvm

    return f"{llvm.get_default_triple()} {llvm.get_host_cpu_name()} {llvm.get_host_cpu_features().flatten()}"


def make_object(function: Callable, single: bool) -> bytes:
    """Compile the Python function `advance` and return its object code.

    Args:
        function: `advance` of a generated module, not yet compiled.
        single: float32 instead of float64.
    """
    import llvmlite.binding as llvm
    import numba
    from numba.core import types

    from neurosim.kernels.jit import OPTIONS

    real, integer = (types.float32, types.int32) if single else (types.float64, types.int64)
    kinds = {"r": real, "k": integer, "d": types.float64, "q": types.int64}
    arguments = [types.Array(kinds[c.lower()], 1, "C") if c.isupper() else kinds[c] for c in SIGNATURE]
    dispatcher = numba.njit(**OPTIONS)(function)
    dispatcher.compile(types.void(*arguments))
    compiled = dispatcher.overloads[dispatcher.signatures[0]]
    module = llvm.parse_assembly(str(compiled.library._final_module))
    for f in module.functions:
        if not f.is_declaration:
            if f.name == compiled.fndesc.llvm_func_name:
                f.name = SYMBOL
                f.linkage = "external"
            else:
                f.linkage = "internal"
    machine = compiled.library.codegen._tm
    passes = llvm.create_new_module_pass_manager()
    # the wrappers, now without a caller, go, and with them every symbol that only Numba could supply
    passes.add_global_dead_code_eliminate_pass()
    passes.run(module, llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options()))
    needed = {f.name for f in module.functions if f.is_declaration and not f.name.startswith("llvm.")}
    if strange := needed - _SUPPLIED - {name + "f" for name in _SUPPLIED}:
        raise Unsupported(f"compiled code needs {', '.join(sorted(strange))}")
    return machine.emit_object(module)


def seal(code: bytes) -> bytes:
    """Return object code with its checksum in front: a damaged file must never reach the linker."""
    return hashlib.sha256(code).digest() + code


def unseal(data: bytes) -> bytes | None:
    """Return the object code, or None if the file is damaged."""
    code = data[32:]
    return code if len(data) > 32 and hashlib.sha256(code).digest() == data[:32] else None


class Native:
    """A callable made of object code; takes the same arguments as `advance`."""

    def __init__(self, code: bytes):
        import llvmlite.binding as llvm

        for start in ("initialize", "initialize_native_target", "initialize_native_asmprinter"):
            try:
                getattr(llvm, start)()
            except RuntimeError:
                pass  # newer versions initialise by themselves and say so
        if llvm.address_of_symbol("NRT_MemInfo_call_dtor") is None:
            # named in the code for arrays that Numba owns; ours belong to NumPy, so that it is never called
            llvm.add_symbol("NRT_MemInfo_call_dtor", ctypes.cast(ctypes.pythonapi.Py_IncRef, ctypes.c_void_p).value)
        machine = llvm.Target.from_default_triple().create_target_machine(
            cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=3, jit=True,
            codemodel="jitdefault")
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self._engine.finalize_object()
        types: list[Any] = [ctypes.c_void_p, ctypes.c_void_p]
        for c in SIGNATURE:
            if c.isupper():
                types += [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p,
                          ctypes.c_int64, ctypes.c_int64]
            else:
                types.append(ctypes.c_double if c == "d" else ctypes.c_int64)
        self._call = ctypes.CFUNCTYPE(ctypes.c_int32, *types)(self._engine.get_function_address(SYMBOL))

    def __call__(self, *arguments: Any) -> None:
        result, error = ctypes.c_void_p(), ctypes.c_void_p()
        flat: list[Any] = [ctypes.addressof(result), ctypes.addressof(error)]
        for value in arguments:
            if isinstance(value, np.ndarray):
                flat += [None, None, value.size, value.itemsize, value.ctypes.data, value.size, value.itemsize]
            else:
                flat.append(value)
        status = self._call(*flat)
        if status != 0:
            raise RuntimeError(f"the compiled step returned status {status}")
