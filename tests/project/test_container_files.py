"""What the image and the dev container promise can be read from their files: who runs, what is inside, what stays out.

The builds themselves are in test_container_image.py.
"""

import json
import os
import re
import subprocess
import sysconfig
import tomllib
from pathlib import Path, PurePosixPath
from typing import Any, Final

import jsonschema
import pytest
from packaging.specifiers import SpecifierSet

from trading_platform import __version__

from .paths import PACKAGE, REPOSITORY

HADOLINT: Final = Path(sysconfig.get_path("scripts")) / "hadolint"  # of the dev extra
IMAGE: Final = REPOSITORY / "Dockerfile"
DEV_IMAGE: Final = REPOSITORY / ".devcontainer" / "Dockerfile"
BOTH: Final = pytest.mark.parametrize(
    "dockerfile", [IMAGE, DEV_IMAGE], ids=lambda path: str(path.relative_to(REPOSITORY))
)
DEV_CONTAINER: Final[dict[str, Any]] = json.loads(
    (REPOSITORY / ".devcontainer" / "devcontainer.json").read_text()
)
SCHEMAS: Final = Path(os.environ.get("TRADING_PLATFORM_SCHEMAS") or REPOSITORY.parent / "shared" / "schemas")
PROJECT: Final = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]

Instruction = tuple[str, str]


def instructions(dockerfile: Path) -> list[Instruction]:
    """Return (keyword, rest) of each instruction: comments dropped, continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", dockerfile.read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    pairs = (line.partition(" ") for line in lines if line.strip())
    return [(keyword, rest.strip()) for keyword, _, rest in pairs]


def final_stage(dockerfile: Path) -> list[Instruction]:
    """Return the instructions of what is shipped."""
    found = instructions(dockerfile)
    last = max(index for index, (keyword, _) in enumerate(found) if keyword == "FROM")
    return found[last:]


def values(found: list[Instruction], keyword: str) -> list[str]:
    """Return what follows a keyword, in order."""
    return [rest for name, rest in found if name == keyword]


def context_patterns() -> list[tuple[bool, str]]:
    """Return (is let in, pattern) of each line of .dockerignore."""
    lines = (REPOSITORY / ".dockerignore").read_text().splitlines()
    return [
        (line.startswith("!"), line.removeprefix("!")) for line in lines if line and not line.startswith("#")
    ]


def is_sent(path: str) -> bool:
    """Tell whether a file reaches the builder: the last pattern decides that fits it or a directory above it."""
    sent = True
    places = [path, *(str(parent) for parent in PurePosixPath(path).parents)][:-1]
    for lets_in, pattern in context_patterns():
        expression = re.escape(pattern).replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]*")
        if any(re.fullmatch(expression, place) for place in places):
            sent = lets_in
    return sent


# --- both files


@BOTH
def test_hadolint_finds_nothing(dockerfile: Path) -> None:
    done = subprocess.run([HADOLINT, dockerfile], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    assert "hadolint ignore" not in dockerfile.read_text()


def test_hadolint_is_awake() -> None:
    bad = "FROM python:latest\nRUN apt-get install gcc\n"
    done = subprocess.run([HADOLINT, "-"], input=bad, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert {"DL3007", "DL3008"} <= set(re.findall(r"DL\d{4}", done.stdout))


@BOTH
def test_the_base_is_one_supported_python_by_an_exact_tag(dockerfile: Path) -> None:
    """Image and dev container on different bases would be two things to keep right."""
    bases = {rest.partition(" AS ")[0] for rest in values(instructions(dockerfile), "FROM")}
    assert bases == {"python:3.11-slim-bookworm"}
    assert SpecifierSet(PROJECT["requires-python"]).contains("3.11.0")


@BOTH
def test_the_user_is_numeric_and_not_root(dockerfile: Path) -> None:
    """By name, Kubernetes could not tell that the user is not root (`runAsNonRoot`)."""
    (user,) = values(final_stage(dockerfile), "USER")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)


@BOTH
def test_no_secret_has_a_place_in_a_layer(dockerfile: Path) -> None:
    named = " ".join(values(instructions(dockerfile), "ARG") + values(instructions(dockerfile), "ENV"))
    assert re.findall(r"\w*(?:TOKEN|PASSWORD|SECRET|CREDENTIAL|INDEX_URL)\w*", named, re.IGNORECASE) == []
    assert not any("pip.conf" in rest for rest in values(instructions(dockerfile), "COPY"))


# --- the image


def test_the_final_stage_takes_installed_files_alone() -> None:
    """No sources, package index or package manager: what could compile or download stays in the first stage.

    Copied, never mounted: builders before BuildKit leave mounts out of a cached RUN's key, and would ship old code.
    """
    stage = final_stage(IMAGE)
    copies = values(stage, "COPY")
    assert [copy.split()[:2] for copy in copies] == [
        ["--from=build", "/install/dependencies"],
        ["--from=build", "/install/project"],
    ]
    assert values(stage, "ADD") == []
    assert not any("--mount" in command or "pip install" in command for command in values(stage, "RUN"))
    assert not any(re.search(r"\b(apt|apt-get|gcc|curl|wget)\b", rest) for rest in values(stage, "RUN"))


def test_every_installed_version_comes_from_the_lock() -> None:
    (resolve,) = [rest for rest in values(instructions(IMAGE), "RUN") if "--requirement" in rest]
    assert "--constraint requirements.lock" in resolve
    assert "--only-binary :all:" in resolve
    (project,) = [rest for rest in values(instructions(IMAGE), "RUN") if "pip wheel" in rest]
    assert "pip install --no-index --no-deps " in project


def test_kernels_are_compiled_at_build_for_a_named_cpu() -> None:
    """The settings are part of the cache's key: set after the warmup, the first start would compile everything."""
    stage = final_stage(IMAGE)
    (environment,) = values(stage, "ENV")
    assert 'NUMBA_CPU_NAME=$CPU_NAME NUMBA_CPU_FEATURES="" TRADING_PLATFORM_CACHE=/' in environment
    assert "CPU_NAME=x86-64-v3" in values(stage, "ARG")
    (warmup,) = [
        index
        for index, (name, rest) in enumerate(stage)
        if name == "RUN" and "trading-platform warmup" in rest
    ]
    assert stage.index(("ENV", environment)) < warmup
    later = [name for name, _ in stage[warmup + 1 :]]
    assert "RUN" not in later
    assert "ENV" not in later


def test_the_image_starts_the_tool_itself() -> None:
    """Through a shell, a stop signal would not reach it, and an interrupted run could not finish its record."""
    (entrypoint,) = values(final_stage(IMAGE), "ENTRYPOINT")
    (command,) = json.loads(entrypoint)
    assert command in PROJECT["scripts"]


def test_the_labels_agree_with_the_project() -> None:
    (labels,) = values(final_stage(IMAGE), "LABEL")
    found = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', labels))
    assert found["version"] == __version__
    assert found["licenses"] == PROJECT["license"]


def test_the_context_is_what_the_dockerfile_copies() -> None:
    """Less would break the build, more would let a stray file into it."""
    from_context = [rest for rest in values(instructions(IMAGE), "COPY") if not rest.startswith("--from=")]
    copied = {name for rest in from_context for name in rest.split()[:-1]}
    assert {pattern for lets_in, pattern in context_patterns() if lets_in} == copied
    assert all((REPOSITORY / name).exists() for name in copied)


@pytest.mark.parametrize(
    "path",
    [
        ".devcontainer/Dockerfile",
        ".env",
        ".git/config",
        ".venv/bin/python",
        "Dockerfile",
        "data/day.npz",
        "dist/trading_platform-0.1.0.tar.gz",
        "runs/local/run.json",
        "tests/data/parts/part-000.npz",
        "trading_platform.egg-info/PKG-INFO",
        "trading_platform/core/__pycache__/step.cpython-311.pyc",
        "trading_platform/__pycache__/app.cpython-311.pyc",
    ],
)
def test_what_is_no_source_stays_out_of_the_context(path: str) -> None:
    assert not is_sent(path)


def test_the_whole_package_is_in_the_context() -> None:
    files = [
        path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix in (".py", ".json", ".typed")
    ]
    assert len(files) > 50
    assert [path for path in files if not is_sent(str(path.relative_to(REPOSITORY)))] == []


# --- the dev container


def dev_container_errors(content: dict[str, Any]) -> list[str]:
    """Return what the published schema says against a devcontainer.json."""
    path = SCHEMAS / "devContainer.base.schema.json"
    if not path.is_file():
        pytest.skip(
            f"{path} is absent: get schemas/devContainer.base.schema.json from "
            "https://github.com/devcontainers/spec and name its directory with TRADING_PLATFORM_SCHEMAS"
        )
    validator = jsonschema.Draft201909Validator(json.loads(path.read_text()))
    return [error.message for error in validator.iter_errors(content)]


def test_the_dev_container_is_valid() -> None:
    assert dev_container_errors(DEV_CONTAINER) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"postCreateComand": "x"},
        {"updateRemoteUserUID": "yes"},
        {"mounts": [{"type": "volumes", "target": "x"}]},
    ],
)
def test_the_schema_finds_a_mistake(wrong: dict[str, Any]) -> None:
    assert dev_container_errors(DEV_CONTAINER | wrong) != []


def test_the_developer_is_a_user_of_the_image_and_not_root() -> None:
    (user,) = values(instructions(DEV_IMAGE), "USER")
    (create,) = values(instructions(DEV_IMAGE), "RUN")
    assert f"useradd --create-home --uid {user.partition(':')[0]} " in create
    assert f" {DEV_CONTAINER['remoteUser']} " in create


def test_the_environment_is_a_volume_that_every_user_may_write() -> None:
    """Shared with the host's checkout, .venv would hold the links of one and break the other."""
    (mount,) = DEV_CONTAINER["mounts"]
    assert mount["type"] == "volume"
    assert mount["target"] == f"{DEV_CONTAINER['workspaceFolder']}/.venv"
    assert f"target={DEV_CONTAINER['workspaceFolder']}" in DEV_CONTAINER["workspaceMount"].split(",")
    (create,) = values(instructions(DEV_IMAGE), "RUN")
    assert f"install --directory --mode=1777 {mount['target']}" in create


def test_creating_the_dev_container_leaves_nothing_to_install_or_compile() -> None:
    steps = DEV_CONTAINER["postCreateCommand"].split(" && ")
    assert steps == ["bash scripts/setup.sh dev", ".venv/bin/trading-platform warmup"]
    environment = DEV_CONTAINER["remoteEnv"]["PATH"]
    assert environment.startswith("${containerWorkspaceFolder}/.venv/bin:")
