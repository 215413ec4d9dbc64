"""What numba says when a strategy does not compile, in plain words: where, what, and what to write instead.

numba's own text tells the steps of the compiler, each with all it tried; the reason is one line of it. A table finds
that line and what usually helps; what the table does not know is told in numba's words, without the steps.
"""

import ast
import builtins
import difflib
import linecache
import re
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numba
from numba.core.errors import NumbaError

from .._jit.sources import own_files
from ..core.state import FIELDS
from . import compiled

MIXED_RETURN: Final = "mixed-return"
UNKNOWN: Final = "does-not-compile"
_NUMBA: Final = Path(numba.__file__).resolve().parent
_COLORS: Final = re.compile(r"\x1b\[\d*m")
_RECORD: Final = re.compile(r"(?:unaligned )?Record\([^()]*(?:\([^()]*\)[^()]*)*;(?:True|False)\)")
_PLACE: Final = re.compile(r'(?:at |from |File "?)([^\s"()]+\.py)"?(?:, line | \()(\d+)')
_NOISE: Final = ("Failed in nopython", "During: ", "File ", "Enable logging at debug level")


@dataclass(frozen=True)
class CompileProblem:
    """Why a strategy does not compile. ``line`` is 0 where only the file is known."""

    code: str
    file: Path
    line: int
    text: str
    cure: str


@dataclass(frozen=True)
class Rule:
    """One reason: ``pattern`` is searched in numba's text; ``text`` and ``cure`` may use its groups as {name}.

    ``locate`` finds the line in the strategy's source where numba names none, from the match.
    """

    code: str
    pattern: str
    text: str
    cure: str
    locate: Callable[[ast.AST, re.Match[str]], int] | None = None


def compile_error_in(error: BaseException) -> BaseException | None:
    """Return the compiler's exception among an exception and its causes, or None if there is none."""
    seen: BaseException | None = error
    while seen is not None and not _is_compile_error(seen):
        seen = seen.__cause__
    return seen


def _is_compile_error(error: BaseException) -> bool:
    """Tell whether an exception comes out of the compiler; numba lets some of its own slips through as they are."""
    return isinstance(error, NumbaError) or any(_NUMBA in file.parents for file in _files_of(error))


def _files_of(error: BaseException) -> list[Path]:
    """Return the source files an exception passed through, the innermost last."""
    return [Path(frame.f_code.co_filename) for frame, _ in traceback.walk_tb(error.__traceback__)]


def rule_for(error: BaseException) -> Rule | None:
    """Return the rule that explains an exception of the compiler, None if there is none."""
    found = _match(_said(error))
    return found[0] if found is not None else None


def find_compile_problem(error: BaseException, path: Path) -> CompileProblem | None:
    """Return why the strategy in the file ``path`` does not compile, or None if ``error`` is another kind of error."""
    seen = compile_error_in(error)
    if seen is None:
        return None
    said, sources = _said(seen), _sources(path)
    found = _match(said)
    if found is None:
        file, line = _locate(said, sources, path, None, None)
        text = f"the compiler cannot take this: {_essence(said)}"
        cure = "write it with numbers, loops and records; numba's documentation lists the Python that it compiles"
        return CompileProblem(UNKNOWN, file, line, text, cure)
    rule, match = found
    file, line = _locate(said, sources, path, rule, match)
    words = {name: _plain_types(value or "") for name, value in match.groupdict().items()}
    words |= _near(words)
    return CompileProblem(rule.code, file, line, rule.text.format(**words), rule.cure.format(**words))


def _match(said: str) -> tuple[Rule, re.Match[str]] | None:
    matches = ((rule, re.search(rule.pattern, said, re.DOTALL)) for rule in RULES)
    return next(((rule, match) for rule, match in matches if match is not None), None)


def explain_compile_error(error: BaseException, path: Path) -> str:
    """Return the message for a strategy in the file ``path``: place, reason, the line of source, and the cure."""
    problem = find_compile_problem(error, path)
    if problem is None:
        return f"{path}: {type(error).__name__}: {error}"
    place = f"{problem.file}:{problem.line}" if problem.line else str(problem.file)
    lines = [f"{place}: {problem.text}"]
    source = linecache.getline(str(problem.file), problem.line).strip()
    if source:
        lines.append(f"    {source}")
    return "\n".join([*lines, f"cure: {problem.cure}"])


# --- the place


def _sources(path: Path) -> dict[Path, ast.AST]:
    """Return the sources of a strategy, parsed."""
    return {file: ast.parse(file.read_bytes()) for file in own_files(path) if file.is_file()}


def _locate(
    said: str, sources: dict[Path, ast.AST], path: Path, rule: Rule | None, match: re.Match[str] | None
) -> tuple[Path, int]:
    """Return file and line: the innermost place numba names, the rule's own search, or the strategy's file."""
    places = [
        (file, int(line))
        for name, line in _PLACE.findall(said)
        if (file := Path(name).resolve()) in sources and _inside_function(sources[file], int(line))
    ]
    if places and rule is not None and rule.code == MIXED_RETURN:
        return min(places)  # numba names the returns in the order of a set
    if places:
        return places[0]
    if rule is not None and rule.locate is not None and match is not None:
        for file, tree in sources.items():
            line = rule.locate(tree, match)
            if line:
                return file, line
    return path.resolve(), 0


def _inside_function(tree: ast.AST, line: int) -> bool:
    """Tell whether a line belongs to a function: the generated entry borrows the first lines of the file."""
    return any(
        isinstance(node, ast.FunctionDef) and node.lineno <= line <= (node.end_lineno or 0)
        for node in ast.walk(tree)
    )


def _line_of_name(tree: ast.AST, match: re.Match[str]) -> int:
    """Return the first line in a function that uses a name as variable, attribute or key; 0 if none does."""
    return next(_uses(tree, match["name"]), 0)


def _line_of_walrus(tree: ast.AST, _match: re.Match[str]) -> int:
    return min((node.lineno for node in ast.walk(tree) if isinstance(node, ast.NamedExpr)), default=0)


def _line_of_with(tree: ast.AST, _match: re.Match[str]) -> int:
    return min((node.lineno for node in ast.walk(tree) if isinstance(node, ast.With)), default=0)


def _uses(tree: ast.AST, name: str) -> Iterator[int]:
    for function in _functions(tree):
        for node in ast.walk(function):
            match node:
                case ast.Name(id=used) | ast.Attribute(attr=used) | ast.Constant(value=str(used)):
                    if used == name:
                        yield node.lineno


def _functions(tree: ast.AST) -> list[ast.FunctionDef]:
    """Return the functions of a module, the strategies first."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return sorted(functions, key=lambda function: "compiled_strategy" not in _decorators(function))


def _decorators(function: ast.FunctionDef) -> str:
    return " ".join(ast.unparse(decorator) for decorator in function.decorator_list)


# --- the words


def _said(error: BaseException) -> str:
    """Return type and text of an exception and the file that raised it, without colours and long types."""
    inside = _files_of(error)[-1].name if error.__traceback__ is not None else ""
    said = _COLORS.sub("", f"{type(error).__name__}: {error} [{inside}]")
    return _RECORD.sub("record", said).replace("unaligned array", "array")


def _essence(said: str) -> str:
    """Return numba's reason without the steps of its compiler."""
    lines = []
    for line in said.splitlines():
        if line.startswith(_NOISE[1:]):
            break
        if line.strip() and _NOISE[0] not in line:
            lines.append(line.strip())
    return " ".join(lines)[:300]


def _near(words: dict[str, str]) -> dict[str, str]:
    """Return what completes a rule's texts: ``hint``, a name that resembles the wrong one; ``known``, what there is."""
    if "fields" in words:
        known = re.findall(r"'(\w+)'", words["fields"])
    elif "state" in words:
        known = list(FIELDS)
    elif "record" in words:
        known = sorted({name for dtype in FIELDS.values() for name in dtype.names or ()})
    else:
        known = dir(builtins) + list(compiled.__all__)
    near = difflib.get_close_matches(words.get("name", ""), known, 1, 0.6)
    return {"hint": f"did you mean {near[0]}? " if near else "", "known": ", ".join(known)}


def _plain_types(text: str) -> str:
    """Return numba's names of types as a reader knows them."""
    for pattern, word in _TYPE_WORDS:
        text = re.sub(pattern, word, text)
    return text


_KEEP: Final = (
    'keep numbers between calls in the memory record: class Memory with annotations, memory["name"] = 1'
)
_ARRAY: Final = "use an array of fixed length, np.zeros(16, np.int64), or fields of the memory record"
_TYPE_WORDS: Final = (
    (r"Literal\[int\]\((-?\d+)\)", r"the int \1"),
    (r"Literal\[str\]\(([^)]*)\)", r"the text '\1'"),
    (r"Literal\[bool\]\((\w+)\)", r"the bool \1"),
    (r"\bunicode_type\b", "text"),
    (r"\bu?int\d+\b", "int"),
    (r"\bfloat\d+\b", "float"),
    (r"\bnone\b", "None"),
    (r"trading_platform(?:\.core\.state)?\.State", "State"),
    (r"<iv=[^>]*>", ""),
    (r"type\(CPUDispatcher\(<function [^<]*(?:<[^<]*)*? at 0x\w+>\)\)", "a compiled function"),
    (r"array\(([^,]+), \d+d, \w+\)", r"array of \1"),
)
_TYPED: Final = r"(?:Literal\[str\]\([^)]*\)|unicode_type)"

# The order matters: the first pattern that is found tells; what is special stands before what is general.
RULES: Final[tuple[Rule, ...]] = (
    Rule(
        "float-argument",
        r"(?P<name>\w+) of (?P<function>\w+) must be an integer, was float\d+",
        "{name} of {function} is a float: prices and quantities are whole ticks and lots",
        "round it as you mean it: int(np.floor(x)) for a buy, int(np.ceil(x)) for a sell, or use // instead of /",
    ),
    Rule(
        "unknown-field",
        r"Field '(?P<name>\w+)' was not found in record with fields \((?P<fields>[^)]*)\)",
        "the record has no field {name!r}",
        "{hint}its fields are {known}; a parameter has its unit at the end of its name (Qty: _lots, PriceDistance: "
        "_ticks, Seconds: _ns)",
        _line_of_name,
    ),
    Rule(
        "unknown-field",
        r"KeyError: '(?P<name>\w+)' \[npytypes\.py\](?P<record>)",
        "a record has no field {name!r}",
        '{hint}fields are read and written by name, book["bid_ticks"]; records have no methods',
        _line_of_name,
    ),
    Rule(
        "unknown-state-array",
        r"Unknown attribute '(?P<name>\w+)' of type trading_platform\.(?P<state>State)",
        "state has no {name!r}",
        "{hint}state has the arrays {known}",
    ),
    Rule(
        "state-is-fixed",
        r"Cannot resolve setattr: \(trading_platform\.State\)\.(?P<name>\w+)",
        "state.{name} cannot be set: the strategy must not write into the state",
        f"{_KEEP}; ask for orders with quote, new_order, replace, cancel",
    ),
    Rule(
        "state-is-fixed",
        r"No definition for lowering trading_platform\.State\.(?P<name>\w+) =",
        "state.{name} cannot be replaced: the strategy must not write into the state",
        f"{_KEEP}; ask for orders with quote, new_order, replace, cancel",
        _line_of_name,
    ),
    Rule(
        "undefined-name",
        r"NameError: (?:global )?name '(?P<name>\w+)' is not defined",
        "there is no name {name!r} in this module",
        "{hint}define it or import it at the top of the module, above the strategy",
        _line_of_name,
    ),
    Rule(
        "plain-function",
        r"Untyped global name '(?P<name>\w+)': Cannot determine Numba type of <class 'function'>",
        "{name} is a plain Python function: compiled code calls compiled functions only",
        "put @kernel above `def {name}` (from trading_platform.strategies.compiled import kernel)",
    ),
    Rule(
        "class",
        r"Untyped global name '(?P<name>\w+)': Cannot determine Numba type of <class '(?:type|[\w.]*Meta(?:class)?)'>",
        "{name} is a class: compiled code makes no objects",
        f"use numbers; {_KEEP}",
    ),
    Rule(
        "dict",
        r"Untyped global name '(?P<name>\w+)': Cannot determine Numba type of <class 'dict'>",
        "{name} is a dict: compiled code reads numbers, tuples of numbers and arrays of the module",
        "use one constant a name, or a tuple that is read by number",
    ),
    Rule(
        "global-object",
        r"Untyped global name '(?P<name>\w+)': Cannot determine Numba type of <class '(?P<kind>[\w.]+)'>",
        "{name} is a {kind}: compiled code reads numbers, tuples of numbers and arrays of the module",
        "make it an int or a float; what belongs into the config is a field of the params model",
    ),
    Rule(
        "set",
        r"The use of a reflected set\(\w+\) type, assigned to variable '(?P<name>\w+)'",
        "{name} is a set: compiled code cannot read sets of the module",
        "use a tuple: `x in (1, 2)` works, or compare with each number",
    ),
    Rule(
        "mixed-types",
        r"KeyError: '(?P<name>\w+)' \[lowering\.py\]",
        "the compiler cannot tell the type of {name}",
        "sets and lists hold one type; use a tuple or numbers",
        _line_of_name,
    ),
    Rule(
        "enum",
        r"Enum<int64>\((?P<name>\w+)\)",
        "a member of the enum {name} is no number in compiled code",
        "make it a number at the top of the module, as in `TOUCH = int(Wake.TOUCH)`, and use that",
    ),
    Rule(
        "list",
        r"Cannot infer the type of variable '(?P<name>[\w.]+)'[^\n]*have imprecise type: list\(undefined\)",
        "the compiler cannot tell what the empty list {name} will hold",
        _ARRAY,
    ),
    Rule(
        "dict",
        r"Cannot infer the type of variable '(?P<name>[\w.]+)'[^\n]*have imprecise type: DictType",
        "the compiler cannot tell what the empty dict {name} will hold",
        _ARRAY,
    ),
    Rule(
        "list",
        r">>> \w+\([^\n]*reflected list\(",
        "a list of the module is used here: compiled code takes it for numbers only in loops and by index",
        "make it a tuple, or an array: np.array([1, 2], np.int64)",
    ),
    Rule(
        "format",
        r"format spec in f-strings not supported",
        "f-strings with a format (`:>5`) cannot be compiled",
        "strategies write no text: events.bin has every decision, and the tag of an intent names its reason",
    ),
    Rule(
        "format",
        rf"(?:Unknown attribute 'format' of type {_TYPED}|>>> mod\({_TYPED})",
        "text cannot be formatted in compiled code",
        "strategies write no text: events.bin has every decision, and the tag of an intent names its reason",
    ),
    Rule(
        "print",
        r"print\(\) function implementation does not support keyword arguments",
        "print takes no keyword arguments (sep, end, file) in compiled code",
        "print(a, b) with numbers works; `trading-platform run --debug` runs the strategy as plain Python",
    ),
    Rule(
        "try",
        r"Exception object cannot be stored into variable \((?P<name>\w+)\)",
        "`except ... as {name}` cannot be compiled",
        "test for what can go wrong before it does: `if qty_lots == 0: return`",
    ),
    Rule(
        "try",
        r"Exception matching is limited to",
        "`except` with a kind of exception cannot be compiled",
        "test for what can go wrong before it does: `if qty_lots == 0: return`",
    ),
    Rule(
        "with",
        r"'with \(context manager\)|Unsupported context manager|with-context",
        "`with` cannot be compiled: a strategy opens nothing",
        "read what it needs from params and state",
        _line_of_with,
    ),
    Rule(
        "import",
        r"unsupported opcode \(IMPORT_NAME\)",
        "`import` inside of compiled code",
        "import at the top of the module; only math and parts of numpy can be called from compiled code",
    ),
    Rule(
        "global-write",
        r"unsupported opcode \((?:STORE|DELETE)_GLOBAL\)",
        "a variable of the module is written here: in compiled code they are constants",
        _KEEP,
    ),
    Rule(
        "keyword-arguments",
        r"unsupported opcode \(DICT_MERGE\)",
        "`**` in a call cannot be compiled",
        "write the arguments one by one",
    ),
    Rule(
        "statement",
        r"unsupported opcode \((?P<name>\w+)\)",
        "this statement cannot be compiled (Python's {name})",
        "use assignments, if, for, while and calls",
    ),
    Rule(
        "overflow",
        r"Int value is too large: (?P<name>\d+)",
        "the number {name} is larger than 64 bits can hold",
        "use smaller units, or a float: 1e20",
    ),
    Rule(
        "global-write",
        r">>> setitem\(readonly array",
        "an array of the module is written here: in compiled code it is a constant",
        _KEEP,
    ),
    Rule(
        "arguments",
        r"Cannot bind 'args=.*?' to signature '\((?P<parameters>.*?)\)(?: -> [^']*)?' "
        r"due to \"TypeError: (?P<reason>[^\"]*)\"",
        "the call does not fit the function: {reason}",
        "its parameters are {parameters}",
    ),
    Rule(
        "arguments",
        r"\*args in function call should be a tuple",
        "`*` in a call takes a tuple in compiled code, not a list",
        "write the arguments one by one",
    ),
    Rule(
        "recursion",
        r"runaway recursion|type-inferred recursive|recursion",
        "a function calls itself without an end that the compiler can see",
        "use a loop",
    ),
    Rule(
        "mixed-types",
        r"Cannot unify (?P<one>[^\n]+?) and (?P<other>[^\n]+?) for '(?P<name>\w+)[.\d]*'",
        "{name} is {one} on one way and {other} on another: a variable has one type",
        "give it the same type everywhere, or use two names; int and float mix, text and None do not",
    ),
    Rule(
        MIXED_RETURN,
        r"Can't unify return type from the following types: (?P<kinds>[^\n]+)",
        "the function returns different types: {kinds}",
        "return the same type everywhere; a strategy itself returns nothing",
    ),
    Rule(
        "none",
        r">>> (?P<name>\w+)\((?:none\b|[^\n]*, none\b)",
        "None is used like a number ({name})",
        "quote, new_order, replace and cancel return nothing; use 0 or -1 for `none yet` instead of None",
    ),
    Rule(
        "field-by-variable",
        r">>> getitem\(record, unicode_type\)",
        "the name of a field must stand here as text: compiled code cannot look fields up by a variable",
        'write each field out: book["bid_ticks"], book["ask_ticks"]',
    ),
    Rule(
        "field-type",
        rf">>> setitem\(record, [^\n]*{_TYPED}\)",
        "text is written into a field of numbers",
        "write a number",
    ),
    Rule(
        "row-write",
        r">>> setitem\(array\(record",
        "a whole row of an array of records is written here",
        "the state belongs to the core: write single fields of the memory record only",
    ),
    Rule(
        "delete",
        r">>> delitem\(",
        "`del` of a field or an entry cannot be compiled",
        "write 0 into it",
    ),
    Rule(
        "text",
        rf">>> (?P<name>\w+)\([^\n]*{_TYPED}",
        "text is used like a number ({name})",
        "use numbers: names of things are small integers in compiled code",
    ),
    Rule(
        "float-index",
        r">>> getitem\(array\([^\n]*, (?:float64|Literal\[float\]\([^)]*\))\)",
        "an array is read at a float",
        "whole numbers only: divide with // instead of /, or int(x)",
    ),
    Rule(
        "index",
        r">>> getitem\(array\(record[^\n]*, Tuple\(",
        "an array of records has one index: the row",
        'read state.orders[row]["price_ticks"], or state.orders["price_ticks"][row]',
    ),
    Rule(
        "numpy",
        r"Use of unsupported NumPy function '(?P<name>[\w.]+)'",
        "{name} cannot be compiled",
        "write the loop: compiled loops are as fast as numpy; numba's documentation lists the functions it has",
    ),
    Rule(
        "numpy",
        r"AttributeError: module '(?P<module>[\w.]+)' has no attribute '(?P<name>\w+)'",
        "{module} has no {name}",
        "look for its name in the documentation of {module}",
        _line_of_name,
    ),
    Rule(
        "library",
        r"Unknown attribute '(?P<name>\w+)' of type Module\(<module '(?P<module>[\w.]+)'",
        "{module}.{name} cannot be compiled",
        "math and numpy have parts that can (math.sqrt, math.log, np.abs); else write the loop",
    ),
    Rule(
        "method",
        r"Unknown attribute '(?P<name>\w+)' of type (?P<kind>[^\n]+)",
        ".{name} does not exist in compiled code (of {kind})",
        "arrays are read by index in loops; records by the name of a field",
    ),
    Rule(
        "generator",
        r"yield in a closure|The use of yield",
        "a generator expression cannot be compiled",
        "write the for loop",
    ),
    Rule(
        "isinstance",
        r">>> isinstance\(",
        "isinstance cannot be compiled for these types: a variable has one type, known beforehand",
        "leave it out",
    ),
    Rule(
        "walrus",
        r"Type of variable '\$\w+\.\d+' cannot be determined, operation: unknown operation",
        "the compiler loses track of an expression (`:=` does that)",
        "assign on a line of its own",
        _line_of_walrus,
    ),
    Rule(
        "not-a-function",
        r"Invalid use of (?P<name>[^\n]+?) with parameters",
        "what is called here is no function: {name}",
        "check the name before the parenthesis",
    ),
    Rule(
        "function",
        r"No implementation of function Function\(<(?:built-in )?(?:function|class) '?(?P<name>[\w.]+)'?[^\n]*\n\s*"
        r">>> (?P<call>[^\n]+)",
        "{name} cannot be compiled for these arguments: {call}",
        "check the types and the number of the arguments; keyword arguments of numpy are often missing in numba",
    ),
)
