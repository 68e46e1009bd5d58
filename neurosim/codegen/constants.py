"""Constants of long vectorised loops as operands in memory.

Polynomials are full of constants: a step of Hodgkin-Huxley neurons uses 142 in each round of its loop, far more than the 16
registers of AVX2 hold.  LLVM then writes an instruction of its own for each use, which spreads the constant over a register.
AVX2 can take one operand of a multiplication or addition from memory, as long as the whole vector stands there; so it does
here.  The loop has 270 instead of 363 instructions and the same results.  (AVX-512 can spread an operand by itself.)
"""

from __future__ import annotations

import re

#: distinct constants in a block of code from which on they are taken from memory: fewer stay in registers
MANY = 8

_LABEL = re.compile(r"^[\w.\"$-]+:")
_ARITHMETIC = re.compile(r"(?:@llvm\.fma\.v| = (?:fmul|fadd|fsub|fdiv|fcmp \w+) )")
_VECTOR = re.compile(r"<(\d+) x (double|float)>")
_SPLAT = re.compile(r"splat \((double|float) ([^)]+)\)")


def in_memory(text: str) -> str:
    """Return LLVM assembly in which blocks with many constants load them, each use from a place of its own.

    One place for all uses of a constant would be loaded once, kept, and put aside for want of registers.  The places are no
    constants in LLVM's sense, since those it would spread again.
    """
    lines: list[str] = []
    places: list[str] = []
    block: list[str] = []
    for line in [*text.split("\n"), "end:"]:
        if _LABEL.match(line) or line.startswith("define"):
            lines += _loaded(block, places)
            block = []
        block.append(line)
    first = next((k for k, line in enumerate(lines) if line.startswith(("define", "declare"))), len(lines))
    return "\n".join([*lines[:first], *places, *lines[first:]])


def _loaded(block: list[str], places: list[str]) -> list[str]:
    uses = [k for k, line in enumerate(block) if _ARITHMETIC.search(line) and _SPLAT.search(line)]
    if len({found for k in uses for found in _SPLAT.findall(block[k])}) <= MANY:
        return block
    out: list[str] = []
    for k, line in enumerate(block):
        if k in uses:
            lanes, kind = _VECTOR.search(line).groups()
            while found := _SPLAT.search(line):
                name = f"neurosim.constant.{len(places)}"
                vector, size = f"<{lanes} x {kind}>", int(lanes) * (8 if kind == "double" else 4)
                places.append(f"@{name} = internal global {vector} splat ({kind} {found[2]}), align {size}")
                # loads that need no alignment cost the same, and do not rely on whoever puts the code into memory
                out.append(f"  %{name} = load {vector}, ptr @{name}, align {size // int(lanes)}")
                line = f"{line[:found.start()]}%{name}{line[found.end():]}"
        out.append(line)
    return out
