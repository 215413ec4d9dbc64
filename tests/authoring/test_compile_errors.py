"""Each reason in the table is told for a strategy that really does not compile, with the line and a cure."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from trading_platform._jit import COMPILED
from trading_platform.model.errors import StrategyError
from trading_platform.strategies.compile_errors import (
    RULES,
    UNKNOWN,
    CompileProblem,
    Rule,
    explain_compile_error,
    find_compile_problem,
    rule_for,
)
from trading_platform.strategies.registry import load_strategy

from .writing import file_of, marked_line, write_compiled

pytestmark = pytest.mark.skipif(not COMPILED, reason="NUMBA_DISABLE_JIT: nothing is compiled")


@dataclass(frozen=True)
class Case:
    """A body that does not compile, and words that its problem must have."""

    body: str
    code: str
    words: tuple[str, ...]


CASES: Final = {
    "field": Case('x = book["bid_tick"]  # here', "unknown-field", ("'bid_tick'", "did you mean bid_ticks?")),
    "parameter": Case('x = params["order_qty"]  # here', "unknown-field", ("mean order_qty_lots?", "Qty: _lots")),
    "memory": Case('memory["coutn"] += 1  # here', "unknown-field", ("did you mean count?",)),
    "written field": Case('memory["total"] = 1  # here', "unknown-field", ("'total'",)),
    "attribute": Case("x = book.bid_tick  # here", "unknown-field", ("did you mean bid_ticks?",)),
    "state": Case("x = state.position[0]  # here", "unknown-state-array", ("did you mean positions?",)),
    "state set": Case("state.wish = 3  # here", "state-is-fixed", ("state.wish", "memory")),
    "state replaced": Case("state.books = state.books  # here", "state-is-fixed", ("state.books",)),
    "name": Case("quot(state, 0, 1, 0, 1, 1)  # here", "undefined-name", ("'quot'", "did you mean quote?")),
    "plain function": Case("x = plain(3)  # here", "plain-function", ("plain is a plain Python", "@kernel")),
    "class": Case("x = Helper()  # here", "class", ("Helper is a class",)),
    "dict of the module": Case('x = MODES["calm"]  # here', "dict", ("MODES is a dict",)),
    "object of the module": Case("x = HELPER.value  # here", "global-object", ("HELPER is a", "Helper")),
    "set of the module": Case("x = 1 in CODES  # here", "set", ("CODES is a set", "tuple")),
    "set of two types": Case('x = {1, "a"}  # here', "mixed-types", ("type of x",)),
    "enum": Case('x = state.session[0]["wake_reason"] & Wake.TOUCH  # here', "enum", ("int(Wake.TOUCH)",)),
    "empty list": Case('x = []  # here\nmemory["count"] = len(x)', "list", ("empty list x",)),
    "empty dict": Case('x = {}  # here\nmemory["count"] = len(x)', "dict", ("empty dict x",)),
    "list of the module": Case("x = PRICES + 1  # here", "list", ("np.array",)),
    "f-string": Case("x = f\"{book['bid_ticks']:>5}\"  # here", "format", ("f-strings",)),
    "format": Case('x = "{}".format(1)  # here', "format", ("text cannot be formatted",)),
    "percent": Case('x = "%d" % 3  # here', "format", ("text cannot be formatted",)),
    "print": Case('print(1, sep=",")  # here', "print", ("sep, end, file",)),
    "except as": Case("try:\n    x = 1\nexcept ValueError as error:  # here\n    x = 2", "try", ("as error",)),
    "except kind": Case("try:\n    x = 1\nexcept ValueError:  # here\n    x = 2", "try", ("kind of exception",)),
    "with": Case('with open("x") as file:  # here\n    pass', "with", ("`with`",)),
    "import": Case("import datetime  # here", "import", ("top of the module",)),
    "global": Case("global CALLS\nCALLS += 1  # here", "global-write", ("constants", "memory")),
    "array of the module": Case("WEIGHTS[0] = 2  # here", "global-write", ("array of the module",)),
    "two stars": Case('added(**{"x": 1, "y": 2})  # here', "keyword-arguments", ("`**`",)),
    "statement": Case("class Inner:  # here\n    pass", "statement", ("LOAD_BUILD_CLASS",)),
    "large number": Case('memory["big"] = 1 << 70  # here', "overflow", ("1180591620717411303424", "64 bits")),
    "argument missing": Case("x = added(1)  # here", "arguments", ("'y'", "its parameters are x, y")),
    "argument of quote": Case("quote(state, 0, 1)  # here", "arguments", ("'level'", "price_ticks: int")),
    "star": Case("pair = [1, 2]\nadded(*pair)  # here", "arguments", ("not a list",)),
    "recursion": Case('memory["count"] = endless(3)', "recursion", ("calls itself",)),
    "two types": Case(
        'if qty_lots > 0:\n    x = 1\nelse:\n    x = "a"\nmemory["count"] = len(x)  # here',
        "mixed-types",
        ("x is the text 'a'", "the int 1"),
    ),
    "two returns": Case(
        'if qty_lots > 0:\n    return 1  # here\nreturn "a"', "mixed-return", ("the int 1", "the text 'a'")
    ),
    "none": Case("x = quote(state, 0, 1, 0, 1, 1) + 1  # here", "none", ("None", "return nothing")),
    "none as argument": Case('memory["count"] = None  # here', "none", ("None is used",)),
    "field by variable": Case(
        'for name in ("bid_ticks", "ask_ticks"):\n    x = book[name]  # here', "field-by-variable", ("as text",)
    ),
    "text in a field": Case('memory["count"] = "a"  # here', "field-type", ("field of numbers",)),
    "row": Case("state.orders[0] = 1  # here", "row-write", ("whole row",)),
    "delete": Case('del memory["count"]  # here', "delete", ("`del`",)),
    "text": Case('x = "a" + 1  # here', "text", ("text is used like a number",)),
    "float as price": Case(
        'quote(state, 0, 1, 0, book["bid_ticks"] - 0.5, qty_lots)  # here',
        "float-argument",
        ("price_ticks of quote", "np.floor"),
    ),
    "float as named quantity": Case(
        'new_order(state, 0, 1, 0, 1, qty_lots=qty_lots / 2)  # here', "float-argument", ("qty_lots of new_order",)
    ),
    "float as index": Case("x = state.orders[1.0]  # here", "float-index", ("// instead of /",)),
    "two indexes": Case("x = state.orders[0:3, 1]  # here", "index", ("one index",)),
    "numpy": Case('x = np.einsum("i,i", WEIGHTS, WEIGHTS)  # here', "numpy", ("numpy.einsum",)),
    "no such numpy": Case("x = np.percentille(1)  # here", "numpy", ("numpy has no percentille",)),
    "math": Case("x = math.prod((1, 2))  # here", "library", ("math.prod",)),
    "method": Case("x = state.orders.tolist()  # here", "method", (".tolist",)),
    "generator": Case("x = sum(y for y in range(3))  # here", "generator", ("for loop",)),
    "isinstance": Case("x = isinstance(book, dict)  # here", "isinstance", ("isinstance",)),
    "walrus": Case('if (x := book["bid_ticks"]) > 1:  # here\n    memory["count"] = x', "walrus", ("`:=`",)),
    "no function": Case("x = 5\nx(1)  # here", "not-a-function", ("the int 5",)),
    "no implementation": Case("x = np.mean(WEIGHTS, axis=0)  # here", "function", ("mean", "axis")),
}  # fmt: skip


@dataclass(frozen=True)
class Told:
    """What the table makes of one case."""

    folder: Path
    class_path: str
    error: Exception
    rule: Rule | None
    problem: CompileProblem


def compile_error(folder: Path, class_path: str) -> Exception:
    """Return the compiler's error behind what loading a strategy raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            load_strategy(class_path, folder)
        except StrategyError as error:
            if isinstance(error.__cause__, Exception):
                return error.__cause__
    raise AssertionError(
        f"{file_of(folder, class_path).read_text()} compiles: the table needs no rule for it"
    )


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Told]:
    """Return all cases, compiled for real: about a fifth of a second each."""
    folder, found = tmp_path_factory.mktemp("strategies"), {}
    for name, case in CASES.items():
        class_path = write_compiled(folder, case.body)
        error = compile_error(folder, class_path)
        problem = find_compile_problem(error, file_of(folder, class_path))
        assert problem is not None, f"{name}: {error!r} is not taken for a compile error"
        found[name] = Told(folder, class_path, error, rule_for(error), problem)
    return found


@pytest.mark.parametrize("name", CASES)
def test_reason_is_told_in_plain_words_with_its_line(told: dict[str, Told], name: str) -> None:
    one, case = told[name], CASES[name]
    message = f"{one.problem.text} | {one.problem.cure}"

    assert one.problem.code == case.code, message
    assert one.problem.file == file_of(one.folder, one.class_path).resolve()
    if "# here" in case.body:
        assert one.problem.line == marked_line(one.folder, one.class_path), message
    for word in case.words:
        assert word in message
    for word in ("nopython", "pipeline", "numba.core", "CPUDispatcher", "Literal[", "{"):
        assert word not in message


def test_loading_says_what_the_table_says(tmp_path: Path) -> None:
    class_path = write_compiled(tmp_path, 'x = book["bid_tick"]  # here')
    file, line = file_of(tmp_path, class_path).resolve(), marked_line(tmp_path, class_path)
    with pytest.raises(StrategyError, match="did you mean bid_ticks") as caught:
        load_strategy(class_path, tmp_path)

    assert f"{file}:{line}" in str(caught.value)


def test_every_rule_of_the_table_is_reached_by_a_case(told: dict[str, Told]) -> None:
    """A rule that no strategy can reach is dead, or hidden by one that stands before it."""
    reached = [one.rule for one in told.values()]

    assert [rule.pattern for rule in RULES if rule not in reached] == []


def test_what_the_table_does_not_know_is_told_without_the_steps_of_the_compiler(tmp_path: Path) -> None:
    class_path = write_compiled(tmp_path, "x = 1 @ 2")
    problem = find_compile_problem(compile_error(tmp_path, class_path), file_of(tmp_path, class_path))

    assert problem is not None
    assert problem.code in (UNKNOWN, "function")
    assert "nopython" not in problem.text


def test_explanation_has_place_reason_source_and_cure(told: dict[str, Told]) -> None:
    one = told["field"]
    file = file_of(one.folder, one.class_path).resolve()
    text = explain_compile_error(one.error, file).splitlines()

    assert text[0] == f"{file}:{one.problem.line}: {one.problem.text}"
    assert text[1] == '    x = book["bid_tick"]  # here'
    assert text[2] == f"cure: {one.problem.cure}"


def test_compile_error_is_found_behind_an_error_of_ours(told: dict[str, Told]) -> None:
    one = told["field"]
    error = StrategyError("wrapped")
    error.__cause__ = one.error

    assert find_compile_problem(error, file_of(one.folder, one.class_path)) == one.problem


def test_another_error_is_no_compile_problem(tmp_path: Path) -> None:
    assert find_compile_problem(ValueError("no"), tmp_path / "absent.py") is None


def test_error_in_a_helper_module_of_the_user_names_the_helper(tmp_path: Path) -> None:
    helper = tmp_path / "helper_of_the_maker.py"
    helper.write_text(
        "from trading_platform.strategies.compiled import kernel\n\n"
        '@kernel\ndef wrong(state):\n    return state.books[0]["bid_tick"]\n'
    )
    class_path = write_compiled(tmp_path, "x = wrong(state)")
    file = file_of(tmp_path, class_path)
    file.write_text("from helper_of_the_maker import wrong\n" + file.read_text())
    problem = find_compile_problem(compile_error(tmp_path, class_path), file)

    assert problem is not None
    assert (problem.file, problem.line) == (helper.resolve(), 5)
