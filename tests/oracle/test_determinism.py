"""Same config, data and versions: the same bytes, in any process, form and mode."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import trading_platform
from trading_platform.backtest.verify import verify_run
from trading_platform.config.run import RunConfig
from trading_platform.data.files import load_events, save_events
from trading_platform.eventlog.header import HEADER_BYTES
from trading_platform.model.enums import EventKind
from trading_platform.model.errors import EventLogError
from trading_platform.model.records import EVENT_BYTES
from trading_platform.runner.record import LOG_FILE

from .builders import COMPILED, FORMS, INTERPRETED, PARTS, maker_config, run

PROBABILISTIC: dict[
    str, Any
] = {  # floating point in the queue model, several fills an order: what could differ, would
    "engine__exchange_model": "partial_fill",
    "engine__queue_model": {"kind": "log_prob2"},
}


@pytest.fixture(scope="module")
def slice_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the first rows of the bundled market: plain Python has to get through them."""
    path = tmp_path_factory.mktemp("slice") / "slice.npz"
    save_events(path, np.ascontiguousarray(load_events(PARTS[0])[:12_000]))
    return path


def run_elsewhere(config: RunConfig, directory: Path, cwd: Path, **environment: str) -> dict[str, Any]:
    """Run a config in a fresh process and return its ``run.json``."""
    directory.mkdir(parents=True)
    request = {"config": config.resolved(), "directory": str(directory), "search": None, "logs": {}}
    package = str(Path(trading_platform.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-m", "trading_platform.backtest.runtime.child"],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": package} | environment,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    record: dict[str, Any] = json.loads((directory / "run.json").read_text())
    return record


def test_processes_hash_seeds_directories_and_forms_give_one_digest(tmp_path: Path) -> None:
    digests = {}
    for seed, form in (("0", COMPILED), ("1", INTERPRETED), ("4242", COMPILED)):
        cwd = tmp_path / f"somewhere-{seed}"
        cwd.mkdir()
        config = maker_config(PARTS[:1], form, **PROBABILISTIC)
        record = run_elsewhere(config, tmp_path / f"run-{seed}", cwd, PYTHONHASHSEED=seed)
        digests[seed, form] = record["log_digest"]
        assert record["log"]["events"] > 10_000

    assert len(set(digests.values())) == 1, digests


@pytest.mark.parametrize("form", FORMS)
def test_plain_python_gives_the_digest_of_compiled_code(slice_file: Path, tmp_path: Path, form: str) -> None:
    config = maker_config((slice_file,), form, engine__max_wakeups=2000, **PROBABILISTIC)
    compiled = run(config, tmp_path / "compiled")
    plain = run_elsewhere(config, tmp_path / "plain", tmp_path, NUMBA_DISABLE_JIT="1")

    assert compiled.record["wakeups"] == plain["wakeups"] == 2000
    assert len(compiled.of(EventKind.FILL)) > 10
    assert plain["log_digest"] == compiled.digest


def test_two_runs_in_one_process_give_one_digest(tmp_path: Path) -> None:
    config = maker_config(PARTS[:1], COMPILED, **PROBABILISTIC)
    first, second = run(config, tmp_path / "first"), run(config, tmp_path / "second")

    assert first.digest == second.digest
    assert first.events.tobytes() == second.events.tobytes()


def test_verify_says_same_and_finds_a_changed_byte(slice_file: Path, tmp_path: Path) -> None:
    done = run(maker_config((slice_file,), INTERPRETED), tmp_path / "run")
    found = verify_run(done.directory)

    assert found.same
    assert found.digest == found.recorded_digest == done.digest
    assert found.changes == ()
    assert found.difference == ""

    log = done.directory / LOG_FILE
    at = HEADER_BYTES + len(done.events) // 2 * EVENT_BYTES + 70
    content = bytearray(log.read_bytes())
    content[at] ^= 1
    log.write_bytes(content)
    with pytest.raises(EventLogError, match=r"events\.bin"):
        verify_run(done.directory)
