"""Machine code of generated functions: made with Numba once, loaded with llvmlite alone ever after.

A second process should start quickly, and importing Numba and reading its cache costs more than a small run (measured: 0.45 s
of 0.75 s for 100 neurons and 100 ms).  So the object code of a function, without the wrappers that need Python or Numba, is
kept beside its source.  All functions begin with the arguments (step0, n_steps); a small wrapper takes the others from an
array of 8-byte cells, so that every function has the same C signature

    int32 call(int64 *cells, int64 step0, int64 n_steps)

and the driver (driver.py) can call them all.  Numba wants an array as (meminfo, parent, items, item size, data, shape, stride).
"""

from __future__ import annotations

import ctypes
import gc
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from neurosim.codegen.constants import in_memory

#: name of the wrapper in the object file, and of the function itself
CALL, FUNCTION = "neurosim_call", "neurosim_function"
#: cells of an array
ARRAY = 7


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


@contextmanager
def _without_collector() -> Iterator[None]:
    """Pause the collector of cyclic garbage: Numba makes millions of objects that live as long as it compiles, and looking
    through them again and again takes a fifth of the time (measured: 2.5 against 2.0 s for a neuron model).
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def make_object(function: Callable, single: bool, signature: str) -> bytes:
    """Compile a Python function and return its object code; arguments as those of `module_of`."""
    return machine().emit_object(module_of(function, single, signature))


@_without_collector()
def module_of(function: Callable, single: bool, signature: str) -> Any:
    """Compile a Python function and return its optimised LLVM module, which needs neither Python nor Numba.

    Args:
        function: the function of a generated module, not yet compiled; its first arguments are step0 and n_steps.
        single: float32 instead of float64.
        signature: a letter for every further argument: r element type, k its integer type, d float64, q int64, i int32,
            h uint16, u uint64; capitals are arrays.
    """
    import llvmlite.binding as llvm
    from numba.core import types

    real, integer = (types.float32, types.int32) if single else (types.float64, types.int64)
    kinds = {"r": real, "k": integer, "d": types.float64, "q": types.int64, "i": types.int32, "h": types.uint16,
             "u": types.uint64}
    arguments = [types.Array(kinds[c.lower()], 1, "C") if c.isupper() else kinds[c] for c in "qq" + signature]
    compiled, text = _optimised(function, arguments)
    features = llvm.get_host_cpu_features()
    module = llvm.parse_assembly(in_memory(text) if features.get("avx2") and not features.get("avx512f") else text)
    module.get_function(compiled.fndesc.llvm_func_name).name = FUNCTION
    module.get_function(FUNCTION).linkage = "external"
    module.link_in(llvm.parse_assembly(_wrapper(signature, single)))
    for f in module.functions:
        if not f.is_declaration:
            f.linkage = "external" if f.name == CALL else "internal"
    target = machine()
    passes = llvm.create_new_module_pass_manager()
    # what nothing calls goes, and with it every symbol that only Numba could supply
    passes.add_global_dead_code_eliminate_pass()
    passes.run(module, llvm.create_pass_builder(target, llvm.create_pipeline_tuning_options()))
    needed = {f.name for f in module.functions if f.is_declaration and not f.name.startswith("llvm.")}
    if strange := needed - _SUPPLIED - {name + "f" for name in _SUPPLIED}:
        raise Unsupported(f"compiled code needs {', '.join(sorted(strange))}")
    return module


def _optimised(function: Callable, arguments: list) -> tuple[Any, str]:
    """Return what Numba knows of a compiled function, and its optimised LLVM assembly.

    Wrappers for Python and machine code of Numba's own are left out, as `make_object` emits what is used: a fifth of the time.
    """
    from numba.core import compiler, types
    from numba.core.compiler_lock import global_compiler_lock
    from numba.core.registry import cpu_target

    from neurosim.kernels.jit import OPTIONS

    flags = compiler.Flags()
    cpu_target.options.parse_as_flags(flags, {"nopython": True, **OPTIONS})
    flags.no_compile = flags.no_cpython_wrapper = flags.no_cfunc_wrapper = True
    with global_compiler_lock:
        compiled = compiler.compile_extra(cpu_target.typing_context, cpu_target.target_context, function, arguments,
                                          types.void, flags, {})
        library = compiled.library
        # what `finalize` does before it emits code
        for other in dict.fromkeys(library._linking_libraries):
            library._final_module.link_in(other._get_module_for_linking(), preserve=True)
        library._optimize_final_module()
    return compiled, str(library._final_module)


def _wrapper(signature: str, single: bool) -> str:
    """Return LLVM assembly of the function that takes its arguments from cells."""
    scalars = {"r": "float" if single else "double", "k": "i32" if single else "i64", "d": "double", "q": "i64",
               "i": "i32", "h": "i16", "u": "i64"}
    array = ("ptr", "ptr", "i64", "i64", "ptr", "i64", "i64")
    kinds = [kind for c in signature for kind in (array if c.isupper() else (scalars[c],))]
    lines = ["%result = alloca ptr", "%error = alloca ptr", "store ptr null, ptr %result", "store ptr null, ptr %error"]
    for k, kind in enumerate(kinds):
        lines += [f"%p{k} = getelementptr i64, ptr %cells, i64 {k}", f"%a{k} = load {kind}, ptr %p{k}"]
    types = ", ".join(["ptr", "ptr", "i64", "i64", *kinds])
    values = ", ".join(["ptr %result", "ptr %error", "i64 %step0", "i64 %n_steps",
                        *(f"{kind} %a{k}" for k, kind in enumerate(kinds))])
    lines += [f"%status = call i32 @{FUNCTION}({values})", "ret i32 %status"]
    return (f"declare i32 @{FUNCTION}({types})\ndefine i32 @{CALL}(ptr %cells, i64 %step0, i64 %n_steps) {{\n  "
            + "\n  ".join(lines) + "\n}\n")


def seal(code: bytes) -> bytes:
    """Return object code with its checksum in front: a damaged file must never reach the linker."""
    return hashlib.sha256(code).digest() + code


def unseal(data: bytes) -> bytes | None:
    """Return the object code, or None if the file is damaged."""
    code = data[32:]
    return code if len(data) > 32 and hashlib.sha256(code).digest() == data[:32] else None


def kinds_of(single: bool) -> dict[str, np.dtype]:
    """Return the element type of each letter of a signature."""
    real, integer = (np.float32, np.int32) if single else (np.float64, np.int64)
    letters = {"r": real, "k": integer, "d": np.float64, "q": np.int64, "i": np.int32, "h": np.uint16, "u": np.uint64}
    return {letter: np.dtype(kind) for letter, kind in letters.items()}


def link(code: bytes, symbol: str) -> tuple[Any, int]:
    """Load object code; return the engine that owns it, and the address of a function in it."""
    import llvmlite.binding as llvm

    _start()
    # all sections in one block: the addresses of constants in the code are 32 bits wide
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine(), use_lmm=True)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return engine, engine.get_function_address(symbol)


def assemble(text: str) -> bytes:
    """Return the object code of LLVM assembly."""
    import llvmlite.binding as llvm

    _start()
    module = llvm.parse_assembly(text)
    module.verify()
    return machine().emit_object(module)


def _start() -> None:
    import llvmlite.binding as llvm

    for start in ("initialize", "initialize_native_target", "initialize_native_asmprinter", "initialize_native_asmparser"):
        try:
            getattr(llvm, start)()
        except RuntimeError:
            pass  # newer versions initialise by themselves and say so
    if llvm.address_of_symbol("NRT_MemInfo_call_dtor") is None:
        # named in the code for arrays that Numba owns; ours belong to NumPy, so that it is never called
        llvm.add_symbol("NRT_MemInfo_call_dtor", ctypes.cast(ctypes.pythonapi.Py_IncRef, ctypes.c_void_p).value)


def machine() -> Any:
    """Return this processor as a target with the small code model.

    The large one, which is usual for code made at run time, loads the address of each constant into a register first: with it
    a step of Hodgkin-Huxley neurons has 434 instructions for each vector instead of 381 and takes a fifth more time.
    """
    import llvmlite.binding as llvm

    return llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=3, reloc="pic", codemodel="small")


class Native:
    """A function made of object code."""

    def __init__(self, code: bytes, single: bool, signature: str):
        self._kinds = [(c.isupper(), kinds_of(single).get(c.lower())) for c in signature]
        self._engine, self.address = link(code, CALL)
        self._call = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)(self.address)

    def bind(self, *arguments: Any) -> Job:
        """Return the function with all its arguments but step0 and n_steps."""
        if len(arguments) != len(self._kinds):
            raise TypeError(f"a compiled function takes {len(self._kinds)} arguments, not {len(arguments)}")
        for k, (value, (is_array, dtype)) in enumerate(zip(arguments, self._kinds)):
            # a wrong array would not raise an error but read or write elsewhere
            wrong = isinstance(value, np.ndarray) != is_array
            if wrong or (is_array and (value.dtype != dtype or not value.flags.c_contiguous)):
                raise TypeError(f"argument {k} of a compiled function is {getattr(value, 'dtype', type(value))}, not {dtype}")
        cells: list[int] = []
        for value, (is_array, dtype) in zip(arguments, self._kinds):
            if is_array:
                cells += [0, 0, value.size, value.itemsize, value.ctypes.data, value.size, value.itemsize]
                continue
            # the bits of a number stand at the beginning of its cell
            cell = np.zeros(8 // dtype.itemsize, dtype)
            cell[0] = value
            cells.append(int(cell.view(np.int64)[0]))
        return Job(self, np.array(cells, np.int64), arguments)

    def run(self, job: Job, step0: int, n_steps: int) -> None:
        """Call the function."""
        status = self._call(job.cells.ctypes.data, step0, n_steps)
        if status != 0:
            raise RuntimeError(f"a compiled function returned status {status}")


class Interpreted:
    """A Python function, or a Numba dispatcher, in the place of object code."""

    address = None

    def __init__(self, function: Callable):
        self._function = function

    def bind(self, *arguments: Any) -> Job:
        """Return the function with all its arguments but step0 and n_steps."""
        return Job(self, np.zeros(0, np.int64), arguments)

    def run(self, job: Job, step0: int, n_steps: int) -> None:
        """Call the function."""
        self._function(step0, n_steps, *job.arguments)


class Job:
    """A function with its arguments, kept alive; call it with (step0, n_steps)."""

    def __init__(self, function: Native | Interpreted, cells: np.ndarray, arguments: tuple):
        self.function, self.cells, self.arguments = function, cells, arguments

    def __call__(self, step0: int, n_steps: int) -> None:
        self.function.run(self, step0, n_steps)
