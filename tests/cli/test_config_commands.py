"""``config show``, ``config check`` and ``schema``: what they print, what they refuse, and the exit codes."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from .calling import Command

ROOT = Path(__file__).parents[2]
LOCAL = ROOT / "examples" / "local" / "local.json"
STRATEGY = """
from pydantic import Field
from trading_platform.strategies.base import Strategy
from trading_platform.strategies.params import Qty, StrategyParams

class OwnParams(StrategyParams):
    clip: Qty = Field(gt=0, description="quantity of each order")
    levels: bool = False

class Own(Strategy):
    Params = OwnParams
    levels_per_side = 1
"""


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """The configuration of whoever runs the tests is not the one that is tested."""
    for name in os.environ:
        if name.upper().startswith("TRADING_PLATFORM__"):
            monkeypatch.delenv(name)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The local example with absolute paths, fees, and a strategy beside it as an alternative."""
    document = json.loads(LOCAL.read_text())
    engine = document["engine"]
    engine["data_files"] = [str((LOCAL.parent / file).resolve()) for file in engine["data_files"]]
    engine["fees"] = {"maker_rate": 0.0002, "taker_rate": 0.0005}
    path = tmp_path / "run.json"
    path.write_text(json.dumps(document, indent=1))
    return path


def test_what_show_prints_is_a_configuration_with_the_same_meaning(
    tool: Command, config: Path, tmp_path: Path
) -> None:
    shown = tool("config", "show", "-c", config, "--set", "engine.book_levels=3")
    assert shown.code == 0
    again = tmp_path / "elsewhere.json"
    again.write_text(shown.out)

    assert shown.json["engine"]["book_levels"] == 3
    assert tool("config", "show", "-c", again, "--json").json == shown.json
    assert tool("config", "check", "-c", again, "--json").code == 0


def test_show_merges_files_environment_and_overrides(
    tool: Command, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = tmp_path / "more.json"
    more.write_text('{"risk": {"max_loss": null},\n "engine": {"session_epoch": 7}}')
    monkeypatch.setenv("TRADING_PLATFORM__RISK__SCOPE", "night")
    arguments = ("config", "show", "-c", config, "-c", more, "--set", "engine.book_levels=3", "--origin")
    rows = {row["key"]: row for row in tool(*arguments, "--json").json}

    assert rows["engine.session_epoch"] == {
        "key": "engine.session_epoch",
        "value": 7,
        "origin": "file",
        "name": str(more),
        "line": 2,
    }
    assert (rows["risk.scope"]["origin"], rows["risk.scope"]["name"]) == (
        "env",
        "TRADING_PLATFORM__RISK__SCOPE",
    )
    assert (rows["engine.book_levels"]["origin"], rows["engine.book_levels"]["value"]) == ("flag", 3)
    assert (rows["risk.max_loss"]["origin"], rows["risk.max_loss"]["value"]) == ("default", None)
    assert rows["id"]["name"] == str(config)


def test_the_table_of_origins_has_a_row_for_each_key(tool: Command, config: Path) -> None:
    arguments = ("config", "show", "-c", config, "--set", "risk.scope=a [b]", "--origin")
    shown, rows = tool(*arguments), tool(*arguments, "--json").json

    lines = {line.split()[0]: line for line in shown.out.splitlines() if line.strip()}
    for row in rows:
        assert row["key"] in lines
    assert '"a [b]"' in lines["risk.scope"]
    assert lines["risk.scope"].rstrip().endswith("--set risk.scope")
    assert lines["engine.book_levels"].rstrip().endswith("default")
    assert shown.out.rstrip().endswith(
        f"next: trading-platform config check --config {config} --set 'risk.scope=a [b]'"
    )


def test_origins_are_whole_in_a_narrow_window_and_nothing_is_padded(
    tool: Command, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    arguments = ("config", "show", "-c", config, "--origin")
    shown, rows = tool(*arguments), tool(*arguments, "--json").json

    assert "…" not in shown.out
    assert [line for line in shown.out.splitlines() if line != line.rstrip()] == []
    for row in rows:
        if row["origin"] == "file":
            assert f"{row['name']}:{row['line']}\n" in shown.out


def test_show_needs_no_data(tool: Command, config: Path) -> None:
    """A plan for another machine can be looked at here; only check wants the files."""
    arguments = ("-c", config, "--set", 'engine.data_files=["absent.npz"]')
    assert tool("config", "show", *arguments).json["engine"]["data_files"] == [
        str(config.parent / "absent.npz")
    ]
    refused = tool("config", "check", *arguments)
    assert refused.code == 2
    assert "must be an existing file" in refused.err


def test_check_tells_the_configuration_in_words(tool: Command, config: Path) -> None:
    answer = tool("config", "check", "-c", config)

    assert answer.code == 0
    for sentence in (
        "first trade at 60000, last at 60035",
        "quotes up to 0.01 BTC at 3 levels on each side",
        "at most 20 orders/s (burst 20); more wait",
        "halts at a drawdown of more than 2000 USDC",
        "no warnings",
    ):
        assert sentence in answer.out
    assert answer.out.rstrip().endswith(f"next: trading-platform run --config {config}")


def test_warnings_have_code_effect_and_cure_and_fail_only_if_strict(tool: Command, config: Path) -> None:
    odd = ("-c", config, "--set", "risk.notional_limits.max_single_order_notional=500")
    told, as_json = tool("config", "check", *odd), tool("config", "check", *odd, "--json")

    assert told.code == as_json.code == 0
    assert "1 warning" in told.out
    (warning,) = as_json.json["warnings"]
    assert warning["code"] == "LIMIT_BELOW_ORDER"
    assert warning["key"] == "risk.notional_limits.max_single_order_notional"
    for text in warning.values():
        assert text in told.out
    assert tool("config", "check", *odd, "--strict").code == 1
    assert tool("config", "check", *odd, "--strict", "--json").json == as_json.json
    assert tool("config", "check", "-c", config, "--strict").code == 0


def test_the_market_of_the_warnings_is_the_one_of_the_data(tool: Command, config: Path) -> None:
    depth = '{"kind": "roi", "roi_min": 70000, "roi_max": 80000}'
    answer = tool("config", "check", "-c", config, "--set", f"engine.depth={depth}", "--json")
    assert [warning["code"] for warning in answer.json["warnings"]] == ["ROI_MISSES_MARKET"]


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("strategy.params.order_qty=0", "strategy.params.order_qty must be > 0, was 0 (--set "),
        ("strategy.params.level=3", "strategy.params.level is no parameter of the strategy: did you mean levels?"),
        ("strategy.params.order_qty=0.0001", "strategy.params.order_qty must be a multiple of 0.001, was 0.0001"),
        ("strategy.class_path=absent_module:S", "no module 'absent_module'"),
        ("engine.fees.maker_rate=1", "engine.fees.maker_rate must be < 0.1, was 1 (--set engine.fees.maker_rate)"),
        ("engine.book_level=1", "did you mean book_levels? (--set engine.book_level)"),
    ],
)  # fmt: skip
def test_check_refuses_with_2_what_a_run_would_refuse(
    tool: Command, config: Path, override: str, words: str
) -> None:
    answer = tool("config", "check", "-c", config, "--set", override)
    assert (answer.code, answer.out) == (2, "")
    assert words in answer.err


def test_a_strategy_beside_the_config_is_found_and_its_own_parameters_are_told(
    tool: Command, config: Path
) -> None:
    """Without order_qty, and with a ``levels`` that is no number: nothing is assumed about either."""
    (config.parent / "own_strategy_of_config_check.py").write_text(STRATEGY)
    answer = tool(
        "config", "check", "-c", config, "--json",
        "--set", "strategy.class_path=own_strategy_of_config_check:Own", "--set", 'strategy.params={"clip": "2.000"}',
    )  # fmt: skip
    assert answer.json["explanation"]["strategy"] == [
        "own_strategy_of_config_check:Own, interpreted",
        "parameters: clip 2, levels false",
    ]
    codes = [(warning["code"], warning["key"]) for warning in answer.json["warnings"]]
    assert codes == [
        ("LIMIT_NEVER_BINDS", "risk.quote_limits.max_active_quotes")
    ]  # 2 slots, 20 orders allowed


def test_a_strategy_that_cannot_be_imported_says_why(tool: Command, config: Path) -> None:
    (config.parent / "broken_strategy_of_config_check.py").write_text("x = 1 / 0\n")
    answer = tool(
        "config", "check", "-c", config, "--set", "strategy.class_path=broken_strategy_of_config_check:S"
    )
    assert answer.code == 1
    assert (
        "importing broken_strategy_of_config_check failed: ZeroDivisionError: division by zero" in answer.err
    )


def test_a_damaged_data_file_is_told(tool: Command, config: Path) -> None:
    (config.parent / "bad.npz").write_bytes(b"PK\x03\x04 cut")
    answer = tool("config", "check", "-c", config, "--set", 'engine.data_files=["bad.npz"]')
    assert answer.code == 2
    assert "must be a complete .npz file" in answer.err


# --- schema ---


@pytest.mark.parametrize("name", ["config", "events", "run"])
def test_schema_prints_a_json_schema(tool: Command, name: str) -> None:
    answer = tool("schema", name)
    Draft202012Validator.check_schema(answer.json)
    assert answer.json["$id"] == f"urn:trading-platform:schema:{name}:1"
    assert tool("schema", name, "--json").json == answer.json


def test_schema_writes_a_file_and_never_over_one(tool: Command, config: Path, tmp_path: Path) -> None:
    out = tmp_path / "config.schema.json"
    assert "wrote " in tool("schema", "config", "--out", out).out
    schema: dict[str, Any] = json.loads(out.read_text())
    document = json.loads(config.read_text()) | {"$schema": str(out)}
    assert Draft202012Validator(schema).is_valid(document)

    refused = tool("schema", "run", "--out", out)
    assert refused.code == 2
    assert "must be a file that does not exist" in refused.err
    assert json.loads(out.read_text()) == schema
    assert tool("schema", "run", "--out", tmp_path / "no" / "x.json").code == 2
    assert tool("schema", "run", "--out", tmp_path / "x.json", "--json").json == {
        "out": str(tmp_path / "x.json"),
        "schema": "run",
    }


def test_an_unknown_schema_is_refused(tool: Command) -> None:
    answer = tool("schema", "orders")
    assert answer.code == 2
    assert "config" in answer.err
