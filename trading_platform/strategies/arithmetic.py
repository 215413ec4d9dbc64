"""Arithmetic of a compiled strategy as plain Python: it stops where compiled code raises, or wraps around unseen."""

import ast
import linecache
import re
import sys
from contextlib import AbstractContextManager
from itertools import islice
from types import FrameType
from typing import Any, Final

import numpy as np

_ZERO: Final = re.compile(r"divide by zero encountered in scalar ")  # /, //, % and divmod of two numbers
_OVERFLOW: Final = re.compile(r"overflow encountered in scalar (?:add|subtract|multiply)\b")
_CODE_UNIT_BYTES: Final = 2
_READ_ONLY: Final = (  # what can be evaluated once more without any effect
    ast.Expression,
    ast.BinOp,
    ast.UnaryOp,
    ast.operator,
    ast.unaryop,
    ast.Name,
    ast.Attribute,
    ast.Subscript,
    ast.Slice,
    ast.Tuple,
    ast.Constant,
    ast.expr_context,
)


class _Stops:
    """What numpy writes its errors to."""

    def write(self, message: str) -> None:
        """Raise for what is wrong once compiled; let pass what is a number there too: inf, nan."""
        if _ZERO.search(message):
            raise ZeroDivisionError("division by zero")
        if _OVERFLOW.search(message) and _of_integers(sys._getframe(1)):
            raise OverflowError("an integer does not fit int64")


def as_compiled() -> AbstractContextManager[Any]:
    """Return a context in which numpy's numbers raise where integers wrap around or a number is divided by zero.

    Compiled code raises on ``/``, ``//`` and ``%`` by zero, also of floats. Functions such as np.log and np.exp, whole
    arrays and floats that grow too large give inf or nan, as they do compiled.

    Raises
    ------
    ZeroDivisionError : in the context, at the operation
    OverflowError : in the context, at a sum, difference or product of integers beyond int64. One with a call among
        its operands passes: it cannot be told from one of floats
    """
    return np.errstate(divide="log", over="log", under="ignore", invalid="ignore", call=_Stops())


def _of_integers(frame: FrameType) -> bool:
    """Tell whether the operation at which a frame stands is one of integers; False if that cannot be told.

    numpy says the same of integers and floats, so the operands are read once more.
    """
    node = _operation(frame)
    if isinstance(node, ast.AugAssign):
        operands = [node.target, node.value]
    elif isinstance(node, ast.BinOp):
        operands = [node.left, node.right]
    else:
        return False
    if not all(isinstance(part, _READ_ONLY) for one in operands for part in ast.walk(one)):
        return False
    with np.errstate(all="ignore"):
        values = [
            eval(ast.unparse(one), frame.f_globals, frame.f_locals)  # noqa: S307 (the strategy's own expression)
            for one in operands
        ]
    return all(isinstance(value, int | np.integer) for value in values)


def _operation(frame: FrameType) -> ast.AST | None:
    """Return the syntax of the instruction at which a frame stands; None where there is no source."""
    place = next(islice(frame.f_code.co_positions(), frame.f_lasti // _CODE_UNIT_BYTES, None))
    first, last, begin, end = place
    if first is None or last is None or begin is None or end is None:
        return None
    lines = [
        linecache.getline(frame.f_code.co_filename, number).encode() for number in range(first, last + 1)
    ]
    lines[-1] = lines[-1][:end]  # columns count bytes
    lines[0] = lines[0][begin:]
    text = b"".join(lines).decode()
    for source in (text, f"({text})"):  # a statement; an expression of several lines
        try:
            (statement,) = ast.parse(source).body
        except (SyntaxError, ValueError):
            continue
        return statement.value if isinstance(statement, ast.Expr) else statement
    return None
