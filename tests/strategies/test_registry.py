"""A strategy is found by ``module:Name``; what is not found, or is none, is told with what there is."""

import sys
from pathlib import Path

import pytest

from trading_platform.model.errors import ConfigError
from trading_platform.strategies.base import Strategy
from trading_platform.strategies.compiled import CompiledStrategy
from trading_platform.strategies.registry import StrategyImportError, is_strategy, load_strategy

SHIPPED = {
    "trading_platform.strategies.touch_maker:TouchMaker": Strategy,
    "trading_platform.strategies.touch_maker:touch_maker": CompiledStrategy,
    "trading_platform.strategies.grid_maker:grid_maker": CompiledStrategy,
    "trading_platform.strategies.debug:DebugStrategy": Strategy,
}


@pytest.mark.parametrize("class_path", SHIPPED)
def test_shipped_strategies_are_found_in_their_form(class_path: str) -> None:
    found = load_strategy(class_path)

    assert is_strategy(found)
    if SHIPPED[class_path] is Strategy:
        assert isinstance(found, type)
        assert issubclass(found, Strategy)
    else:
        assert isinstance(found, CompiledStrategy)


def test_unknown_module_names_it_and_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_strategy("no_such_module:S", tmp_path)

    assert "strategy.class_path" in str(caught.value)
    assert "'no_such_module'" in str(caught.value)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("class S:\n    pass\n", ("must derive from Strategy, derives from object", "class S(Strategy)")),
        ("def S(state, params, memory):\n    pass\n", ("is a plain function", "@compiled_strategy")),
    ],
)
def test_what_lacks_its_base_or_decorator_is_told_so(
    tmp_path: Path, source: str, words: tuple[str, ...]
) -> None:
    name = f"no_strategy_{len(source)}"
    (tmp_path / f"{name}.py").write_text(source)
    with pytest.raises(ConfigError) as caught:
        load_strategy(f"{name}:S", tmp_path)

    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize(
    "path", ["my_maker.py:MyMaker", "./my_maker:MyMaker", "strategies/my_maker.py:MyMaker"]
)
def test_file_in_place_of_a_module_is_told_with_the_module(path: str) -> None:
    with pytest.raises(ConfigError, match=r"write (strategies\.)?my_maker:MyMaker"):
        load_strategy(path)


def test_syntax_error_is_told_with_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "strategy_with_syntax_error.py").write_text("x = 1\nclass S(:\n")
    with pytest.raises(StrategyImportError) as caught:
        load_strategy("strategy_with_syntax_error:S", tmp_path)

    assert f"{tmp_path / 'strategy_with_syntax_error.py'}:2: " in str(caught.value)


@pytest.mark.parametrize("name", ["TouchMaster", "Strategy", ""])
def test_name_that_is_no_strategy_lists_those_of_the_module(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_strategy(f"trading_platform.strategies.touch_maker:{name}")

    assert "TouchMaker, touch_maker" in str(caught.value)
    assert repr(name) in str(caught.value)


def test_module_without_strategies_says_none() -> None:
    with pytest.raises(ConfigError, match="has none"):
        load_strategy("trading_platform.model.units:S")


def test_module_beside_the_config_is_found(tmp_path: Path) -> None:
    name = "strategy_beside_the_config"
    (tmp_path / f"{name}.py").write_text(
        "from trading_platform.strategies.base import Strategy\nclass S(Strategy):\n    pass\n"
    )
    found = load_strategy(f"{name}:S", tmp_path)

    assert found is sys.modules[name].S


def test_missing_import_inside_a_strategy_is_not_taken_for_a_missing_strategy(tmp_path: Path) -> None:
    (tmp_path / "strategy_with_missing_import.py").write_text("import a_library_nobody_has\n")
    with pytest.raises(StrategyImportError, match=r"missing_import\.py:1: .* 'a_library_nobody_has'"):
        load_strategy("strategy_with_missing_import:S", tmp_path)


def test_missing_import_that_resembles_the_module_is_not_taken_for_it(tmp_path: Path) -> None:
    """``maker`` imports ``make``, which is not there: the message must not deny that ``maker`` exists."""
    (tmp_path / "resembling_strategy.py").write_text("import resembling\n")
    with pytest.raises(StrategyImportError, match="No module named 'resembling'"):
        load_strategy("resembling_strategy:S", tmp_path)
