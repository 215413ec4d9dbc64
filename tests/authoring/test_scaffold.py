"""``strategy new``: names, and that nothing is ever overwritten."""

import json
from pathlib import Path

import pytest

from trading_platform.authoring.scaffold import (
    MARKET_FILE,
    NAME_MAX,
    SCHEMA_FILE,
    class_name,
    module_name,
    new_strategy,
)
from trading_platform.config.load import load_config
from trading_platform.config.schema import config_schema
from trading_platform.data.files import save_events
from trading_platform.data.synth import synthesize
from trading_platform.model.errors import ConfigError, DataError


@pytest.mark.parametrize(
    ("name", "module", "class_"),
    [
        ("my_maker", "my_maker", "MyMaker"),
        ("MyMaker", "my_maker", "MyMaker"),
        ("maker", "maker", "Maker"),
        ("OBIMaker2", "obi_maker2", "ObiMaker2"),
        ("myMaker", "my_maker", "MyMaker"),
        ("two2Sided", "two2_sided", "Two2Sided"),
    ],
)
def test_either_form_of_a_name_gives_module_and_class(name: str, module: str, class_: str) -> None:
    assert (module_name(name), class_name(name)) == (module, class_)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("my-maker", ("my_maker or MyMaker", "'my-maker'", "write my_maker")),
        ("1maker", ("write maker",)),
        ("my maker.py", ("write my_maker_py",)),
        ("", ("was ''",)),
        ("__", ("was '__'",)),
        ("Ünal", ("letters and digits", "write Unal")),
        ("polars", ("polars.py", "write polars_maker")),
        ("Conftest", ("conftest.py",)),
        ("../escape", ("write escape",)),
        ("random", ("random.py", "write random_maker")),
        ("class", ("write class_maker",)),
        ("List", ("write list_maker",)),
        ("trading_platform", ("trading_platform.py",)),
        ("test_maker", ("write maker_maker",)),
        ("x" * (NAME_MAX + 1), (f"at most {NAME_MAX}",)),
    ],
)
def test_a_name_that_would_make_trouble_is_refused_with_a_better_one(
    name: str, words: tuple[str, ...], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"^NAME must") as caught:
        new_strategy(name, tmp_path)

    for word in words:
        assert word in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_what_is_written_fits_together(tmp_path: Path) -> None:
    made = new_strategy("MyMaker", tmp_path / "new" / "folder")
    config = load_config(made.config)

    assert made.class_path == config.strategy.class_path == "my_maker:MyMaker"
    assert {path.name for path in made.files} == {
        "my_maker.py",
        "test_my_maker.py",
        "my_maker.json",
        MARKET_FILE,
        SCHEMA_FILE,
    }
    assert made.kept == ()
    assert [file.name for file in config.engine.data_files] == [MARKET_FILE]
    schema = made.config.parent / json.loads(made.config.read_text(encoding="utf-8"))["$schema"]
    assert json.loads(schema.read_text(encoding="utf-8")) == config_schema()
    for path in made.files:
        if path.suffix in (".py", ".json") and path.name != SCHEMA_FILE:
            text = path.read_text(encoding="utf-8")
            assert not {"STRATEGY", "MARKET"} & set(text.replace('"', " ").split())


def test_a_second_strategy_shares_market_and_schema_of_its_directory(tmp_path: Path) -> None:
    first = new_strategy("one", tmp_path)
    before = {path: path.read_bytes() for path in first.files}
    second = new_strategy("two", tmp_path, compiled=True)

    assert {path.name for path in second.kept} == {MARKET_FILE, SCHEMA_FILE}
    assert second.class_path == "two:two"
    assert {path: path.read_bytes() for path in first.files} == before


@pytest.mark.parametrize("file", ["maker.py", "test_maker.py", "maker.json"])
def test_a_file_that_exists_is_kept_and_nothing_is_written(tmp_path: Path, file: str) -> None:
    (tmp_path / file).write_text("mine")
    with pytest.raises(ConfigError, match=f"{file} must not exist"):
        new_strategy("maker", tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == [file]
    assert (tmp_path / file).read_text() == "mine"


def test_another_market_of_that_name_is_kept_and_nothing_is_written(tmp_path: Path) -> None:
    save_events(tmp_path / MARKET_FILE, synthesize(3, 10**18, 10**9))
    before = (tmp_path / MARKET_FILE).read_bytes()
    with pytest.raises(DataError, match="exists with other content"):
        new_strategy("maker", tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == [MARKET_FILE]
    assert (tmp_path / MARKET_FILE).read_bytes() == before


def test_a_directory_that_is_a_file_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="--dir must be a directory"):
        new_strategy("maker", tmp_path / "file")
