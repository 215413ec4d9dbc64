"""The whole check: both processes, and what is told of a strategy that is compiled differently, or not at all."""

from pathlib import Path

import pytest
from oracle.builders import PARTS, maker_config

from trading_platform.authoring.check import BadInputError, Report, check_strategy
from trading_platform.authoring.findings import ERROR, Finding
from trading_platform.authoring.scaffold import new_strategy
from trading_platform.config.load import load_config

from .writing import file_of, marked_line, write_compiled, write_interpreted

FEW = {"engine.max_wakeups": 60}


def checked(folder: Path, class_path: str) -> Report:
    return check_strategy(class_path, folder, overrides=FEW)


def only(report: Report) -> Finding:
    (finding,) = report.findings
    return finding


@pytest.mark.parametrize("compiled", [False, True], ids=["interpreted", "compiled"])
def test_nothing_is_found_in_a_new_strategy(tmp_path: Path, compiled: bool) -> None:
    made = new_strategy("fresh_compiled" if compiled else "fresh", tmp_path, compiled=compiled)
    report = check_strategy(
        made.class_path, tmp_path, config=load_config(made.config, {"engine.max_wakeups": 600})
    )

    assert report.findings == ()
    assert not report.failed
    assert report.form == ("compiled" if compiled else "interpreted")
    assert report.facts["fills"] > 0
    assert report.repeated == (report.facts["calls"] if compiled else 0)
    assert report.guessed == {}


def test_what_compiled_code_does_otherwise_is_found_with_the_line_that_plain_python_took(
    tmp_path: Path,
) -> None:
    """A Python int grows where a compiled one wraps around."""
    body = """
        large = 2**62
        memory["big"] = (large + int(book["bid_ticks"]) * 2**45) // 2**30  # here
    """
    class_path = write_compiled(tmp_path, body)
    report = checked(tmp_path, class_path)
    found = only(report)

    assert report.failed
    assert found.code == "compiled-differs"
    assert 'after call 1 memory["big"] is' in found.text
    assert (found.file, found.line) == (str(file_of(tmp_path, class_path)), marked_line(tmp_path, class_path))
    assert "wraps around" in found.cure


def test_floats_that_pass_compiled_pass_as_plain_python(tmp_path: Path) -> None:
    """Infinity is a number of both forms: nothing wraps around."""
    body = """
        memory["mean"] = np.exp(1000.0)
        memory["mean"] = memory["mean"] * 2.0 + np.exp(800.0)
        memory["mean"] = np.log(0.0)
    """
    report = checked(tmp_path, write_compiled(tmp_path, body))

    assert report.findings == ()
    assert report.repeated == FEW["engine.max_wakeups"]


def test_a_float_divided_by_zero_stops_compiled_code_too(tmp_path: Path) -> None:
    """Compiled code raises where numpy only warns: as plain Python the line is known."""
    body = """
        memory["mean"] = 0.0
        memory["mean"] = 1.0 / memory["mean"]  # here
    """
    class_path = write_compiled(tmp_path, body)
    found = only(checked(tmp_path, class_path))

    assert (found.code, found.line) == ("division-by-zero", marked_line(tmp_path, class_path))


def test_two_wrong_values_on_one_line_are_two_findings(tmp_path: Path) -> None:
    class_path = write_interpreted(tmp_path, "view.quote(1, 0, view.bid_ticks() - 0.5, qty_lots / 2)  # here")
    report = checked(tmp_path, class_path)

    assert [found.code for found in report.findings] == ["float-intent"] * 2
    assert [found.text.split()[0] for found in report.findings] == ["price_ticks", "qty_lots"]
    assert {found.line for found in report.findings} == {marked_line(tmp_path, class_path)}


def test_a_module_that_ends_the_process_at_import_is_found_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "exiting_module.py").write_text("import sys\nsys.exit('not today')\n")
    found = only(checked(tmp_path, "exiting_module:A"))

    assert (found.code, found.line) == ("import-failed", 2)
    assert "SystemExit: not today" in found.text


def test_last_bits_of_floats_are_a_warning_only(tmp_path: Path) -> None:
    body = """
        for step in range(200):
            memory["mean"] += math.exp(step / 7.3) * math.sin(memory["count"] + step) ** 2
    """
    report = checked(tmp_path, write_compiled(tmp_path, body))

    assert not report.failed
    assert {found.code for found in report.findings} <= {"last-bits-differ"}


def test_what_does_not_compile_is_told_once_with_line_and_cure(tmp_path: Path) -> None:
    class_path = write_compiled(tmp_path, 'x = book["bid_tick"]  # here')
    found = only(checked(tmp_path, class_path))

    assert (found.code, found.severity) == ("unknown-field", ERROR)
    assert (found.file, found.line) == (str(file_of(tmp_path, class_path)), marked_line(tmp_path, class_path))
    assert "did you mean bid_ticks?" in found.cure


def test_what_runs_as_plain_python_only_is_found_whatever_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    monkeypatch.setenv("NUMBA_BOUNDSCHECK", "0")
    class_path = write_compiled(tmp_path, 'memory["big"] = plain(3)  # here')
    report = checked(tmp_path, class_path)
    found = only(report)

    assert report.facts["calls"] == FEW["engine.max_wakeups"]
    assert report.repeated == 0
    assert (found.code, found.line) == ("plain-function", marked_line(tmp_path, class_path))


def test_a_call_without_an_end_is_found_with_its_line(tmp_path: Path) -> None:
    found = only(checked(tmp_path, write_interpreted(tmp_path, "while True:  # here\n    qty_lots += 1")))

    assert found.code == "endless"
    assert "10 s" in found.text


def test_a_strategy_that_ends_its_process_is_a_finding_and_no_dead_tool(tmp_path: Path) -> None:
    found = only(checked(tmp_path, write_interpreted(tmp_path, "import os\nos._exit(3)")))

    assert (found.code, found.severity) == ("died", ERROR)
    assert "code 3" in found.text


def test_a_module_that_is_no_python_is_found_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "no_python_module.py").write_text("x = 1\nclass A(:\n")
    found = only(checked(tmp_path, "no_python_module:A"))

    assert (found.code, Path(found.file).name, found.line) == ("syntax", "no_python_module.py", 2)


def test_a_module_that_cannot_be_imported_is_found_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "broken_import_module.py").write_text("x = 1\nimport no_such_module_at_all\n")
    found = only(checked(tmp_path, "broken_import_module:A"))

    assert (found.code, found.line) == ("import-failed", 2)
    assert "no_such_module_at_all" in found.text


def test_absent_strategies_are_bad_input_that_names_those_that_are_there(tmp_path: Path) -> None:
    class_path = write_interpreted(tmp_path, "pass")
    with pytest.raises(BadInputError, match="has Maker"):
        checked(tmp_path, class_path.replace("Maker", "Taker"))
    with pytest.raises(BadInputError, match="no module 'absent_module'"):
        checked(tmp_path, "absent_module:Maker")


def test_guessed_parameters_that_do_not_fit_say_how_to_give_others(tmp_path: Path) -> None:
    class_path = write_interpreted(tmp_path, "pass")
    with pytest.raises(BadInputError, match=r"--set strategy\.params\.NAME=VALUE"):
        check_strategy(class_path, tmp_path, overrides={"strategy.params.absent": 1})


def test_a_config_gives_parameters_limits_and_data(tmp_path: Path) -> None:
    class_path = write_interpreted(tmp_path, "view.quote(1, 0, view.bid_ticks(), qty_lots)")
    config = maker_config(
        PARTS[:1],
        class_path,
        strategy__params={"order_qty": "0.02"},
        engine__max_wakeups=60,
        output__audit="all",
    )
    report = check_strategy(class_path, tmp_path, config=config)

    assert report.findings == ()
    assert report.guessed == {}
    assert report.facts["calls"] == 60
