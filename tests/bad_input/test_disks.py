"""A disk that is full or must not be written: what was written stays readable, and the message says what to do."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from trading_platform.eventlog.reader import open_log
from trading_platform.record.names import AUDIT_FILE, LOG_FILE
from trading_platform.record.run import read_run

from .bench import Bench, Ended, small_market, then

MANY_MS: Final = 2000
NAMESPACE: Final = (
    "unshare",
    "--user",
    "--map-root-user",
    "--mount",
)  # what is mounted ends with the process
# the disk is gone with the process: its files are copied out first
ON_SMALL_DISK: Final = """
mount -t tmpfs -o size=$1 tmpfs "$3" || exit 99
shift; kept=$1; runs=$2; shift 2
"$@"; code=$?
cp -a "$runs/." "$kept"; exit $code
"""


def allowed(script: str, *arguments: str) -> tuple[str, ...]:
    """Return what runs a command in a mount namespace of its own; skip where the system does not allow one."""
    probe = [*NAMESPACE, "sh", "-c", "mount -t tmpfs tmpfs /mnt"]
    if shutil.which("unshare") is None or subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("mounting in a user namespace (unshare --user --mount) is not allowed here")
    return (*NAMESPACE, "sh", "-c", script, "sh", *arguments)


def on_small_disk(
    bench: Bench, size: str, source: str, files: Sequence[Path] = (), **changes: object
) -> tuple[Ended, Path]:
    """Run on a disk of ``size``; return how it ended and where its files were copied to."""
    bench.runs.mkdir()
    kept = bench.folder / "kept"
    kept.mkdir()
    before = allowed(ON_SMALL_DISK, size, str(kept), str(bench.runs))
    ended = bench.run_apart(bench.config(source, files, **changes), before=before)
    return ended, kept / bench.directory.name


def is_told_with_what_is_left(ended: Ended, kept: Path, *words: str) -> None:
    """Assert that the first error is told, though there was no room for the record either."""
    ended.is_plain()
    assert ended.answer.code == 1, ended.answer
    assert "No space left on device" in ended.answer.err
    for word in ("the run stays unfinished", *words):
        assert word in ended.answer.err, (word, ended.answer.err)
    assert "run.json" not in {path.name for path in kept.iterdir()}
    assert not list(kept.glob("*.part")), "half a file is not left behind"


def market_files(bench: Bench) -> Sequence[Path]:
    return [bench.market(small_market(MANY_MS))]


def test_a_disk_that_fills_up_in_mid_run_keeps_the_log_to_its_last_whole_record(bench: Bench) -> None:
    source = then("pass").replace("self.view.bid_ticks()", "self.view.bid_ticks() - self.calls % 2")
    ended, kept = on_small_disk(bench, "64k", source, market_files(bench), output__journal_touch=True)
    log = open_log(kept / LOG_FILE)

    assert len(log.events) > 100
    assert log.torn_bytes == 0
    is_told_with_what_is_left(
        ended,
        kept,
        f"{LOG_FILE}: the disk refused after seq={len(log.events)}: No space left on device",
        "the log is readable to there",
        "free space on the disk and run again",
    )
    shutil.copytree(kept, bench.directory)
    bench.is_unfinished()
    shown = bench.tool("orders", bench.directory)
    assert shown.code == 0
    assert "buy0" in shown.out


def test_a_disk_without_room_for_the_log_leaves_no_half_of_one(bench: Bench) -> None:
    ended, kept = on_small_disk(bench, "4k", then("pass"))

    is_told_with_what_is_left(ended, kept, f"{LOG_FILE}: cannot write the header of the log", "free space")
    assert not (kept / LOG_FILE).exists()


def test_a_disk_without_room_for_the_tables_keeps_the_whole_log(bench: Bench) -> None:
    ended, kept = on_small_disk(bench, "16k", then("pass"))

    ended.is_plain()
    assert ended.answer.code == 1
    for word in (
        "the log is whole, but its tables cannot be written",
        "bytes are free on the disk",
        "run again",
    ):
        assert word in ended.answer.err, (word, ended.answer.err)
    record = read_run(kept)
    assert record["status"] == "failed", "the record is small: there was room for it"
    assert record["error"] in ended.answer.err
    assert not list(kept.glob("*.part"))
    assert len(open_log(kept / LOG_FILE).events) > 10


def test_a_disk_without_room_for_the_audit_does_not_blame_the_strategy(bench: Bench) -> None:
    source = then("pass").replace("self.view.bid_ticks()", "self.view.bid_ticks() - self.calls % 2")
    ended, kept = on_small_disk(bench, "112k", source, market_files(bench), output__audit="all")

    is_told_with_what_is_left(
        ended,
        kept,
        f"{AUDIT_FILE}: cannot write the audit: No space left on device",
        "free space on the disk",
    )
    assert "StrategyError" not in ended.answer.err
    assert open_log(kept / LOG_FILE).torn_bytes == 0


def test_a_log_that_may_not_grow_further_is_a_failed_run_with_a_record(bench: Bench) -> None:
    """A quota: the log is refused, the small files are not."""
    source = then("pass").replace("self.view.bid_ticks()", "self.view.bid_ticks() - self.calls % 2")
    config = bench.config(source, files=market_files(bench), output__journal_touch=True)
    ended = bench.run_apart(config, before=("prlimit", "--fsize=50000"))

    ended.failed(
        f"EventLogError: {ended.directory / LOG_FILE}: the disk refused after seq=389: File too large",
        "the log is readable to there",
    )
    assert len(ended.events) == 389, "(50,000 - 128) bytes hold 389 records"


def test_a_read_only_output_directory_is_told_with_path_reason_and_key(bench: Bench) -> None:
    bench.runs.mkdir()
    script = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" || exit 99; shift; "$@"'
    ended = bench.run_apart(bench.config(), before=allowed(script, str(bench.runs)))

    ended.is_plain()
    assert ended.answer.code == 1
    assert f"{bench.directory}: cannot create the run directory: Read-only file system" in ended.answer.err
    assert "output.directory" in ended.answer.err
    assert list(bench.runs.iterdir()) == []


def test_a_file_in_place_of_the_output_directory_is_told_and_kept(bench: Bench) -> None:
    bench.runs.write_text("mine")
    ended = bench.run()

    ended.is_plain()
    assert ended.answer.code == 1
    assert f"{bench.directory}: cannot create the run directory: Not a directory" in ended.answer.err
    assert "output.directory" in ended.answer.err
    assert bench.runs.read_text() == "mine"
