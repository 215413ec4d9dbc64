"""A flipped byte anywhere in a run directory is found by ``verify``, which names the file; in the log, the records.

The log is checked first against its digest: its records are named to 65,536 (a checkpoint), and a record that breaks a
rule of its kind would have been named alone. Data files are not in the directory; their checksums are.
"""

import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

import trading_platform
from trading_platform.backtest.verify import verify_run
from trading_platform.data.files import load_events, save_events
from trading_platform.eventlog.digest import CHECKPOINT_EVENTS
from trading_platform.eventlog.header import HEADER_BYTES
from trading_platform.model.errors import DataError, EventLogError
from trading_platform.model.records import EVENT_BYTES
from trading_platform.record.names import LOG_FILE, RUN_FILE

from .builders import COMPILED, Done, maker_config, run

FILES: Final = (
    "audit.bin",
    "audit.parquet",
    "config.json",
    "equity.parquet",
    "events.bin",
    "events.parquet",
    "fills.parquet",
    "orders.parquet",
    "run.json",
    "stats.npz",
    "summary.json",
)
FLIPS: Final = 60  # random places a file; the first and the last byte come on top
SEED: Final = random.SystemRandom().randrange(1 << 32)


@pytest.fixture(scope="module")
def finished(slice_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """Return a run with every file that a run can have, on a data file of its own."""
    folder = tmp_path_factory.mktemp("flips")
    data = folder / "data.npy"
    save_events(data, load_events(slice_file))
    return run(maker_config((data,), COMPILED, output__audit="all"), folder / "run")


@pytest.fixture
def copied(finished: Done, tmp_path: Path) -> Path:
    """Return a copy of the run that a test may damage."""
    directory = tmp_path / "run"
    shutil.copytree(finished.directory, directory)
    return directory


def flips(path: Path, count: int = FLIPS) -> Iterator[tuple[int, int]]:
    """Yield (offset, mask) in turn: the file has that byte changed, and no other, until the next turn."""
    source, content = random.Random(f"{SEED} {path.name}"), path.read_bytes()
    places = [0, len(content) - 1, *(source.randrange(len(content)) for _ in range(count))]
    try:
        for offset in places:
            mask = source.randrange(1, 256)
            damaged = bytearray(content)
            damaged[offset] ^= mask
            path.write_bytes(damaged)
            yield offset, mask
    finally:
        path.write_bytes(content)


def test_the_run_has_all_files_and_verifies(finished: Done) -> None:
    """Or the flips below would prove nothing."""
    assert sorted(path.name for path in finished.directory.iterdir()) == sorted(FILES)
    assert verify_run(finished.directory).same


@pytest.mark.parametrize("count", [FLIPS, pytest.param(50 * FLIPS, marks=pytest.mark.long)])
@pytest.mark.parametrize("name", FILES)
def test_a_flipped_byte_is_found_and_its_file_named(copied: Path, name: str, count: int) -> None:
    print(f"seed {SEED}")
    for offset, mask in flips(copied / name, count):
        said = refusal(copied)
        assert f"{copied / name}: " in said, f"byte {offset} ^ {mask:#x}: {said}"


def refusal(directory: Path) -> str:
    """Return what is said of a damaged run; nothing was executed again then."""
    try:
        verify_run(directory)
    except EventLogError as error:
        return str(error)
    return "nothing: the damage was not found"


def test_a_flipped_byte_of_the_log_is_named_to_its_checkpoint(copied: Path, finished: Done) -> None:
    print(f"seed {SEED}")
    events = len(finished.events)
    for offset, _ in flips(copied / LOG_FILE):
        if offset < HEADER_BYTES:
            continue
        seq = (offset - HEADER_BYTES) // EVENT_BYTES + 1
        found = re.search(r"is in seq (\d+) to (\d+)", refusal(copied))
        assert found is not None
        first, last = map(int, found.groups())
        assert first <= seq <= last <= events
        assert last - first < CHECKPOINT_EVENTS


@pytest.mark.parametrize("name", ["config.json", "fills.parquet", "stats.npz"])
def test_a_missing_file_is_named(copied: Path, name: str) -> None:
    (copied / name).unlink()

    assert f"{copied / name}: must be the file that the run wrote, is absent" in refusal(copied)


def test_bytes_after_the_end_are_found(copied: Path) -> None:
    for name in FILES:
        content = (copied / name).read_bytes()
        (copied / name).write_bytes(content + b"\n")
        assert f"{copied / name}: " in refusal(copied)
        (copied / name).write_bytes(content)


def test_a_flipped_byte_of_the_data_is_found_and_the_file_named(finished: Done) -> None:
    print(f"seed {SEED}")
    data = Path(finished.record["data"][0]["path"])
    for _ in flips(data):
        with pytest.raises(DataError, match=re.escape(f"{data}: sha256 must be")):
            verify_run(finished.directory)


@pytest.mark.parametrize("name", [RUN_FILE, LOG_FILE, "orders.parquet"])
def test_the_command_line_exits_with_1_and_names_the_file(copied: Path, name: str) -> None:
    print(f"seed {SEED}")
    for _ in flips(copied / name, count=0):
        done = subprocess.run(
            [sys.executable, "-m", "trading_platform.cli", "verify", str(copied)],
            capture_output=True,
            text=True,
            env=os.environ | {"PYTHONPATH": str(Path(trading_platform.__file__).parents[1])},
            check=False,
        )
        assert done.returncode == 1
        assert f"EventLogError: {copied / name}: " in done.stderr
