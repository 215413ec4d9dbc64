"""The ten-minute tour of docs/tour.md, typed at a terminal, with a mistake at each step.

Every step asserts what a new user has to see; all of it is in the transcript.
"""

import re

from .terminal import Answer, Terminal

MINUTES = 60.0
LOCAL = "trading-platform run --config examples/local/local.json"


def take_tour(terminal: Terminal) -> None:
    """Do the whole tour in a directory that holds the repository's examples and bundled data."""
    _look_around(terminal)
    _run(terminal)
    _read_orders(terminal)
    _configure(terminal)
    _write_a_strategy(terminal)
    _stop_and_debug(terminal)
    _repeat(terminal)
    _keep_order(terminal)
    _use_data(terminal)


def _look_around(terminal: Terminal) -> None:
    mistyped = _bad(terminal.run("trading-platform rum"), 2)
    assert "Did you mean 'run'" in mistyped.text
    text = _good(terminal.run("trading-platform --help")).text
    for command in ("run", "verify", "orders", "runs", "config", "schema", "strategy", "data", "warmup"):
        assert re.search(rf"^│ {command} ", text, re.MULTILINE), command


def _run(terminal: Terminal) -> None:
    absent = _bad(terminal.run("trading-platform run --config examples/local/locl.json"), 2)
    assert "examples/local/locl.json" in absent.text
    typo = _bad(terminal.run(f"{LOCAL} --set risk.postion_limits.max_position=2"), 2)
    assert "did you mean position_limits" in typo.text
    done = _good(terminal.run(f"{LOCAL} --set output.run_id=first", seconds=3 * MINUTES)).text
    assert "net profit" in done
    assert re.search(r"fills +[1-9][\d,]*, 100% as maker", done)
    assert "wrote runs/first" in done
    assert "next: trading-platform orders runs/first" in done


def _read_orders(terminal: Terminal) -> None:
    assert "sent" in _good(terminal.run("trading-platform orders last")).text
    unknown = _bad(terminal.run("trading-platform orders last --id 99999999"), 2)
    assert "99999999" in unknown.text
    story = _good(terminal.run("trading-platform orders last --id 1")).text
    assert "the strategy asked: buy 0.010 BTC" in story
    assert "acknowledged after" in story
    denied = _good(terminal.run("trading-platform orders last --denied --limit 3")).text
    assert "SELF_CROSS" in denied or "POSITION" in denied


def _configure(terminal: Terminal) -> None:
    check = "trading-platform config check --config examples/local/local.json"
    negative = _bad(terminal.run(f"{check} --set risk.max_loss.max_drawdown=-2000"), 2)
    assert "write 2000" in negative.text
    words = _good(terminal.run(check)).text
    assert "position at most 1 BTC" in words
    assert "FEES_ZERO" in words
    origins = _good(
        terminal.run(
            "TRADING_PLATFORM__RISK__SCOPE=night trading-platform config show --origin "
            "--config examples/local/local.json --set engine.max_wakeups=500"
        )
    ).text
    assert re.search(r"risk\.scope +\"night\" +.*TRADING_PLATFORM__RISK__SCOPE", origins)
    assert re.search(r"engine\.max_wakeups +500 +.*--set", origins)


def _write_a_strategy(terminal: Terminal) -> None:
    misnamed = _bad(terminal.run("trading-platform strategy new my-maker"), 2)
    assert "my_maker" in misnamed.text
    _good(terminal.run("trading-platform strategy new MyMaker"))
    again = _bad(terminal.run("trading-platform strategy new MyMaker"), 2)
    assert "my_maker.py" in again.text
    assert "2 passed" in _good(terminal.run("python -m pytest test_my_maker.py", seconds=3 * MINUTES)).text
    assert "my_maker:MyMaker" in _good(terminal.run("trading-platform strategy ls --dir .")).text
    _good(terminal.run("sed -i.bak 's/bid_ticks()/bid_tick()/' my_maker.py"))
    broken = _bad(terminal.run("trading-platform strategy check my_maker:MyMaker", seconds=2 * MINUTES), 1)
    assert re.search(r"my_maker\.py:\d+", broken.text)
    assert "bid_ticks" in broken.text
    _good(terminal.run("mv my_maker.py.bak my_maker.py"))
    _good(terminal.run("trading-platform strategy check my_maker:MyMaker", seconds=2 * MINUTES))
    _good(terminal.run("trading-platform run --config my_maker.json", seconds=2 * MINUTES))
    _good(terminal.run("trading-platform strategy new quick_maker --compiled"))
    compiled = terminal.run("trading-platform strategy check quick_maker:quick_maker", seconds=2 * MINUTES)
    _good(compiled)


def _stop_and_debug(terminal: Terminal) -> None:
    terminal.start(f"{LOCAL} --set output.run_id=stopped")
    terminal.wait_for("real time")
    terminal.press_ctrl_c()
    stopped = _bad(terminal.finish(f"{LOCAL} --set output.run_id=stopped   (Ctrl-C)"), 130)
    assert "stopped by the user" in stopped.text
    assert "interrupted" in _good(terminal.run("trading-platform runs show stopped")).text
    assert "orders" in _good(terminal.run("trading-platform orders stopped --limit 3")).text
    debug = "trading-platform run --config my_maker.json --debug"
    terminal.start(debug)
    terminal.wait_for("(strategy) ")
    terminal.type("p self.view.bid_ticks() > 0")
    assert "True" in terminal.wait_for("(strategy) ")
    terminal.type("q")
    _bad(terminal.finish(f"{debug}   (p ..., q)"), 130)


def _repeat(terminal: Terminal) -> None:
    wrong = _bad(terminal.run("trading-platform verify frist"), 2)
    assert "first" in wrong.text
    assert "same: " in _good(terminal.run("trading-platform verify first", seconds=2 * MINUTES)).text
    other = f"{LOCAL} --set output.run_id=other --set strategy.params.levels=2"
    _good(terminal.run(other, seconds=2 * MINUTES))
    assert "first difference at event" in _bad(terminal.run("trading-platform diff first other"), 1).text


def _keep_order(terminal: Terminal) -> None:
    _good(terminal.run("trading-platform runs tag first baseline"))
    _good(terminal.run("trading-platform runs note first 'three levels'"))
    listed = _good(terminal.run("trading-platform runs ls --tag baseline")).text
    assert "first" in listed
    assert "other" not in listed
    assert "three levels" in _good(terminal.run("trading-platform runs show first")).text
    outside = _bad(terminal.run("trading-platform runs rm examples --yes"), 2)
    assert "examples" in outside.text
    _good(terminal.run("trading-platform runs rm other --yes"))
    assert "other" not in _good(terminal.run("trading-platform runs ls")).text


def _use_data(terminal: Terminal) -> None:
    _bad(terminal.run("trading-platform data synth --out market.csv"), 2)
    _good(terminal.run("trading-platform data synth --out market.npz --seed 7 --seconds 60"))
    mine = "--set 'engine.data_files=[\"../../market.npz\"]' --set output.run_id=synthetic"
    _good(terminal.run(f"{LOCAL} {mine}", seconds=2 * MINUTES))
    unknown = _bad(terminal.run("trading-platform data convert binance market.npz --out data"), 2)
    assert "binance-usdm" in unknown.text
    _good(terminal.run("trading-platform export synthetic --out events.jsonl"))
    _good(terminal.run("trading-platform schema events --out events.schema.json"))


def _good(answer: Answer) -> Answer:
    assert answer.code == 0, f"{answer.command}\n{answer.text}"
    return answer


def _bad(answer: Answer, code: int) -> Answer:
    """Return an answer that tells a mistake: its exit code, and no traceback."""
    assert answer.code == code, f"{answer.command}\n{answer.text}"
    assert "Traceback" not in answer.text, answer.text
    return answer
