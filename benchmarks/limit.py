"""How far a step of Hodgkin-Huxley neurons is from what the arithmetic of this core allows.

Three measurements on one core, none of them from a data sheet:

    counts      vector instructions of the compiled loops over neurons, read from their assembly
    peaks       seconds for one vector multiplication with addition, one addition, one of both in turn, one division, each in a
                loop that does nothing else on arrays in the first-level cache
    a step      seconds for one vector of neurons, from a run of neurosim whose state fits into the cache

    limit = max(multiplications * t_fma, additions * t_add, (multiplications + additions) * t_both, divisions * t_div)

Minimum, maximum and comparison count as additions.  Loads, stores, integer and bit operations are left out: the limit is
that of arithmetic alone, which no loop reaches (the roof of Williams, Waterman & Patterson 2009,
doi:10.1145/1498765.1498785).

    usage: python limit.py [--json FILE]
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

try:
    import neurosim as ns
except ImportError:
    sys.path.insert(1, str(Path(__file__).resolve().parents[1]))
    import neurosim as ns

import numpy as np

#: divisions of a neuron's step when all arguments of exprel are small: alpha_m, beta_h, alpha_n; loops of the step
DIVISIONS, LOOPS = 3, 3
NEURONS = 1024
KINDS = {"multiplications": ("vfm", "vfnm", "vmul"), "additions": ("vadd", "vsub", "vmin", "vmax", "vcmp"),
         "divisions": ("vdiv", "vsqrt")}


def network(n: int) -> ns.Network:
    """Return axons with currents from 0 to 20 uA/cm2, as in hh_population."""
    cells = ns.Population(n, ns.HodgkinHuxley(v_th=0.0), name="cells")
    return ns.Network([cells], stimuli=[ns.DC(np.linspace(0.0, 20.0, n), target=cells)])


def assembly(source: str, single: bool) -> str:
    """Return the assembly of the step that neurosim compiles from a source text."""
    from neurosim.codegen import native
    from neurosim.codegen.source import ADVANCE

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "generated_step.py")
        path.write_text(source, encoding="utf-8")
        spec = importlib.util.spec_from_file_location("generated_step", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return native.machine().emit_assembly(native.module_of(module.advance.py_func, single, ADVANCE))


def count(text: str, single: bool) -> dict[str, float] | None:
    """Return instructions for one vector of neurons by kind, and `lanes`; None if the loops are not vectorised.

    A step is three loops: functions of the state, rates with three divisions, and the new state.  The last there is twice: with
    general functions, which divide, and with those for small arguments, which nearly every step takes.
    """
    blocks: list[list[str]] = [[]]
    for line in text.splitlines():
        if re.match(r"\.?L\w+:", line):
            blocks.append([])
        elif re.match(r"\t[a-z]", line):
            blocks[-1].append(line.strip())
    suffix = "ps" if single else "pd"
    for register, size in (("zmm", 64), ("ymm", 32), ("xmm", 16)):
        found = []
        for block in blocks:
            names = Counter(i.split()[0] for i in block if register in i)
            kinds = {kind: sum(k for name, k in names.items() if name.startswith(starts) and name.endswith(suffix))
                     for kind, starts in KINDS.items()}
            if kinds["multiplications"] > 25 and kinds["divisions"] in (0, DIVISIONS):
                found.append({**kinds, "all": len(block)})
        if [f["divisions"] for f in found].count(DIVISIONS) == 1 and len(found) == LOOPS:
            return {kind: sum(f[kind] for f in found) for kind in (*KINDS, "all")} | {"lanes": size // (4 if single else 8)}
    return None


def peaks(single: bool) -> dict[str, float]:
    """Return nanoseconds for one number by kind of operation, at the best of several tries."""
    import numba

    from neurosim.kernels.jit import OPTIONS, fma

    @numba.njit(**OPTIONS)
    def multiplications(x, a, b, n):
        for _ in range(n):
            for i in range(x.size):
                y = x[i]
                y = fma(fma(fma(fma(y, a, b), a, b), a, b), a, b)
                y = fma(fma(fma(fma(y, a, b), a, b), a, b), a, b)
                x[i] = fma(fma(fma(fma(y, a, b), a, b), a, b), a, b)

    @numba.njit(**OPTIONS)
    def additions(x, a, b, n):
        for _ in range(n):
            for i in range(x.size):
                y = x[i]
                y = (((y + a) + b) + a) + b
                y = (((y + a) + b) + a) + b
                x[i] = (((y + a) + b) + a) + b

    @numba.njit(**OPTIONS)
    def both(x, a, b, n):
        for _ in range(n):
            for i in range(x.size):
                y = x[i]
                y = (fma(fma(y, a, b) + a, a, b) + b)
                y = (fma(fma(y, a, b) + a, a, b) + b)
                x[i] = (fma(fma(y, a, b) + a, a, b) + b)

    @numba.njit(**OPTIONS)
    def divisions(x, a, b, n):
        for _ in range(n):
            for i in range(x.size):
                x[i] = b / x[i]

    real = np.float32 if single else np.float64
    out = {}
    for function, operations in ((multiplications, 12), (additions, 12), (both, 12), (divisions, 1)):
        x, a, b = np.full(1024, 0.75, real), real(0.5), real(0.375)
        function(x, a, b, 1)
        best = np.inf
        for _ in range(15):
            began = time.perf_counter()
            function(x, a, b, 500)
            best = min(best, time.perf_counter() - began)
        out[function.__name__] = best * 1e9 / (500 * x.size * operations)
    return out


def measured(single: bool) -> tuple[float, str]:
    """Return (ns for one step of one neuron, source of the step) at the best of several runs."""
    net, dt, duration = network(NEURONS), 0.01, 100.0
    options = {"dtype": "float32" if single else "float64", "progress": False}
    result = ns.simulate(net, dt, dt, **options)
    best = np.inf
    for _ in range(5):
        began = time.perf_counter()
        done = ns.simulate(net, duration, dt, **options)
        best = min(best, time.perf_counter() - began - done.compile_s)
    return best * 1e9 / (NEURONS * round(duration / dt)), result.sources["cells"]


def main(argv: list[str] | None = None) -> int:
    """Print counts, peaks and the distance from the limit for both precisions."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(argv)
    everything = {}
    for precision in ("float64", "float32"):
        single = precision == "float32"
        step, source = measured(single)
        found = count(assembly(source, single), single)
        if found is None:
            print(f"{precision}: the loops over neurons are not vectorised as expected here; a step takes {step:.3g} ns.")
            continue
        peak = peaks(single)
        terms = {kind: found[kind] * peak[kind] for kind in KINDS}
        terms["both"] = (found["multiplications"] + found["additions"]) * peak["both"]
        bound = max(terms, key=terms.get)
        print(f"{precision}, {found['lanes']} neurons in a vector, instructions for one of them: {found['all']:g} in all")
        for kind in (*KINDS, "both"):
            n = found.get(kind, found["multiplications"] + found["additions"])
            print(f"    {n:4g} {kind:16} x {peak[kind]:.4f} ns a number = {terms[kind]:.3g} ns for a step of a neuron")
        print(f"    limit {terms[bound]:.3g} ns ({bound}); measured {step:.3g} ns: {terms[bound] / step:.0%} of the limit\n")
        everything[precision] = {"counts": found, "peaks_ns": peak, "limit_ns": terms[bound], "measured_ns": step}
    if given.json:
        given.json.write_text(json.dumps(everything, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
