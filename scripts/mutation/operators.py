"""Ways to spoil a line of the core that cosmic-ray does not have: its tables, records and statements.

Each class has the shape of a cosmic-ray operator: ``mutation_positions`` yields the places of a node that it can
change, ``mutate`` makes the change of one of them. Nodes are those of parso.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final, Protocol

import parso
from parso.python.tree import Keyword, Name, Operator, String

Position = tuple[tuple[int, int], tuple[int, int]]


class MutationOperator(Protocol):
    """What cosmic-ray wants of an operator."""

    def mutation_positions(self, node: Any) -> Iterator[Position]:
        """Yield the place of each mutation of this node."""

    def mutate(self, node: Any, index: int, /) -> Any:
        """Return the node that replaces ``node`` in mutation number ``index``."""


def function_of(node: Any) -> str:
    """Return the name of the function around a node, or an empty string at the level of the module."""
    while node is not None:
        if node.type == "funcdef":
            return str(node.name.value)
        node = node.parent
    return ""


def _place(node: Any) -> Position:
    return node.start_pos, node.end_pos


def _renamed(leaf: Any, value: str) -> Any:
    return type(leaf)(value, leaf.start_pos, prefix=leaf.prefix)


class RemoveStatement:
    """Leave out a statement that changes a record or calls something for its effect."""

    def mutation_positions(self, node: Any) -> Iterator[Position]:
        """Yield the statement, unless it only names a value: without the name nothing would run."""
        if node.type == "simple_stmt" and function_of(node):
            statement = node.children[0]
            if statement.type == "expr_stmt":
                names = statement.children[1].type == "annassign" or (
                    statement.children[0].type in ("name", "testlist_star_expr")
                    and statement.children[1].value == "="
                )
                if not names:
                    yield _place(statement)
            elif statement.type == "atom_expr":
                yield _place(statement)

    def mutate(self, node: Any, _index: int) -> Any:
        """Write `pass` in its place."""
        first = node.get_first_leaf()
        node.children[0] = Keyword("pass", first.start_pos, prefix=first.prefix)
        return node


class SwapAugmentedAssignment:
    """Count the other way, or set where it should be added."""

    INSTEAD: Final = {"+=": ("-=", "="), "-=": ("+=", "="), "|=": ("&=", "="), "&=": ("|=", "=")}

    def mutation_positions(self, node: Any) -> Iterator[Position]:
        """Yield the operator once for each that can stand in its place."""
        if isinstance(node, Operator):
            for _ in self.INSTEAD.get(node.value, ()):
                yield _place(node)

    def mutate(self, node: Any, index: int) -> Any:
        """Write the other operator."""
        return _renamed(node, self.INSTEAD[node.value][index])


class RemoveOperand:
    """Leave out one condition of `a and b` or `a or b`."""

    def mutation_positions(self, node: Any) -> Iterator[Position]:
        """Yield each condition."""
        if node.type in ("and_test", "or_test"):
            for operand in node.children[::2]:
                yield _place(operand)

    def mutate(self, node: Any, index: int) -> Any:
        """Take the condition out, and the `and` or `or` beside it."""
        at = 2 * index
        first = node.get_first_leaf().prefix
        del node.children[at - 1 if at else 0 : at + 1 if at else 2]
        node.get_first_leaf().prefix = first
        return node


class SwapField:
    """Read or write the field of the other side."""

    PAIRS: Final = (("buy", "sell"), ("bid", "ask"), ("maker", "taker"), ("prev", "next"), ("head", "tail"))

    def mutation_positions(self, node: Any) -> Iterator[Position]:
        """Yield a string that is a subscript and names a side."""
        if (
            isinstance(node, String)
            and node.parent.type == "trailer"
            and self._other(node.value) != node.value
        ):
            yield _place(node)

    def mutate(self, node: Any, _index: int) -> Any:
        """Write the name of the other field."""
        return _renamed(node, self._other(node.value))

    def _other(self, text: str) -> str:
        for pair in self.PAIRS:
            for one, other in (pair, pair[::-1]):
                if re.search(rf"(?<![a-z]){one}(?![a-z])", text):
                    return re.sub(rf"(?<![a-z]){one}(?![a-z])", other, text)
        return text


class SwapFunction:
    """Take the smaller for the larger, and a number with its sign for the absolute one."""

    INSTEAD: Final = {"max": "min", "min": "max", "abs": "int"}

    def mutation_positions(self, node: Any) -> Iterator[Position]:
        """Yield the name of the function that is called."""
        if isinstance(node, Name) and node.value in self.INSTEAD and node.parent.type == "atom_expr":
            yield _place(node)

    def mutate(self, node: Any, _index: int) -> Any:
        """Write the other name."""
        return _renamed(node, self.INSTEAD[node.value])


class SwapConstant:
    """Use another constant of the module: ``_B`` for ``_A``, where both are `int(Enum.MEMBER)`."""

    _DEFINITION: Final = re.compile(r"^(_[A-Z][A-Z_0-9]*): Final = int\(", re.MULTILINE)

    def __init__(self, source: str) -> None:
        """Know the constants of a module by its source."""
        self._names = self._DEFINITION.findall(source)

    def mutation_positions(self, node: Any) -> Iterator[Position]:
        """Yield a use of one of them in a function."""
        if (
            isinstance(node, Name)
            and node.value in self._names
            and len(self._names) > 1
            and function_of(node)
        ):
            yield _place(node)

    def mutate(self, node: Any, _index: int) -> Any:
        """Write the one that is defined after it."""
        return _renamed(node, following(self._names, node.value))


class SwapMember:
    """Put another member of the same enum into a table."""

    def __init__(self, source: str) -> None:
        """Know the members of each enum that a module names, in the order of the text."""
        self._members: dict[str, list[str]] = {}
        for enum, member in re.findall(r"\b([A-Z]\w*)\.([A-Z][A-Z_]*)\b", source):
            members = self._members.setdefault(enum, [])
            if member not in members:
                members.append(member)

    def mutation_positions(self, node: Any) -> Iterator[Position]:
        """Yield a member at the level of the module that is no key of a table and not only given a name."""
        if (
            node.type == "atom_expr"
            and not function_of(node)
            and len(self._members.get(node.children[0].value if node.children[0].type == "name" else "", ()))
            > 1
            and node.children[1].children[0].value == "."
            and not _is_key(node)
            and not _is_named(node)
        ):
            yield _place(node)

    def mutate(self, node: Any, _index: int) -> Any:
        """Write the member that the module names next."""
        member = node.children[1].children[1]
        node.children[1].children[1] = _renamed(
            member, following(self._members[node.children[0].value], member.value)
        )
        return node


class RemoveEntry:
    """Leave out one entry of a table, or one of its rows."""

    def mutation_positions(self, node: Any) -> Iterator[Position]:
        """Yield each `key: value` of a dict at the level of the module."""
        if node.type == "dictorsetmaker" and not function_of(node):
            entries = list(node.children)  # cosmic-ray goes on to ask after the change
            for key, colon, value in zip(entries[::4], entries[1::4], entries[2::4], strict=False):
                if colon.value == ":":
                    yield key.start_pos, value.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Take key, colon, value and the comma after them out."""
        del node.children[4 * index : 4 * index + 4]
        return node if node.children else parso.parse("")


def following(names: Sequence[str], name: str) -> str:
    """Return the name after this one, the first after the last."""
    return names[(names.index(name) + 1) % len(names)]


def _is_key(node: Any) -> bool:
    after = node.get_next_sibling()
    return (
        node.parent.type == "dictorsetmaker"
        and after is not None
        and after.type == "operator"
        and after.value == ":"
    )


def _is_named(node: Any) -> bool:
    """Tell whether the member is the whole of ``_P_NEW: Final = int(Pending.NEW)``: a name of its own name."""
    while node is not None and node.type != "expr_stmt":
        node = node.parent
    text = "" if node is None else node.get_code(include_prefix=False)
    found = re.fullmatch(r"(\w+): Final = int\(\w+\.(\w+)\)", text)
    return bool(found and found[1].endswith(found[2]))
