"""The example results in tests/data/results are what the code of today makes of the bundled data."""

import importlib.util
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    script = TESTS / "data" / "scripts" / "make_results.py"
    spec = importlib.util.spec_from_file_location("make_results", script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    directory = tmp_path_factory.mktemp("results")
    module.make_results(directory)
    return directory


@pytest.mark.parametrize("name", ["stats.npz", "events.json"])
def test_results_are_reproduced_byte_for_byte(made: Path, name: str) -> None:
    expected = TESTS / "data" / "results" / name
    assert (made / name).read_bytes() == expected.read_bytes(), (
        f"results changed: run `python tests/data/scripts/make_results.py` and say so in the CHANGELOG ({expected})"
    )
