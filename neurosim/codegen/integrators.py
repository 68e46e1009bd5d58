"""The table of integrators: each turns a `System` into the assignments of one step.

    name               order (weak/strong for noise)            x(t+dt) =
    exact              exact for linear drift, constant input   P x + Q b,  P = expm(A dt),  Q = int_0^dt expm(A s) ds
    euler              1                                        x + dt f
    exponential_euler  1, exact for a linear variable           x + dt f exprel(dt df/dx)
    heun               2                                        x + dt/2 (f(x, t) + f(x + dt f, t + dt))
    rk4                4                                        classical Runge-Kutta
    euler_maruyama     1/2 strong, 1 weak (Ito)                 x + dt f + sqrt(dt) g N
    milstein           1 strong, diagonal noise (Ito)           ... + dt/2 g g' (N^2 - 1)

Inputs given as functions of time are evaluated at the stages; sampled inputs and noise stand still during a step.

References: Hairer, Norsett & Wanner 1993, doi:10.1007/978-3-540-78862-1; Kloeden & Platen 1992,
doi:10.1007/978-3-662-12616-5; Rotter & Diesmann 1999, doi:10.1007/s004220050570 (exact integration).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from neurosim.codegen.system import DT, Lines, System, T
from neurosim.errors import ModelError, listing, nearest
from neurosim.model.calculus import ONE, ZERO, add, affine, derivative, linear_system, mul, simplify, sub
from neurosim.model.expression import Call, Node, Num, Sym, calls, symbols

#: symbol of the flag "not refractory" in generated code
ACTIVE = Sym("active_")


@dataclass(frozen=True)
class Propagator:
    """Name of an entry of the propagator, filled in when a run is prepared.

    `kind` is "P" or "Q"; `frozen` marks the system in which the held states stand still.
    """

    kind: str
    row: int
    column: int
    frozen: bool = False

    @property
    def name(self) -> str:
        """Name in generated code."""
        return f"{self.kind}{'h' if self.frozen else ''}_{self.row}_{self.column}_"


@dataclass(frozen=True)
class Step:
    """The outcome of writing a step.

    Attributes:
        new: new value by state.
        propagators: entries of the propagator that the lines refer to.
        linear: (A, b) of the linear equations that the propagator belongs to.
        small: arguments of `step_exprel`.
    """

    new: dict[str, Node]
    propagators: tuple[Propagator, ...] = ()
    linear: tuple | None = None
    small: tuple[str, ...] = ()


def _hold(system: System, name: str, change: Node) -> Node:
    """Return old value plus change, which is nothing while the variable is held.

    A choice between the new and the old value would become a masked store, several times as slow on some processors.
    """
    return add(Sym(name), Call("where", (ACTIVE, change, ZERO)) if name in system.held else change)


def _masked(system: System, slopes: dict[str, Node]) -> dict[str, Node]:
    return {n: Call("where", (ACTIVE, s, Num(0.0))) if n in system.held else s for n, s in slopes.items()}


def _stage(system: System, lines: Lines, tag: str, step: Node, slopes: dict[str, Node]) -> dict[str, Node]:
    """Append the point a step along the slopes and return its symbols."""
    ahead = system.below_threshold({n: add(Sym(n), mul(step, slopes[n])) for n in system.drift})
    return {n: lines.add(f"{n}_{tag}", value) for n, value in ahead.items()}


def _now(system: System) -> dict[str, Node]:
    return {name: Sym(name) for name in system.drift}


def _euler(system: System, lines: Lines) -> Step:
    now = _now(system)
    f = lines.slopes(system, now, T, "")
    return Step({n: _hold(system, n, mul(DT, f[n])) for n in now})


def _exponential_euler(system: System, lines: Lines) -> Step:
    now = _now(system)
    f = lines.slopes(system, now, T, "")
    # the slopes have just computed the derived quantities: refer to them
    known = {name for name, _, _ in lines.body}
    new, small = {}, []
    chains, matrix, offset = _chains(system)
    used: dict[Propagator, None] = {}
    reach = reachable(matrix)
    for i, name in enumerate(chains):
        # a linear system of its own, such as the rise and decay of a conductance, is integrated exactly
        value: Node = ZERO
        for j in sorted(reach[i]):
            used[p := Propagator("P", i, j)] = None
            value = add(value, mul(Sym(p.name), now[chains[j]]))
            if offset[j] != ZERO:
                used[q := Propagator("Q", i, j)] = None
                value = add(value, mul(Sym(q.name), offset[j]))
        new[name] = value
    for name in now:
        if name in new:
            continue
        own = system.expanded(system.drift[name], only=name)
        split = affine(own, name)
        a = simplify(split[0] if split else derivative(own, name))
        if symbols(a) - known - set(now) - system.constants - {"t", "dt"}:
            a = system.expanded(a)
        step = mul(DT, f[name])
        if a != ZERO and symbols(system.expanded(a)) & set(now):
            # usually dt |df/dx| < 1/2, where the function costs half: see codegen/source.py
            z = lines.add(f"{name}_z", mul(DT, a))
            small.append(z.name)
            step = mul(step, Call("step_exprel", (z,)))
        elif a != ZERO:
            step = mul(step, Call("exprel", (mul(DT, a),)))
        new[name] = _hold(system, name, step)
    return Step({n: new[n] for n in now}, tuple(used), (matrix, offset) if chains else None, tuple(small))


def _chains(system: System) -> tuple[list[str], list[list[Node]], list[Node]]:
    """Return the states that depend on each other and themselves alone, linearly with constant coefficients; A and b.

    States that depend on nothing but themselves are left out: for them exponential Euler is exact already.
    """
    drifts = {n: simplify(system.expanded(f)) for n, f in system.drift.items() if n not in system.held}
    constant = system.constants - {"dt"}
    before = -1
    while len(drifts) != before:
        before = len(drifts)
        drifts = {n: f for n, f in drifts.items()
                  if symbols(f) <= set(drifts) | constant and not {"rand", "randn"} & calls(f) and _is_linear(f, list(drifts))}
    found = linear_system(drifts)
    if not drifts or found is None:
        return [], [], []
    matrix, offset = found
    names = list(drifts)
    reach = reachable(matrix)
    keep = [i for i in range(len(names)) if len(reach[i]) > 1 or any(i in reach[j] for j in range(len(names)) if j != i)]
    return [names[i] for i in keep], [[matrix[i][j] for j in keep] for i in keep], [offset[i] for i in keep]


def _is_linear(node: Node, names: list[str]) -> bool:
    """Return whether an expression is linear in all of the names together."""
    for name in names:
        split = affine(node, name)
        if split is None or symbols(split[0]) & set(names):
            return False
        node = split[1]
    return True


def _heun(system: System, lines: Lines) -> Step:
    now = _now(system)
    k1 = _masked(system, lines.slopes(system, now, T, ""))
    ahead = _stage(system, lines, "end", DT, k1)
    k2 = _masked(system, lines.slopes(system, ahead, add(T, DT), "_2"))
    half = mul(Num(0.5), DT)
    return Step({n: add(now[n], mul(half, add(k1[n], k2[n]))) for n in now})


def _rk4(system: System, lines: Lines) -> Step:
    now = _now(system)
    half = mul(Num(0.5), DT)
    k1 = _masked(system, lines.slopes(system, now, T, "_1"))
    at = _stage(system, lines, "b", half, k1)
    k2 = _masked(system, lines.slopes(system, at, add(T, half), "_2"))
    at = _stage(system, lines, "c", half, k2)
    k3 = _masked(system, lines.slopes(system, at, add(T, half), "_3"))
    at = _stage(system, lines, "d", DT, k3)
    k4 = _masked(system, lines.slopes(system, at, add(T, DT), "_4"))
    sixth = mul(Num(1 / 6), DT)
    return Step({n: add(now[n], mul(sixth, add(add(k1[n], k4[n]), mul(Num(2.0), add(k2[n], k3[n]))))) for n in now})


def _maruyama(system: System, lines: Lines, milstein: bool) -> Step:
    now = _now(system)
    f = lines.slopes(system, now, T, "")
    root = Call("sqrt", (DT,))
    new = {}
    for name in now:
        value = mul(DT, f[name])
        for normal, g in system.noise.get(name, ()):
            g = system.expanded(g)
            z = Sym(normal)
            value = add(value, mul(mul(root, g), z))
            slope = simplify(derivative(g, name)) if milstein else ZERO
            if slope != ZERO:
                correction = mul(mul(mul(Num(0.5), DT), mul(g, slope)), sub(mul(z, z), Num(1.0)))
                value = add(value, correction)
        new[name] = _hold(system, name, value)
    return Step(new)


def _euler_maruyama(system: System, lines: Lines) -> Step:
    return _maruyama(system, lines, milstein=False)


def _milstein(system: System, lines: Lines) -> Step:
    if problem := not_diagonal(system):
        raise ModelError(f"milstein needs diagonal noise, but {problem}. Use method='euler_maruyama'.")
    return _maruyama(system, lines, milstein=True)


def not_diagonal(system: System) -> str:
    """Return why the noise is not diagonal (each source in one equation, g of that variable only), or ''."""
    seen: dict[str, str] = {}
    for name, terms in system.noise.items():
        if len(terms) > 1:
            return f"the equation of {name} has several noise terms"
        for normal, g in terms:
            if normal in seen:
                return f"{seen[normal]} and {name} share a noise term"
            seen[normal] = name
            if others := (symbols(system.expanded(g)) & set(system.drift)) - {name}:
                return f"the noise of {name} depends on {', '.join(sorted(others))}"
    return ""


def reachable(matrix: list[list[Node]], frozen: frozenset[int] = frozenset()) -> list[set[int]]:
    """Return for every row the columns in which expm(A) can differ from zero; rows of `frozen` are zero."""
    n = len(matrix)
    reach = [{i} | ({j for j in range(n) if matrix[i][j] != ZERO} if i not in frozen else set()) for i in range(n)]
    for _ in range(n):
        reach = [set().union(*(reach[j] for j in row)) for row in reach]
    return reach


def _exact(system: System, lines: Lines) -> Step:
    found = system.linear()
    if found is None:
        raise ModelError("method='exact' needs equations that are linear with constant coefficients, which "
                         f"{listing(system.drift)} are not. Leave the method out, or name rk4 or exponential_euler.")
    matrix, offset = found
    names = list(system.drift)
    b = {j: lines.add(f"{names[j]}_offset", node, system.texts.get(names[j], ""))
         for j, node in enumerate(offset) if node != ZERO}
    held = frozenset(i for i, n in enumerate(names) if n in system.held)
    used: dict[Propagator, None] = {}

    def row(i: int, frozen: bool, change: bool = False) -> Node:
        value: Node = ZERO
        for j in sorted(reachable(matrix, held if frozen else frozenset())[i]):
            p = Propagator("P", i, j, frozen)
            used[p] = None
            factor = sub(Sym(p.name), ONE) if change and i == j else Sym(p.name)
            value = add(value, mul(factor, Sym(names[j])))
            if j in b and not (frozen and j in held):
                q = Propagator("Q", i, j, frozen)
                used[q] = None
                value = add(value, mul(Sym(q.name), b[j]))
        return value

    new = {}
    for i, name in enumerate(names):
        free = row(i, frozen=False)
        if name in system.held:
            new[name] = _hold(system, name, row(i, frozen=False, change=True))
        elif held & reachable(matrix)[i]:
            # this variable feels a held one: while that one stands still, another propagator applies
            new[name] = Call("where", (ACTIVE, free, row(i, frozen=True)))
        else:
            new[name] = free
    return Step(new, tuple(used), found)


@dataclass(frozen=True)
class Integrator:
    """One row of the table.

    Attributes:
        write: turns a system into a step.
        order: order of convergence for smooth systems without noise (0: exact).
        noise: whether white noise is allowed.
    """

    write: Callable[[System, Lines], Step]
    order: int
    noise: bool = False


INTEGRATORS: dict[str, Integrator] = {
    "exact": Integrator(_exact, 0),
    "euler": Integrator(_euler, 1),
    "exponential_euler": Integrator(_exponential_euler, 1),
    "heun": Integrator(_heun, 2),
    "rk4": Integrator(_rk4, 4),
    "euler_maruyama": Integrator(_euler_maruyama, 1, noise=True),
    "milstein": Integrator(_milstein, 1, noise=True),
}


def choose(system: System) -> tuple[str, str]:
    """Return the integrator that suits the system, and the reason in words."""
    if any(system.noise.values()):
        multiplicative = any(symbols(system.expanded(g)) & set(system.drift)
                             for terms in system.noise.values() for _, g in terms)
        if multiplicative and not not_diagonal(system):
            return "milstein", "white noise whose strength depends on the state, one source an equation"
        return "euler_maruyama", "white noise"
    found = system.linear()
    if found is not None and not any("t" in symbols(b) or {"rand", "randn"} & calls(b) for b in found[1]):
        return "exact", "linear equations with constant coefficients"
    if all(affine(system.expanded(f), name) is not None for name, f in system.drift.items()):
        return "exponential_euler", "every equation is linear in its own variable"
    return "rk4", "nonlinear equations"


def pick(system: System, method: str | None) -> tuple[str, str]:
    """Return (method, reason) for the method the user or the model named, or the best one for None.

    Raises:
        ModelError: for an unknown name, or a method that cannot integrate the equations.
    """
    if method is None:
        return choose(system)
    if method not in INTEGRATORS:
        raise ModelError(f"There is no integrator {method!r}.{nearest(method, INTEGRATORS)} "
                         f"Known: {listing(INTEGRATORS)}.")
    noisy = any(system.noise.values())
    if noisy and method == "euler":
        method = "euler_maruyama"
    if noisy and not INTEGRATORS[method].noise:
        raise ModelError(f"method={method!r} cannot integrate white noise (xi). Use euler_maruyama or milstein.")
    chosen = choose(system)
    # the reason stands in the source: to name what would be chosen anyway must not give another program to compile
    return chosen if method == chosen[0] else (method, "named by the user")
