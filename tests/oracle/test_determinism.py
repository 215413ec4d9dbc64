"""Same config, data and versions: the same bytes, in any process, form and mode."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

import trading_platform
from trading_platform import _jit
from trading_platform.backtest.verify import verify_run
from trading_platform.config.run import RunConfig
from trading_platform.eventlog.header import HEADER_BYTES
from trading_platform.model.enums import EventKind
from trading_platform.model.errors import EventLogError
from trading_platform.model.records import EVENT_BYTES
from trading_platform.record.names import LOG_FILE, RUN_FILE
from trading_platform.record.run import read_run, write_run

from .builders import COMPILED, FORMS, INTERPRETED, PARTS, Done, maker_config, run

PACKAGE: Final = Path(trading_platform.__file__).parent
PROBABILISTIC: dict[
    str, Any
] = {  # floating point in the queue model, several fills an order: what could differ, would
    "engine__exchange_model": "partial_fill",
    "engine__queue_model": {"kind": "log_prob2"},
}
PROCESS: Final = """
import json, sys
import trading_platform
from trading_platform._jit import compiled_names
from trading_platform.backtest.runtime.child import main

code = main()
print(json.dumps({"package": trading_platform.__file__, "compiled": compiled_names}), file=sys.stderr)
sys.exit(code)
"""


@dataclass(frozen=True)
class Elsewhere:
    """A run in a process of its own: its ``run.json``, the package it used and the kernels it compiled."""

    record: dict[str, Any]
    package: Path
    compiled: list[str]

    @property
    def digest(self) -> str:
        return str(self.record["log_digest"])


@dataclass(frozen=True)
class Started:
    """A process that makes a run."""

    process: subprocess.Popen[str]
    directory: Path

    def result(self) -> Elsewhere:
        """Wait for the end."""
        answers, said = self.process.communicate()
        assert self.process.returncode == 0, answers + said
        about = json.loads(said.splitlines()[-1])
        record = json.loads((self.directory / RUN_FILE).read_text())
        return Elsewhere(record, Path(about["package"]).parent, about["compiled"])


def start(
    config: RunConfig,
    directory: Path,
    cwd: Path,
    *,
    package: Path = PACKAGE,
    prefix: tuple[str, ...] = (),
    **environment: str,
) -> Started:
    """Start a run in a fresh process. ``prefix``: a command that runs the command after it."""
    directory.mkdir(parents=True)
    cwd.mkdir(parents=True, exist_ok=True)
    request = {"config": config.resolved(), "directory": str(directory), "search": None, "logs": {}}
    process = subprocess.Popen(
        [*prefix, sys.executable, "-c", PROCESS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(package.parent)} | environment,
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(request))
    process.stdin.close()
    process.stdin = None  # or communicate() flushes it
    return Started(process, directory)


def test_one_worker_or_four_at_once_give_one_digest(tmp_path: Path) -> None:
    """Hash seeds, working directories and forms differ; data and cache are shared."""
    seeds = ("0", "1", "4242", "random")
    workers = [
        start(
            maker_config(PARTS[:1], FORMS[index % 2], **PROBABILISTIC),
            tmp_path / f"run-{seed}",
            tmp_path / f"somewhere-{seed}",
            PYTHONHASHSEED=seed,
        )
        for index, seed in enumerate(seeds)
    ]
    alone = run(maker_config(PARTS[:1], COMPILED, **PROBABILISTIC), tmp_path / "alone")
    digests = {worker.directory.name: worker.result().digest for worker in workers}

    assert len(alone.events) > 10_000
    assert digests == {f"run-{seed}": alone.digest for seed in seeds}


@pytest.mark.long
@pytest.mark.skipif(not _jit.COMPILED, reason="NUMBA_DISABLE_JIT: nothing is compiled")
def test_four_at_once_that_fill_one_empty_cache_give_one_digest(slice_file: Path, tmp_path: Path) -> None:
    """Each compiles what it does not find, and writes it where the others read."""
    expected = run(maker_config((slice_file,), COMPILED, **PROBABILISTIC), tmp_path / "expected")
    cache = tmp_path / "cache"

    def four(name: str) -> list[Elsewhere]:
        config = maker_config((slice_file,), COMPILED, **PROBABILISTIC)
        runs = [tmp_path / f"{name}-{number}" for number in range(4)]
        workers = [start(config, path, tmp_path, TRADING_PLATFORM_CACHE=str(cache)) for path in runs]
        return [worker.result() for worker in workers]

    cold, warm = four("cold"), four("warm")

    assert {worker.digest for worker in cold + warm} == {expected.digest}
    assert any(worker.compiled for worker in cold)
    assert [worker.compiled for worker in warm] == [[], [], [], []]


@pytest.mark.parametrize(
    ("form", "depth", "policy"), [(INTERPRETED, "hashmap", "at_once"), (COMPILED, "auto", "after_ack")]
)
def test_plain_python_gives_the_digest_of_compiled_code(
    slice_file: Path, tmp_path: Path, form: str, depth: str, policy: str
) -> None:
    settings = {"engine__depth__kind": depth, "engine__replace_policy": policy, "engine__max_wakeups": 2000}
    config = maker_config((slice_file,), form, **settings, **PROBABILISTIC)
    worker = start(config, tmp_path / "plain", tmp_path, NUMBA_DISABLE_JIT="1")
    compiled, plain = run(config, tmp_path / "compiled"), worker.result()

    assert compiled.record["wakeups"] == plain.record["wakeups"] == 2000
    assert len(compiled.of(EventKind.FILL)) > 10
    assert plain.digest == compiled.digest


@dataclass(frozen=True)
class Installation:
    """A copy of the package and what was compiled of it, in directories that nothing can be written to.

    ``here``: a run of ``config`` by the package that was copied.
    """

    package: Path
    cache: Path
    prefix: tuple[str, ...]
    config: RunConfig
    here: Done


@pytest.fixture
def installation(slice_file: Path, tmp_path: Path) -> Iterator[Installation]:
    """Return a read-only installation. Root is above permissions: as root it runs without that privilege."""
    prefix: tuple[str, ...] = ()
    if os.geteuid() == 0:
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            pytest.skip("as root this needs setpriv (util-linux), or run it as another user")
        prefix = (setpriv, "--bounding-set=-dac_override,-dac_read_search,-fowner")
    config = maker_config((slice_file,), COMPILED, engine__max_wakeups=2000, **PROBABILISTIC)
    here = run(config, tmp_path / "here")  # and all that it needs is compiled
    root = tmp_path / "read-only"
    package, cache = root / PACKAGE.name, root / "cache"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    cache.mkdir()
    for name in ("core/step.py", "data/validate.py") if _jit.COMPILED else ():
        top = _jit.cache_directory(PACKAGE / name).relative_to(_jit.cache_root()).parts[0]
        shutil.copytree(_jit.cache_root() / top, cache / top, ignore=shutil.ignore_patterns("*.tmp*"))
    set_modes(root, 0o555, 0o444)
    for directory in (root, package, cache):
        assert_refuses(directory, prefix)
    yield Installation(package, cache, prefix, config, here)
    set_modes(root, 0o755, 0o644)


def set_modes(root: Path, directory_mode: int, file_mode: int) -> None:
    root.chmod(directory_mode)
    for path in root.rglob("*"):
        path.chmod(directory_mode if path.is_dir() else file_mode)


def assert_refuses(directory: Path, prefix: tuple[str, ...]) -> None:
    """Prove the premise: a process that is started so cannot create a file there."""
    write = "import sys; open(sys.argv[1], 'x')"
    command = [*prefix, sys.executable, "-c", write, str(directory / "probe")]
    tried = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "PermissionError" in tried.stderr, (
        f"{directory} must be read-only: {tried.stderr or 'was written to'}"
    )


def files_below(root: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in sorted(root.rglob("*"))}


def run_installed(installation: Installation, directory: Path, **environment: str) -> Elsewhere:
    """Run with a read-only installation, in a working directory that is read-only too."""
    root, prefix = installation.package.parent, installation.prefix
    before = files_below(root)
    worker = start(
        installation.config, directory, root, package=installation.package, prefix=prefix, **environment
    )
    result = worker.result()
    assert result.package == installation.package
    assert files_below(root) == before
    return result


@pytest.mark.skipif(not _jit.COMPILED, reason="NUMBA_DISABLE_JIT: nothing is compiled")
def test_read_only_installation_with_a_warm_cache_gives_the_digest(
    tmp_path: Path, installation: Installation
) -> None:
    found = run_installed(installation, tmp_path / "run", TRADING_PLATFORM_CACHE=str(installation.cache))

    assert found.compiled == []
    assert found.digest == installation.here.digest


@pytest.mark.parametrize(
    "plain", [pytest.param("1", id="plain"), pytest.param("0", id="compiled", marks=pytest.mark.long)]
)
def test_read_only_installation_without_a_cache_gives_the_digest(
    tmp_path: Path, installation: Installation, plain: str
) -> None:
    """The cache that is named cannot be made: what is compiled goes into the temporary directory."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    absent = installation.package.parent / "absent"
    places = {"TRADING_PLATFORM_CACHE": str(absent), "TMPDIR": str(temporary)}
    found = run_installed(installation, tmp_path / "run", NUMBA_DISABLE_JIT=plain, **places)

    assert (found.compiled == []) == (plain == "1")
    assert found.digest == installation.here.digest


def test_two_runs_in_one_process_give_one_digest(tmp_path: Path) -> None:
    config = maker_config(PARTS[:1], COMPILED, **PROBABILISTIC)
    first, second = run(config, tmp_path / "first"), run(config, tmp_path / "second")

    assert first.digest == second.digest
    assert first.events.tobytes() == second.events.tobytes()


def test_verify_names_a_changed_source_of_the_package(slice_file: Path, tmp_path: Path) -> None:
    done = run(maker_config((slice_file,), INTERPRETED), tmp_path / "run")
    record = read_run(done.directory)
    write_run(done.directory, record | {"source_sha256": "0" * 64})
    (change,) = verify_run(done.directory).changes

    assert change == f"trading_platform source: {'0' * 16} then, {record['source_sha256'][:16]} now"


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
