"""A person at a terminal: types into a real shell, reads what it answers, keeps the transcript."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pexpect

PROMPT: Final = "tour> "
COLUMNS: Final = 140
_CONTROL: Final = re.compile(r"\x1b(\[[0-9;?]*[ -/]*[@-~]|\][^\x07]*\x07|[()][A-Z0-9]|[=>])|\r")


@dataclass(frozen=True)
class Answer:
    """What the shell said to one command, without control sequences, and the exit code."""

    command: str
    code: int
    text: str


class Terminal:
    """A bash on a pseudo-terminal."""

    def __init__(self, directory: Path, environment: Mapping[str, str], transcript: Path) -> None:
        self._transcript = transcript
        self._shell = pexpect.spawn(
            "bash",
            ["--norc", "--noprofile"],
            cwd=str(directory),
            env={**environment, "PS1": PROMPT, "TERM": "xterm-256color", "PROMPT_COMMAND": ""},
            dimensions=(50, COLUMNS),
            encoding="utf-8",
            codec_errors="replace",
            timeout=60,
        )
        self._shell.delaybeforesend = None
        self._shell.expect_exact(PROMPT)
        self._enter("bind 'set enable-bracketed-paste off'; stty -echo")

    def run(self, command: str, *, seconds: float = 60) -> Answer:
        """Type a command and wait for the prompt."""
        self.start(command)
        return self.finish(command, seconds=seconds)

    def start(self, command: str) -> None:
        """Type a command, and do not wait for its end."""
        self._shell.sendline(command)

    def wait_for(self, text: str, *, seconds: float = 60) -> str:
        """Return what was printed up to ``text``, which must come."""
        self._shell.expect_exact(text, timeout=seconds)
        return plain(self._shell.before) + text

    def type(self, text: str) -> None:
        """Type a line to the program that runs."""
        self._shell.sendline(text)

    def press_ctrl_c(self) -> None:
        """Interrupt the program that runs."""
        self._shell.sendintr()

    def finish(self, command: str, *, seconds: float = 60) -> Answer:
        """Wait for the prompt after ``start``."""
        text = self._until_prompt(seconds)
        self._shell.sendline("echo code=$?")
        code = int(self._until_prompt(5).strip().removeprefix("code="))
        with self._transcript.open("a", encoding="utf-8") as file:
            file.write(f"$ {command}\n{text}[exit code {code}]\n\n")
        return Answer(command, code, text)

    def close(self) -> None:
        """End the shell."""
        self._shell.close(force=True)

    def _enter(self, command: str) -> None:
        self._shell.sendline(command)
        self._until_prompt(5)

    def _until_prompt(self, seconds: float) -> str:
        self._shell.expect_exact(PROMPT, timeout=seconds)
        return plain(self._shell.before)


def plain(text: str) -> str:
    """Return what is left on the screen: no colours or cursor movements, of an overwritten line the last state."""
    lines = (re.split(r"\x1b\[2K|\r", line.rstrip("\r"))[-1] for line in text.split("\n"))
    return "\n".join(_CONTROL.sub("", line).rstrip() for line in lines)


def clean_environment(bin_directory: Path, home: Path) -> dict[str, str]:
    """Return the environment of a new user: a PATH, a home, and the cache of compiled kernels that is there."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name
        in ("LANG", "TRADING_PLATFORM_CACHE", "XDG_CACHE_HOME", "SSL_CERT_FILE", "COVERAGE_PROCESS_START")
        or name.startswith("PIP_")
    }
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return {
        "XDG_CACHE_HOME": cache,
        **kept,
        "PATH": f"{bin_directory}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home),
        "NUMBA_NUM_THREADS": "1",
    }
