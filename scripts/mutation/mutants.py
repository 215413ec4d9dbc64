"""Lists the mutants of a module: each is its source with one small mistake in it."""

import difflib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.provider import OperatorProvider

from .operators import (
    MutationOperator,
    RemoveEntry,
    RemoveOperand,
    RemoveStatement,
    SwapAugmentedAssignment,
    SwapConstant,
    SwapField,
    SwapFunction,
    SwapMember,
    function_of,
)

# Of the binary operators the near ones: `a ** b` for `a + b` fails in every test and would only raise the rate.
_BINARY: Final = (
    "Add_Sub", "Sub_Add", "Mul_Add", "Mul_FloorDiv", "FloorDiv_Mul", "FloorDiv_Mod", "Mod_FloorDiv", "Mod_Mul",
    "Pow_Mul", "BitAnd_BitOr", "BitOr_BitAnd", "BitXor_BitOr", "LShift_RShift", "RShift_LShift",
)  # fmt: skip
# Of the comparisons the boundary, the opposite and the one that is true too often or too rarely: the other two fail
# wherever these do.
_COMPARISONS: Final = (
    "Eq_NotEq", "Eq_LtE", "Eq_GtE", "NotEq_Eq", "NotEq_Lt", "NotEq_Gt", "Lt_LtE", "Lt_GtE", "Lt_NotEq", "LtE_Lt",
    "LtE_Gt", "LtE_Eq", "Gt_GtE", "Gt_LtE", "Gt_NotEq", "GtE_Gt", "GtE_Lt", "GtE_Eq",
)  # fmt: skip
COSMIC_RAY: Final = (
    *(f"ReplaceBinaryOperator_{name}" for name in _BINARY),
    *(f"ReplaceComparisonOperator_{name}" for name in _COMPARISONS),
    "ReplaceUnaryOperator_Delete_USub",
    "ReplaceUnaryOperator_Delete_Not",
    "ReplaceUnaryOperator_Delete_Invert",
    "AddNot",
    "ReplaceTrueWithFalse",
    "ReplaceFalseWithTrue",
    "ReplaceAndWithOr",
    "ReplaceOrWithAnd",
    "NumberReplacer",
    "ZeroIterationForLoop",
)


@dataclass(frozen=True)
class Mutant:
    """One mistake in one module."""

    module: str  # file name below trading_platform/core
    function: str  # empty: at the level of the module
    line: int
    operator: str
    before: str  # the lines that are changed, without indentation
    after: str
    source: str  # of the whole module

    @property
    def key(self) -> str:
        """Name the mutant by what it is, so that a later run knows it again."""
        return hashlib.sha256(f"{self.module}\0{self.source}".encode()).hexdigest()[:16]

    def __str__(self) -> str:
        where = f"{self.module}:{self.line}" + (f" {self.function}" if self.function else "")
        return f"{where}: `{self.before}` -> `{self.after or '(nothing)'}`"


def list_mutants(path: Path) -> list[Mutant]:
    """Return the mutants of a module in the order of its lines, each different text once."""
    source = path.read_text(encoding="utf-8")
    found: dict[str, Mutant] = {}
    for name, operator in _operators(source):
        for occurrence, (node, line) in enumerate(_places(source, operator)):
            if _is_skipped(node, name):
                continue
            mutated = mutate_code(source, operator, occurrence)
            if mutated is None:
                raise RuntimeError(
                    f"{path.name}:{line}: {name} must change its place {occurrence}, changed nothing"
                )
            compile(mutated, str(path), "exec")
            before, after = _changed(source, mutated)
            found.setdefault(
                mutated, Mutant(path.name, function_of(node), line, name, before, after, mutated)
            )
    return sorted(found.values(), key=lambda mutant: mutant.line)


def _operators(source: str) -> Iterator[tuple[str, MutationOperator]]:
    provided = OperatorProvider()
    for name in COSMIC_RAY:
        yield name, provided[name]()
    own: tuple[MutationOperator, ...] = (
        RemoveStatement(),
        SwapAugmentedAssignment(),
        RemoveOperand(),
        SwapField(),
        SwapFunction(),
        SwapConstant(source),
        SwapMember(source),
        RemoveEntry(),
    )
    for operator in own:
        yield type(operator).__name__, operator


def _places(source: str, operator: MutationOperator) -> Iterator[tuple[Any, int]]:
    """Yield the node and the line of each mutation, in the order in which cosmic-ray counts them."""
    for node in ast_nodes(get_ast(source)):
        for (line, _column), _end in operator.mutation_positions(node):
            yield node, line


def _is_skipped(node: Any, operator: str) -> bool:
    """Tell whether a mutation says nothing: in a type, or -1 for the 0 of the only session (it has one record)."""
    if operator == "NumberReplacer" and node.parent.get_code(include_prefix=False) == "[0]":
        before = node.parent.get_previous_sibling()
        if before is not None and before.get_code() == ".session":
            return True
    while node.parent is not None:
        parent = node.parent
        if parent.type == "annassign" and parent.children[1] is node:
            return True
        if parent.type == "tfpdef" and parent.children[-1] is node:
            return True
        if parent.type == "funcdef" and parent.annotation is node:
            return True
        node = parent
    return False


def _changed(source: str, mutated: str) -> tuple[str, str]:
    """Return the lines that differ, before and after."""
    before: list[str] = []
    after: list[str] = []
    for line in difflib.ndiff(source.splitlines(), mutated.splitlines()):
        if line.startswith("- "):
            before.append(line[2:].split("  #")[0].strip())
        elif line.startswith("+ "):
            after.append(line[2:].split("  #")[0].strip())
    return " ".join(before), " ".join(after)
