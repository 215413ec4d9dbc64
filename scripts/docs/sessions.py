"""Run what the documentation tells the reader to run, and put what comes out where the reader sees it.

``python -m scripts.docs.sessions [PAGE ...]`` runs the pages in a temporary copy of the examples and writes the outputs
(and the picture of the README) into them; the tests run them the same way and compare.

What is executed, in the order of the page: ``bash`` blocks (every line must succeed), ``console`` blocks (lines that
start with ``$``; what follows is the output; ``# exit code N`` at the end of a command says that it fails), ``python``
blocks (one namespace a page). A block with a ``title`` is a file, written before what follows it.
"""

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from .blocks import Block, blocks
from .picture import draw_run

REPOSITORY: Final = Path(__file__).resolve().parents[2]
PICTURE: Final = REPOSITORY / "docs" / "pictures" / "local_run.svg"
COPIED: Final = ("examples", "tests/data/parts")
SHOWN_HOME: Final = "/home/you/trading_platform"  # what the pages show instead of the temporary copy
TIMEOUT_S: Final = 300
# pages that are run, in this order: the tour goes on with the run of the README, the one that quickstart.sh makes
PAGES: Final = (
    "README.md",
    "docs/tour.md",
    "docs/index.md",
    "docs/concepts.md",
    "docs/architecture.md",
    "docs/engine.md",
    "docs/migration.md",
    "docs/how-to/write_a_strategy.md",
    "docs/how-to/debug_a_strategy.md",
    "docs/how-to/read_a_run.md",
    "docs/how-to/use_your_own_data.md",
    "docs/how-to/bars.md",
    "docs/how-to/indicators.md",
    "docs/how-to/convert_recordings.md",
    "docs/how-to/add_a_source.md",
    "docs/how-to/certify_data.md",
    "docs/how-to/order_latency.md",
    "docs/how-to/catalogue.md",
    "docs/how-to/fetch_data.md",
    "docs/how-to/add_a_limit.md",
    "docs/how-to/add_an_event.md",
    "docs/how-to/add_a_venue.md",
    "docs/how-to/container.md",
    "docs/reference/python.md",
)
# command -> why it is not executed here, and what proves it instead
NOT_EXECUTED: Final[Mapping[str, str]] = {
    r"bash scripts/quickstart\.sh": "installs an environment: tests/tour does it from a fresh clone",
    r"bash scripts/test\.sh": "installs an environment and runs these tests: CI runs it",
    r"bash scripts/check\.sh": "runs these tests: CI runs it",
    r"source \.venv/bin/activate": "belongs to the reader's shell",
    r"trading-platform data fetch binance .*--date \S+\.\.\S+ .*": "needs the network: tests/market_data has a server",
    r"(docker|podman|devcontainer) .*": "needs a container engine: tests/project builds the image",
    r"trading-platform run .*--debug.*": "asks for a terminal: tests/authoring drives it through one",
    r"python -m scripts\.docs\..*": "writes the documentation: its drift tests call the same functions",
}
_EXIT: Final = re.compile(r"\s+# exit code (\d+)$")
_COMMENT: Final = re.compile(r"\s{2,}# .*$")
_PROGRESS: Final = re.compile(
    r"^(running|verifying|compiling|converting|synthesizing|checking|certifying|cleaning|making)\b.*( %, | \.\.\.$)"
)
_MASKS: Final = (
    (re.compile(r"\b\d{8}T\d{6}Z(-\d+)?"), "<start>"),
    (re.compile(r"^git +[0-9a-f]{12}\b"), "git <hash>"),
    (re.compile(r"\b(?=\d*[a-f])[0-9a-f]{12,64}\b"), "<hash>"),  # not the long numbers: times of the market
    (re.compile(r"\b20(?!24-08-01)\d\d-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+00:00| UTC)?"), "<time>"),
    (re.compile(r"\bin \d+(\.\d+)?\s?m?s\b"), "in <seconds>"),
    (re.compile(r"\(\d[\d,]* a second\)"), "(<rate>)"),
    (re.compile(r"\b\d[\d,]* wakeups/s\b"), "<rate>"),
    (re.compile(r"[─━┄╌-]{3,}"), "---"),
    (re.compile(r"\s+"), " "),
    (re.compile(r"^(\S+ <time> .*) \d+\.\d+( [a-z]\S*)?$"), r"\1 <seconds>\2"),  # runs ls: wall time, tags
)


@dataclass(frozen=True)
class Ran:
    """One command as it was run."""

    block: Block
    command: str
    wanted_exit: int
    exit_code: int
    output: tuple[str, ...]


@dataclass
class Session:
    """A temporary copy of the project in which pages are run."""

    directory: Path
    ran: list[Ran] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    _unchanged_from: int = 0  # place in ``ran``: since then no page wrote a file

    def run_page(self, page: Path) -> None:
        """Do what a page says, top to bottom; failures are collected."""
        namespace: dict[str, Any] = {"__name__": page.stem}
        for block in blocks(page):
            if block.title:
                self._write(block)
            elif block.language == "bash":
                for command in _bash_commands(block):
                    self._command(block, command)
            elif block.language == "console":
                for command, _shown in console_commands(block):
                    self._command(block, command)
            elif block.language == "python":
                self._python(block, namespace)

    def _write(self, block: Block) -> None:
        path = self.directory / block.title
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")
        self._unchanged_from = len(self.ran)

    def _command(self, block: Block, written: str) -> None:
        exits = _EXIT.search(written)
        command = _COMMENT.sub("", _EXIT.sub("", written)).strip()
        if reason := not_executed(command):
            self.skipped.append((command, reason))
            return
        if command.startswith("trading-platform run ") and (same := self._earlier(written)):
            self.ran.append(replace(same, block=block))  # a run comes out the same: once is enough
            return
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.directory,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        shown = done.stdout.replace(str(self.directory), SHOWN_HOME).splitlines()
        output = tuple(line.rstrip() for line in shown if not _PROGRESS.match(line))
        wanted = int(exits[1]) if exits else 0
        self.ran.append(Ran(block, written, wanted, done.returncode, output))
        if done.returncode != wanted:
            self.failures.append(
                f"{block.place}: `{command}` must end with exit code {wanted}, was {done.returncode}:\n"
                + "\n".join(output)
            )

    def _earlier(self, written: str) -> Ran | None:
        return next((one for one in self.ran[self._unchanged_from :] if one.command == written), None)

    def _python(self, block: Block, namespace: dict[str, Any]) -> None:
        code = compile(block.text, f"{block.page}:{block.first + 1}", "exec")
        before, search = Path.cwd(), list(sys.path)
        os.chdir(self.directory)
        sys.path.insert(0, str(self.directory))
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                exec(code, namespace)
        except Exception as error:
            error.add_note(f"in the python block at {block.place}")
            raise
        finally:
            os.chdir(before)
            sys.path[:] = search


def not_executed(command: str) -> str:
    """Return why a command is not executed, "" if it is."""
    return next(
        (reason for pattern, reason in NOT_EXECUTED.items() if re.fullmatch(pattern, command, re.DOTALL)), ""
    )


def console_commands(block: Block) -> Iterator[tuple[str, list[str]]]:
    """Yield each command of a console block with the output that the page shows."""
    command = ""
    shown: list[str] = []
    for line in block.lines:
        if line.startswith("$ "):
            if command:
                yield command, shown
            command, shown = line[2:], []
        elif command.endswith("\\"):
            command += "\n" + line
        else:
            shown.append(line)
    if command:
        yield command, shown


def mask(line: str) -> str:
    """Return a line without what differs from run to run: times of the clock, hashes, speeds, widths."""
    for pattern, text in _MASKS:
        line = pattern.sub(text, line)
    return line.strip()


@contextlib.contextmanager
def session() -> Iterator[Session]:
    """Yield a session in a temporary copy of what the pages need; it is removed at the end."""
    with tempfile.TemporaryDirectory(prefix="trading-platform-docs-") as name:
        directory = Path(name).resolve() / "trading_platform"
        for part in COPIED:
            ignore = shutil.ignore_patterns("__pycache__", "runs")
            shutil.copytree(REPOSITORY / part, directory / part, ignore=ignore)
        yield Session(directory)


def run_pages(held: Session, pages: tuple[str, ...] = PAGES) -> None:
    """Run pages in their order."""
    for name in pages:
        held.run_page(REPOSITORY / name)


def with_outputs(page: Path, ran: list[Ran]) -> str:
    """Return the text of a page with the outputs of the commands that were run."""
    lines = page.read_text(encoding="utf-8").splitlines()
    for block in reversed([block for block in blocks(page) if block.language == "console"]):
        outputs = {one.command: one.output for one in ran if one.block == block}
        new = []
        for command, shown in console_commands(block):
            new += [f"$ {command}", *outputs.get(command, shown)]
        lines[block.first : block.last] = new
    return "\n".join(lines) + "\n"


def picture_run(held: Session) -> Path:
    """Return the run that the picture shows: the one of the README."""
    found = [
        path for path in sorted((held.directory / "runs").glob("local-*")) if (path / "run.json").is_file()
    ]
    return found[0]


def main() -> int:
    """Write outputs and picture; return 1 if a command failed."""
    pages = tuple(sys.argv[1:]) or PAGES
    with session() as held:
        run_pages(held, pages)
        for name in pages:
            page = REPOSITORY / name
            text = with_outputs(page, [one for one in held.ran if one.block.page == page])
            if text != page.read_text(encoding="utf-8"):
                page.write_text(text, encoding="utf-8")
                print(f"wrote {name}")
        if pages[0] == PAGES[0]:
            PICTURE.write_text(draw_run(picture_run(held)), encoding="utf-8")
    for failure in held.failures:
        print(failure, file=sys.stderr)
    return int(bool(held.failures))


def _bash_commands(block: Block) -> Iterator[str]:
    """Yield the commands of a bash block: one a line, a backslash goes on."""
    command = ""
    for line in block.lines:
        command += line
        if line.endswith("\\"):
            command += "\n"
        elif command.strip() and not command.lstrip().startswith("#"):
            yield command
            command = ""
        else:
            command = ""


def _environment() -> dict[str, str]:
    """Return the environment of a reader: this interpreter's programs first, no colours, no settings of the tests."""
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("TRADING_PLATFORM_", "PYTEST"))
    }
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    plain = {"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "120", "PYTHONUNBUFFERED": "1"}
    if cache := os.environ.get("TRADING_PLATFORM_CACHE"):
        plain["TRADING_PLATFORM_CACHE"] = cache
    return kept | plain | {"PATH": programs}


if __name__ == "__main__":
    sys.exit(main())
