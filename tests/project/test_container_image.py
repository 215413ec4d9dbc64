"""The image and the dev container, built and run: no rights, a read-only file system, nothing left to compile.

`pytest -m container` needs docker or podman, a package index, and ten minutes.
"""

import functools
import hashlib
import json
import re
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from trading_platform.eventlog.reader import open_log

from .paths import PACKAGE, REPOSITORY, project_files

pytestmark = pytest.mark.container

BUILD_SECONDS: Final = 1800
STRANGER: Final = "54321:54321"  # a user that the image does not know
CONFIG: Final = ("--config", "examples/local/local.json")
CACHE: Final = "/var/cache/trading_platform"
OWN_STRATEGY: Final = """
from pydantic import Field

from trading_platform.strategies.compiled import Wake, compiled_strategy, quote
from trading_platform.strategies.params import Qty, StrategyParams


class JoinParams(StrategyParams):
    order_qty: Qty = Field(gt=0, description="quantity of each order")


@compiled_strategy(JoinParams, wake=Wake.TOUCH | Wake.ORDERS)
def join(state, params, memory):
    book = state.books[0]
    quote(state, 0, 1, 0, book["bid_ticks"], params["order_qty_lots"], 1, 0)
    quote(state, 0, -1, 0, book["ask_ticks"], params["order_qty_lots"], 1, 0)
"""


@functools.cache
def tool() -> str:
    """Return the first container tool that works: a docker client alone, without its daemon, does not."""
    for name in ("docker", "podman"):
        if (
            shutil.which(name)
            and subprocess.run([name, "info"], capture_output=True, check=False).returncode == 0
        ):
            return name
    pytest.fail("`pytest -m container` needs docker with its daemon, or podman: neither answers `info`")


def call(*arguments: str, seconds: float = 300) -> str:
    """Run the container tool; return its standard output."""
    done = subprocess.run([tool(), *arguments], capture_output=True, text=True, timeout=seconds, check=False)
    assert done.returncode == 0, f"{' '.join(arguments)}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def build(context: Path) -> Iterator[str]:
    """Build an image, yield its name, remove it."""
    name = f"trading-platform-test:{uuid.uuid4().hex[:12]}"
    call("build", "--tag", name, str(context), seconds=BUILD_SECONDS)
    try:
        yield name
    finally:
        call("rmi", "--force", name)


@pytest.fixture(scope="module")
def image() -> Iterator[str]:
    """Build the image from the checkout, so that .dockerignore is part of what is tested."""
    yield from build(REPOSITORY)


@pytest.fixture(scope="module")
def dev_image() -> Iterator[str]:
    yield from build(REPOSITORY / ".devcontainer")


@pytest.fixture
def volume() -> Iterator[str]:
    name = f"trading-platform-test-{uuid.uuid4().hex[:12]}"
    call("volume", "create", name)
    yield name
    call("volume", "rm", "--force", name)


def checkout(target: Path) -> Path:
    """Copy the project to where users of the container may write."""
    for path in project_files():
        copy = target / path.relative_to(REPOSITORY)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
        copy.chmod(0o666)
    for folder in (target, *(path for path in target.rglob("*") if path.is_dir())):
        folder.chmod(0o777)
    return target


def locked_down(image: str, *arguments: str, project: Path, options: tuple[str, ...] = ()) -> str:
    """Run the tool without network, rights to write, or anything of the host but the project."""
    hardened = ("--read-only", "--tmpfs=/tmp", "--network=none", "--cap-drop=all")
    mount = f"--volume={project}:/project"
    return call("run", "--rm", *hardened, mount, *options, image, *arguments)


def strategies_in(volume: str, image: str) -> set[str]:
    """Return the names of the compiled strategies in a cache volume."""
    listed = call("run", "--rm", f"--volume={volume}:{CACHE}", "--entrypoint=ls", image, CACHE)
    return set(re.findall(r"^strategy-\w+$", listed, re.MULTILINE))


# --- the image


def test_the_installed_package_is_the_checkout(image: str) -> None:
    """What .dockerignore or an old layer left out or kept would show here."""
    script = (
        "import hashlib, json, pathlib, trading_platform as t; top = pathlib.Path(t.__file__).parent; "
        "print(json.dumps({str(p.relative_to(top)): hashlib.sha256(p.read_bytes()).hexdigest() "
        "for p in top.rglob('*') if p.is_file() and p.suffix != '.pyc'}))"
    )
    installed = json.loads(call("run", "--rm", "--entrypoint=python", image, "-c", script))
    files = [path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert installed == {
        str(path.relative_to(PACKAGE)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }


def test_every_user_gets_one_result_on_a_read_only_file_system(image: str, tmp_path: Path) -> None:
    digests = set()
    for number, user in enumerate(((), (f"--user={STRANGER}",))):
        project = checkout(tmp_path / str(number))
        record = json.loads(locked_down(image, "run", *CONFIG, "--json", project=project, options=user))
        assert record["status"] == "done"
        log = project / "runs" / record["run_id"] / "events.bin"
        assert len(open_log(log).events) == record["log"]["events"] > 0
        again = json.loads(locked_down(image, "verify", "last", "--json", project=project, options=user))
        assert again["same"]
        digests.add(record["log_digest"])
    assert len(digests) == 1


def test_a_run_compiles_nothing(image: str, tmp_path: Path) -> None:
    """On a writable file system, all that was compiled would be in the cache afterwards."""
    name = f"trading-platform-test-{uuid.uuid4().hex[:12]}"
    project = checkout(tmp_path)
    try:
        call("run", f"--name={name}", f"--volume={project}:/project", image, "run", *CONFIG)
        changed = call("diff", name).splitlines()
    finally:
        call("rm", "--force", name)
    assert [line for line in changed if CACHE in line] == []
    assert json.loads(locked_down(image, "warmup", "--json", project=project))["compiled"] == 0


def test_a_volume_keeps_what_a_user_compiled(image: str, volume: str, tmp_path: Path) -> None:
    """A new volume starts as a copy of the image's cache; a user's own strategy joins it once."""
    project = checkout(tmp_path)
    (project / "own.py").write_text(OWN_STRATEGY)
    config: dict[str, Any] = json.loads((project / CONFIG[1]).read_text())
    config["strategy"] = {"class_path": "own:join", "params": {"order_qty": "0.01"}}
    config["engine"]["data_files"] = ["tests/data/parts/part-000.npz"]
    config["output"]["directory"] = "runs"
    (project / "own.json").write_text(json.dumps(config))
    options = (f"--volume={volume}:{CACHE}", f"--user={STRANGER}")
    shipped = strategies_in(volume, image)
    found = []
    for _ in range(2):
        locked_down(image, "run", "--config", "own.json", project=project, options=options)
        found.append(strategies_in(volume, image) - shipped)
    assert shipped
    assert len(found[0]) == 1
    assert found[0] == found[1]


def test_a_stopped_container_leaves_a_readable_record(image: str, tmp_path: Path) -> None:
    """Stopped in the middle of an hour of market, seen by its progress."""
    project = checkout(tmp_path)
    locked_down(image, "data", "synth", "--out", "market.npy", "--seconds", "3600", project=project)
    name = f"trading-platform-test-{uuid.uuid4().hex[:12]}"
    container = [tool(), "run", "--rm", f"--name={name}", f"--volume={project}:/project", image]
    data = 'engine.data_files=["/project/market.npy"]'
    with subprocess.Popen(
        [*container, "run", *CONFIG, "--set", data], stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stderr is not None
        assert any(re.search(r"\d %, ", line) for line in running.stderr)
        call("stop", name)
        assert "stopped by the user" in running.stderr.read()
    assert running.returncode == 130
    (run,) = (project / "runs").iterdir()
    record = json.loads((run / "run.json").read_text())
    assert record["status"] == "interrupted"
    assert len(open_log(run / "events.bin").events) == record["log"]["events"] > 0


def test_the_user_can_change_no_file_and_there_is_nothing_to_compile_with(image: str) -> None:
    script = (
        "id -u; for name in gcc cc c++ g++ clang make ld as; do command -v $name; done; "
        "find / -xdev -type f -writable -not -path '/proc/*' -not -path '/sys/*'; "
        "true"  # find counts what it may not enter as an error
    )
    assert call("run", "--rm", "--entrypoint=sh", image, "-c", script).split() == ["1000"]


def test_no_cache_of_a_package_manager_is_left(image: str) -> None:
    found = call("run", "--rm", "--user=0", "--entrypoint=find", image, "/", "-xdev", "-path", "*/.cache/*")
    assert found == ""


# --- the dev container


def test_the_commands_of_the_readme_work_in_the_dev_container(
    dev_image: str, volume: str, tmp_path: Path
) -> None:
    """Create it as its configuration says, with nothing installed by hand."""
    settings = json.loads((REPOSITORY / ".devcontainer" / "devcontainer.json").read_text())
    folder = settings["workspaceFolder"]
    path = settings["remoteEnv"]["PATH"].replace("${containerWorkspaceFolder}", folder)
    script = " && ".join(
        [
            f"export PATH={path.replace('${containerEnv:PATH}', '$PATH')}",
            settings["postCreateCommand"],
            "id -un && git --version && trading-platform warmup --json",
            "bash scripts/quickstart.sh",
            "trading-platform verify last",
        ]
    )
    (mount,) = settings["mounts"]
    said = call(
        "run", "--rm", "--network=host", f"--workdir={folder}", f"--volume={checkout(tmp_path)}:{folder}",
        f"--volume={volume}:{mount['target']}", dev_image, "bash", "-c", script,
        seconds=BUILD_SECONDS,
    )  # fmt: skip
    assert settings["remoteUser"] in said.split()
    assert re.search(r"^git version 2", said, re.MULTILINE)
    assert '{"compiled": 0,' in said
    assert re.search(r"^wrote runs/local-", said, re.MULTILINE)
    assert re.search(r"^same: [0-9a-f]{64}$", said, re.MULTILINE)


def test_the_environment_belongs_to_whoever_the_developer_is(dev_image: str, volume: str) -> None:
    """On Linux the tools give the developer the id of the host's user: .venv must be writable all the same."""
    settings = json.loads((REPOSITORY / ".devcontainer" / "devcontainer.json").read_text())
    (mount,) = settings["mounts"]
    command = ("python", "-m", "venv", "--without-pip", mount["target"])
    call("run", "--rm", f"--user={STRANGER}", f"--volume={volume}:{mount['target']}", dev_image, *command)
