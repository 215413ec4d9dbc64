"""The reference of the command line, made from the application itself."""

from collections.abc import Iterator
from typing import Any, Final

import typer

from trading_platform.cli.app import app

from .markdown import NOTE, code, table

PROGRAM: Final = "trading-platform"
EXAMPLE: Final = "Example:"
EXIT_CODES: Final = (
    ("0", "done"),
    ("1", "the run failed, or what was compared is different"),
    ("2", "bad input: an argument, the config or the data; nothing was run"),
    ("75", "try again later"),
    ("130", "interrupted by Ctrl-C or SIGTERM"),
)


def cli_page() -> str:
    """Return the page: one section a command."""
    root: Any = typer.main.get_command(app)
    text = NOTE + "# Command line\n\n"
    text += (
        f"`{PROGRAM} COMMAND --help` says the same. Results go to standard output; progress, logs and errors go to "
        "standard error. With `--json` standard output is one JSON value. A `RUN` is a run directory, the id of a run "
        "in the runs directory (`--runs`, else `TRADING_PLATFORM_RUNS`, else `runs`), or `last`.\n\n"
    )
    text += "## Exit codes\n\n" + table(("code", "meaning"), EXIT_CODES)
    text += "\n## Options before the command\n\n" + _parameters(root)
    for path, command in _commands(root, PROGRAM):
        about, example = _help(command)
        text += f"\n## {path.removeprefix(PROGRAM + ' ')}\n\n{about}\n\n"
        text += f"```text\n{_usage(path, command)}\n```\n\n"
        if example:
            text += f"Example: `{example}`\n\n"
        text += _parameters(command)
    return text


def _commands(group: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield every command that does something, with its full name."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{path} {name}")
        elif not command.hidden:
            yield f"{path} {name}", command


def _help(command: Any) -> tuple[str, str]:
    """Return description and example of a command."""
    about, example = [], ""
    for line in (command.help or "").strip().splitlines():
        if line.strip().startswith(EXAMPLE):
            example = line.strip().removeprefix(EXAMPLE).strip()
        else:
            about.append(line.strip())
    return "\n".join(about).strip(), example


def _usage(path: str, command: Any) -> str:
    """Return the command with its arguments; optional ones in brackets."""
    words = [path]
    for one in _shown(command):
        if one.param_type_name == "argument":
            name = _placeholder(one).rstrip(".") + ("..." if one.nargs == -1 else "")
            words.append(name if one.required else f"[{name}]")
        elif one.required:
            words.append(f"{one.opts[0]} {_placeholder(one)}")
    return " ".join([*words, "[options]"])


def _parameters(command: Any) -> str:
    rows = []
    for one in _shown(command):
        argument = one.param_type_name == "argument"
        names = _placeholder(one) if argument else ", ".join([*one.opts, *one.secondary_opts])
        rows.append((code(names), _default(one), one.help or ""))
    return table(("argument or option", "default", "meaning"), rows)


def _default(one: Any) -> str:
    value = one.default
    if one.required:
        return "required"
    if value is None or value is False or callable(value) or value in ([], ()):
        return ""
    return code(str(value))


def _placeholder(one: Any) -> str:
    return str(one.metavar or one.name.removeprefix("_").upper())


def _shown(command: Any) -> list[Any]:
    return [one for one in command.params if not getattr(one, "hidden", False) and one.name != "help"]
