"""Python functions read from their source as expressions of their arguments, never called.

Local assignments are put in place, branches become ``where``; anything that is not a formula is refused with
a caret.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import linecache
import os
import types
from functools import lru_cache
from typing import Any

from neurosim.errors import ModelError, caret, listing, nearest
from neurosim.model.callables import CONSTANT_NAMES, Resolver
from neurosim.model.expression import FUNCTIONS, Call, Node, Op, Sym, from_ast, substitute
from neurosim.model.values import checked_value


@lru_cache(maxsize=8)
def _tree(text: str) -> ast.Module:
    return ast.parse(text)


def _locate(code: types.CodeType, module: dict, where: str) -> tuple[ast.AST, str]:
    """Return the definition of a function in the tree of its file, and the text of the file."""
    text = "".join(linecache.getlines(code.co_filename, module))
    again = (
        "Put the function into a file (functions typed at a prompt have no source), or use from_equations."
    )
    if not text:
        raise ModelError(f"The source of the {where} ({code.co_name}) is not available. {again}")
    try:
        tree = _tree(text)
    except SyntaxError:
        raise ModelError(
            f"The file of the {where} ({code.co_filename}) cannot be read as Python. {again}"
        ) from None
    found: list[ast.AST] = []
    for node in ast.walk(tree):
        if code.co_name == "<lambda>" and isinstance(node, ast.Lambda) and node.lineno == code.co_firstlineno:
            found.append(node)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == code.co_name:
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if first == code.co_firstlineno:
                found.append(node)
    if len(found) > 1:
        # several lambdas in one line: the code object knows where its instructions come from
        places = [p for p in code.co_positions() if None not in p and p[3] > p[2] or p[1] != p[0]]
        places = [p for p in places if None not in p and p[0] >= 1 and p[3] > 0]
        if places:
            start, end = min((p[0], p[2]) for p in places), max((p[1], p[3]) for p in places)
            found = [
                n
                for n in found
                if isinstance(n, ast.Lambda)
                and (n.body.lineno, n.body.col_offset) == start
                and (n.body.end_lineno, n.body.end_col_offset) == end
            ]
    if len(found) > 1 and len({ast.dump(n) for n in found}) == 1:
        found = found[:1]
    if not found:
        raise ModelError(
            f"The source of the {where} ({code.co_name}) was not found in {code.co_filename}, line "
            f"{code.co_firstlineno}: the file has changed since it was loaded. Load it again."
        )
    if len(found) > 1:
        raise ModelError(
            f"The {where} is one of several lambdas in line {code.co_firstlineno} of {code.co_filename} "
            "that cannot "
            "be told apart. Write each in a line of its own, or use def."
        )
    return found[0], text


class Function:
    """Reads one Python function symbolically."""

    def __init__(self, function: Any, where: str):
        function = getattr(function, "py_func", function)
        if isinstance(function, types.MethodType) or not isinstance(function, types.FunctionType):
            kind = getattr(function, "__name__", type(function).__name__)
            raise ModelError(
                f"The {where} is {kind!r}, which is no plain Python function: its source cannot be read. "
                "Write 'def' or 'lambda' with the names of states, parameters and inputs as arguments."
            )
        self.function, code = function, function.__code__
        self.where = where if code.co_name == "<lambda>" else f"{where} ({code.co_name})"
        self.definition, self.text = _locate(code, function.__globals__, where)
        self.rows = self.text.splitlines()
        self.file = os.path.basename(code.co_filename)
        self.local: set[str] = set(code.co_varnames)
        if isinstance(self.definition, ast.AsyncFunctionDef):
            raise self.refuse(self.definition, "An async function cannot be a formula. Write a plain 'def'.")
        if function.__code__.co_flags & (
            inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
        ):
            raise self.refuse(self.definition, "'yield' makes a generator. Return one value.")
        spec = self.definition.args
        if spec.vararg or spec.kwarg:
            raise self.refuse(
                self.definition, "*args and **kwargs have no names to match. Write out the arguments."
            )
        self.arguments = [a.arg for a in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs)]
        signature = list(inspect.signature(function, follow_wrapped=False).parameters)
        if signature != self.arguments:
            raise ModelError(
                f"The source of the {where} in {self.file} has the arguments {listing(self.arguments)}, "
                "the function "
                f"{listing(signature)}: the file has changed since it was loaded. Load it again."
            )

    def refuse(self, node: ast.AST, message: str) -> ModelError:
        """Error with the line of the source and a caret."""
        row = self.rows[node.lineno - 1]
        start = len(row.encode()[: node.col_offset].decode(errors="ignore"))
        end = (
            len(row.rstrip())
            if node.end_lineno != node.lineno
            else len(row.encode()[: node.end_col_offset].decode(errors="ignore"))
        )
        cut = len(row) - len(row.lstrip())
        return ModelError(
            f"In the {self.where}, {self.file} line {node.lineno}:\n"
            f"{caret(row.strip(), start - cut, end - start)}\n{message}"
        )

    def defaults(self) -> dict[str, float]:
        """Default values of arguments."""
        found = {}
        for name, parameter in inspect.signature(self.function, follow_wrapped=False).parameters.items():
            if parameter.default is not inspect.Parameter.empty:
                found[name] = checked_value(parameter.default, name, None, f"default in the {self.where}")
        return found

    def node(self, known: set[str]) -> Node:
        """Return the value that the function returns, as an expression of its arguments."""
        for argument in self.arguments:
            if argument not in known:
                raise self.refuse(
                    self.definition,
                    f"The argument {argument!r} is not declared.{nearest(argument, known)} "
                    f"Declared: {listing(sorted(known))}. Add it to parameters= or inputs=.",
                )
        env: dict[str, Node | None] = {name: Sym(name) for name in self.arguments}
        if isinstance(self.definition, ast.Lambda):
            return self.expression(self.definition.body, env)
        return self.run(list(self.definition.body), env)

    # -- statements

    def run(self, statements: list[ast.stmt], env: dict[str, Node | None]) -> Node:
        """Execute the statements on expressions and return what they return."""
        for k, statement in enumerate(statements):
            if isinstance(statement, ast.Return):
                if statement.value is None:
                    raise self.refuse(statement, "Return a value.")
                return self.expression(statement.value, env)
            if isinstance(statement, ast.If) and _returns(statement):
                test = self.expression(statement.test, env)
                rest = statements[k + 1 :]
                return Call(
                    "where",
                    (
                        test,
                        self.run([*statement.body, *rest], dict(env)),
                        self.run([*statement.orelse, *rest], dict(env)),
                    ),
                )
            self.execute(statement, env)
        raise self.refuse(
            self.definition, "Not every path through the function returns a value. End it with 'return ...'."
        )

    def execute(self, statement: ast.stmt, env: dict[str, Node | None]) -> None:
        """Take over one statement that does not return."""
        if isinstance(statement, ast.Assign):
            for target in statement.targets:
                self.assign(target, statement.value, env)
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            self.assign(statement.target, statement.value, env)
        elif isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
            whole = ast.BinOp(ast.Name(statement.target.id, ast.Load()), statement.op, statement.value)
            operator = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**"}.get(
                type(whole.op)
            )
            if operator is None:
                raise self.refuse(statement, "Only += -= *= /= **= are allowed.")
            before = self.expression(ast.copy_location(whole.left, statement.target), env)
            env[statement.target.id] = Op(operator, (before, self.expression(statement.value, env)))
        elif isinstance(statement, ast.If):
            test = self.expression(statement.test, env)
            first, second = dict(env), dict(env)
            for part in statement.body:
                self.execute(part, first)
            for part in statement.orelse:
                self.execute(part, second)
            for name in {**first, **second}:
                a, b = first.get(name), second.get(name)
                # a name that one branch leaves out has no value afterwards
                env[name] = a if a is b else None if a is None or b is None else Call("where", (test, a, b))
        elif not (
            isinstance(statement, ast.Pass)
            or isinstance(statement, ast.Expr)
            and isinstance(statement.value, ast.Constant)
            and isinstance(statement.value.value, str)
        ):
            raise self.refuse(
                statement,
                f"{_WORDS.get(type(statement), 'This statement')} is not allowed here. A function holds "
                "assignments to local names, if/elif/else and return.",
            )

    def assign(self, target: ast.expr, value: ast.expr, env: dict[str, Node | None]) -> None:
        if isinstance(target, ast.Name):
            env[target.id] = self.expression(value, env)
        elif (
            isinstance(target, ast.Tuple)
            and isinstance(value, ast.Tuple)
            and len(target.elts) == len(value.elts)
            and all(isinstance(t, ast.Name) for t in target.elts)
        ):
            new = [self.expression(v, env) for v in value.elts]
            env.update({t.id: n for t, n in zip(target.elts, new, strict=True)})
        else:
            raise self.refuse(target, "Only local names can be assigned.")

    # -- expressions

    def expression(self, tree: ast.expr, env: dict[str, Node | None]) -> Node:
        """Convert one expression and put in the values of local names."""
        resolver = Resolver(self)
        for part in ast.walk(tree):
            if isinstance(part, ast.Name):
                self.check_variable(part, tree, env)
            elif isinstance(part, ast.Call) and resolver.function_name(part.func) is None:
                called = ast.unparse(part.func)
                raise self.refuse(
                    part.func,
                    f"{called!r} is not a function that equations "
                    f"know.{nearest(called.split('.')[-1], FUNCTIONS)} "
                    f"Write its formula out, or use one of: {listing(sorted(FUNCTIONS))}.",
                )
        source = ast.get_source_segment(self.text, tree)
        if source is None:
            source = getattr(tree, "id", "")
        # parentheses let an expression of several lines stand alone
        text = f"({source})"
        body = resolver.visit(ast.parse(text, mode="eval").body)
        where = f"{self.where}, {self.file} line {tree.lineno}"
        return substitute(from_ast(body, text, where), {k: v for k, v in env.items() if v is not None})

    def check_variable(self, part: ast.Name, tree: ast.expr, env: dict[str, Node | None]) -> None:
        name = part.id
        callees = {id(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
        modules = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
        if id(part) in callees | modules or env.get(name) is not None:
            return
        if name in self.local:
            raise self.refuse(
                part, f"{name!r} has no value on every path to this place. Assign it in each branch."
            )
        found, value = self.outside(name)
        if found and isinstance(value, float) and value == CONSTANT_NAMES.get(name):
            return
        kind = "a value from outside of the function" if found else "not defined"
        raise self.refuse(
            part,
            f"{name!r} is {kind}. Declare it in parameters= and take it as an argument."
            f"{'' if found else nearest(name, [*env])}",
        )

    def outside(self, name: str) -> tuple[bool, Any]:
        """Look a name up where Python would: closure, module, builtins."""
        code = self.function.__code__
        if name in code.co_freevars and self.function.__closure__:
            try:
                return True, self.function.__closure__[code.co_freevars.index(name)].cell_contents
            except ValueError:
                return False, None
        if name in self.function.__globals__:
            return True, self.function.__globals__[name]
        return hasattr(builtins, name), getattr(builtins, name, None)


def _returns(statement: ast.stmt) -> bool:
    return any(isinstance(part, ast.Return) for part in ast.walk(statement))


_WORDS = {
    ast.For: "A 'for' loop",
    ast.While: "A 'while' loop",
    ast.With: "'with'",
    ast.Try: "'try'",
    ast.Raise: "'raise'",
    ast.Import: "'import'",
    ast.ImportFrom: "'import'",
    ast.Global: "'global'",
    ast.Nonlocal: "'nonlocal'",
    ast.FunctionDef: "A function within a function",
    ast.ClassDef: "A class",
    ast.Delete: "'del'",
    ast.Assert: "'assert'",
    ast.Match: "'match'",
    ast.Expr: "An expression without effect",
}
