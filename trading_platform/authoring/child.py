"""A process that imports a user's strategy: what it prints, breaks or never ends does not touch the command line.

``python -m trading_platform.authoring.child`` reads one JSON request from standard input and answers with one JSON
object on standard output: ``{"answer": ...}``, or ``{"error": text, "exit_code": n}``.
"""

import json
import os
import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..model.errors import ConfigError, TradingPlatformError
from .findings import ERROR, Finding

if TYPE_CHECKING:
    from ..strategies.registry import StrategyImportError

Answer = dict[str, Any]


def main() -> int:
    """Serve one request."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a strategy prints is no answer
    request = json.load(sys.stdin)
    answer: Answer
    try:
        answer = {"answer": COMMANDS[request["do"]](request)}
    except TradingPlatformError as error:
        answer = {"error": str(error), "exit_code": error.exit_code}
    print(json.dumps(answer), file=answers, flush=True)
    return 0


def _observe(request: Answer) -> Answer:
    from ..config.load import config_from_dict
    from ..strategies.registry import StrategyImportError, load_strategy
    from .market import guessed_params, small_config, write_market
    from .observe import observe
    from .replay import save_calls

    class_path, scratch, search = request["class_path"], Path(request["scratch"]), Path(request["search"])
    try:
        strategy = load_strategy(class_path, search)
    except StrategyImportError as error:
        return {"findings": [_import_finding(error, class_path, search).to_json()]}
    guessed: dict[str, Any] = {}
    if request["config"] is not None:
        config = config_from_dict(request["config"], scratch)
    else:
        given = {key.removeprefix("strategy.params.") for key in request["overrides"]}
        guessed = {
            name: value for name, value in guessed_params(strategy.Params).items() if name not in given
        }
        market = scratch / "market.npz"
        if not market.exists():
            write_market(market)
        config = small_config(class_path, guessed, market, request["overrides"])
    (scratch / "events.bin").unlink(missing_ok=True)  # of the run before
    probes: Mapping[int, list[int]] = {int(call): words for call, words in request["probes"].items()}
    try:
        seen = observe(config, search, scratch, probes)
    except ConfigError as error:
        if not guessed:
            raise
        raise ConfigError(
            f"{error}\nwithout --config, parameters are guessed ({json.dumps(guessed)}): "
            "give yours with --set strategy.params.NAME=VALUE"
        ) from error
    if seen.calls.start is not None:
        save_calls(scratch, seen.calls, seen.lengths)
    return {
        "form": seen.form,
        "file": str(seen.file),
        "guessed": guessed,
        "facts": seen.facts,
        "findings": [found.to_json() for found in seen.findings],
        "writes": [[write.call, write.word] for write in seen.calls.writes.values()],
        "lines": [[call, word, *line] for (call, word), line in seen.calls.lines.items()],
    }


def _replay(request: Answer) -> Answer:
    from .replay import replay

    findings, differences, count = replay(
        request["class_path"], Path(request["search"]), Path(request["file"]), Path(request["scratch"])
    )
    return {
        "calls": count,
        "findings": [found.to_json() for found in findings],
        "differences": [[one.call, one.word, one.finding().to_json()] for one in differences],
    }


def _list(request: Answer) -> Answer:
    from .catalog import list_strategies

    directory = Path(request["directory"]) if request["directory"] else None
    return {"strategies": list_strategies(directory)}


def _import_finding(error: "StrategyImportError", class_path: str, search: Path) -> Finding:
    """Return the finding for a module that raises while it is imported."""
    module = class_path.partition(":")[0]
    if isinstance(error.__cause__, SyntaxError):
        return Finding("syntax", ERROR, error.file, error.line, error.reason, "correct the line")
    return Finding(
        "import-failed",
        ERROR,
        error.file,
        error.line,
        f"the module {module} cannot be imported: {error.reason}",
        f"`cd {shlex.quote(str(search))} && python -c 'import {module}'` shows all of the traceback",
    )


COMMANDS: Final[Mapping[str, Callable[[Answer], Answer]]] = {
    "observe": _observe,
    "replay": _replay,
    "list": _list,
}

if __name__ == "__main__":
    sys.exit(main())
