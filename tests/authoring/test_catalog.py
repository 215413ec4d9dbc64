"""``strategy ls``: what is shipped, what is in a directory, and what cannot be imported."""

from pathlib import Path
from typing import Any

import pytest

from trading_platform.authoring.catalog import has_strategy
from trading_platform.authoring.check import PLAIN, ask

from .writing import write_compiled, write_interpreted


def listed(directory: Path | None) -> dict[str, dict[str, Any]]:
    request = {"do": "list", "directory": str(directory) if directory else None}
    return {one["class_path"]: one for one in ask(request, PLAIN)["strategies"]}


def test_shipped_strategies_are_listed_with_their_parameters() -> None:
    found = listed(None)
    grid = found["trading_platform.strategies.grid_maker:grid_maker"]

    assert set(found) == {
        "trading_platform.strategies.debug:DebugStrategy",
        "trading_platform.strategies.grid_maker:grid_maker",
        "trading_platform.strategies.imbalance_maker:imbalance_maker",
        "trading_platform.strategies.ma_cross:MaCross",
        "trading_platform.strategies.ma_cross:ma_cross",
        "trading_platform.strategies.touch_maker:TouchMaker",
        "trading_platform.strategies.touch_maker:touch_maker",
    }
    assert grid["form"] == "compiled"
    assert grid["text"].startswith("Quote a grid around a reservation price")
    units = {one["name"]: (one["unit"], one["default"]) for one in grid["params"]}
    assert units["order_qty"] == ("quantity", None)
    assert units["levels"] == ("whole number", "5")
    assert units["half_spread"] == ("price distance", None)


def test_strategies_of_a_directory_are_listed_in_both_forms(tmp_path: Path) -> None:
    compiled, interpreted = write_compiled(tmp_path, "pass"), write_interpreted(tmp_path, "pass")
    found = listed(tmp_path)

    assert found[compiled]["form"] == "compiled"
    assert found[compiled]["text"] == "Quote the bid, and do what the test is about."
    assert found[interpreted]["form"] == "interpreted"
    assert [one["name"] for one in found[interpreted]["params"]] == ["order_qty"]


def test_a_module_that_cannot_be_imported_is_listed_with_its_error(tmp_path: Path) -> None:
    (tmp_path / "broken_listed.py").write_text(
        "import no_such_module_at_all\nfrom trading_platform.strategies.base import Strategy\n"
        "class Broken(Strategy): ...\n"
    )
    good = write_interpreted(tmp_path, "pass")
    found = listed(tmp_path)

    assert "no_such_module_at_all" in found["broken_listed"]["error"]
    assert good in found


def test_a_module_that_ends_the_process_is_listed_with_its_error(tmp_path: Path) -> None:
    (tmp_path / "exiting_listed.py").write_text(
        "import sys\nfrom trading_platform.strategies.base import Strategy\n"
        "class Gone(Strategy): ...\nsys.exit('not today')\n"
    )
    good = write_interpreted(tmp_path, "pass")
    found = listed(tmp_path)

    assert found["exiting_listed"]["error"] == "SystemExit: not today"
    assert good in found


def test_strategies_derived_from_those_of_other_modules_are_listed(tmp_path: Path) -> None:
    """Of one's own, at any distance, and of those that are shipped."""
    module = write_interpreted(tmp_path, "pass").partition(":")[0]
    (tmp_path / "derived_once.py").write_text(f"from {module} import Maker\nclass Once(Maker): ...\n")
    (tmp_path / "aaa_derived_twice.py").write_text(
        "import derived_once\nclass Twice(derived_once.Once): ...\n"
    )
    (tmp_path / "derived_shipped.py").write_text(
        "from trading_platform.strategies import touch_maker as own\nclass Shipped(own.TouchMaker): ...\n"
    )
    (tmp_path / "using_script.py").write_text(f"import {module}\nraise SystemExit('I am a script')\n")
    found = listed(tmp_path)

    assert {"derived_once:Once", "aaa_derived_twice:Twice", "derived_shipped:Shipped"} <= set(found)
    assert not any(class_path.startswith("using_script") for class_path in found)


def test_a_module_without_a_strategy_is_not_imported(tmp_path: Path) -> None:
    (tmp_path / "script_listed.py").write_text("raise SystemExit('I am a script')\n")

    assert all(not class_path.startswith("script_listed") for class_path in listed(tmp_path))


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("class A(Strategy): ...", True),
        ("class A(base.Strategy): ...", True),
        ("@compiled_strategy(Params)\ndef a(state, params, memory): ...", True),
        ("@compiled.compiled_strategy(Params)\ndef a(state, params, memory): ...", True),
        ("from trading_platform.strategies.touch_maker import TouchMaker\nclass A(TouchMaker): ...", True),
        ("import trading_platform.strategies.base as b\nclass A(b.Anything): ...", True),
        (
            "from trading_platform.strategies.params import StrategyParams\nclass A(StrategyParams): ...",
            False,
        ),
        ("from other import Maker\nclass A(Maker): ...", False),
        ("class A: ...", False),
        ("def compiled_strategy(): ...", False),
        ("text = 'class A(Strategy)'", False),
    ],
)
def test_a_strategy_is_seen_in_the_source(tmp_path: Path, source: str, found: bool) -> None:
    (tmp_path / "module.py").write_text(source)

    assert has_strategy(tmp_path / "module.py") is found
