"""What was compiled once is compiled never again, and never served when its source has changed."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import trading_platform
from trading_platform import _jit
from trading_platform._jit import sources

pytestmark = pytest.mark.skipif(not _jit.COMPILED, reason="NUMBA_DISABLE_JIT: nothing is compiled")
PROCESS = """
import errno, json, os, sys
from pathlib import Path

request = json.load(sys.stdin)
cache = os.environ["TRADING_PLATFORM_CACHE"]
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT

def read_only_file_system(event, arguments):
    changes = event in ("os.mkdir", "os.rename", "os.remove", "os.rmdir") or event == "open" and arguments[2] & WRITES
    if changes and isinstance(arguments[0], (str, Path)) and str(arguments[0]).startswith(cache):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(arguments[0]))

if request["read_only"]:
    sys.addaudithook(read_only_file_system)

from trading_platform._jit import compiled_names
from trading_platform.core.state import new_state
from trading_platform.strategies.registry import load_strategy

state = new_state()
state.books["bid_ticks"] = 1000
load_strategy(request["class_path"], Path(request["search"])).entry(state)
compiled = [name.rpartition(".")[2] for name in compiled_names]  # "module.name"
asked = [int(state.intents[0][name]) for name in ("price_ticks", "qty_lots")]
print(json.dumps({"compiled": compiled, "asked": asked}))
"""
MODULE = """
from trading_platform.strategies.compiled import compiled_strategy, kernel, quote
from trading_platform.strategies.params import StrategyParams
from {helper} import lots_wanted

@compiled_strategy(StrategyParams)
def {name}(state, params, memory):
    quote(state, 0, 1, 0, state.books[0]["bid_ticks"] - {away}, lots_wanted(state), 1, 0)
"""
HELPER = """
from trading_platform.strategies.compiled import kernel

@kernel
def lots_wanted(state):
    return {lots}
"""


class Workshop:
    """A directory of strategies with a cache of its own, in which the kernels are compiled already."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.cache = folder, folder / "cache"
        kernels = _jit.cache_root() / f"kernels-{_jit.kernel_hash()[:16]}"
        half_written = shutil.ignore_patterns("*.tmp.*")  # by another process that compiles now
        shutil.copytree(kernels, self.cache / kernels.name, ignore=half_written)

    def write(self, name: str, *, helper: str, lots: int, away: int = 1) -> None:
        (self.folder / f"{helper}.py").write_text(HELPER.format(lots=lots))
        (self.folder / f"{name}.py").write_text(MODULE.format(name=name, helper=helper, away=away))

    def run(self, name: str, *, read_only: bool = False) -> dict[str, Any]:
        """Call a strategy once in a fresh process: what it compiled, and the price and quantity it asked for.

        ``read_only``: every write below the cache is refused as a read-only file system refuses it, even to root.
        """
        request = {"class_path": f"{name}:{name}", "search": str(self.folder), "read_only": read_only}
        package = str(Path(trading_platform.__file__).parents[1])
        done = subprocess.run(
            [sys.executable, "-c", PROCESS],
            input=json.dumps(request),
            capture_output=True,
            text=True,
            env=os.environ | {"PYTHONPATH": package, "TRADING_PLATFORM_CACHE": str(self.cache)},
            check=False,
        )
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def files(self) -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in sorted(self.cache.rglob("*")) if path.is_file()}


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


@pytest.mark.parametrize("form", ["touch_maker", "TouchMaker"])
def test_a_second_process_compiles_nothing_from_its_start_to_the_finished_record(
    form: str, tmp_path: Path
) -> None:
    """Tables, summary and statistics included."""
    root = Path(trading_platform.__file__).parents[1]
    script = (
        "import json, sys\n"
        "from pathlib import Path\n"
        "from trading_platform import _jit\n"
        "from trading_platform.backtest.engine import run_backtest\n"
        "from trading_platform.config.load import load_config\n"
        f"changes = {{'strategy.class_path': 'trading_platform.strategies.touch_maker:{form}', \n"
        "    'strategy.params': {'order_qty': '0.01'}, 'engine.max_wakeups': 100}\n"
        f"config = load_config(Path({str(root / 'examples/local/local.json')!r}), changes)\n"
        "record = run_backtest(config, Path(sys.argv[1]))\n"
        "print(json.dumps([record['status'], _jit.compiled_names]))"
    )
    said = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        done = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / name)],
            capture_output=True,
            text=True,
            env=os.environ | {"PYTHONPATH": str(root)},
            check=True,
        )
        said.append(json.loads(done.stdout))

    assert said[1] == ["done", []]


def test_strategy_is_compiled_once_and_again_after_each_change(workshop: Workshop) -> None:
    """Its module and a helper it imports are edited; the last edit takes everything back."""
    workshop.write("alone", helper="helper", lots=11)
    assert {"alone", "_entry_alone", "lots_wanted"} <= set(workshop.run("alone")["compiled"])

    workshop.write("alone", helper="helper", lots=22)
    edited_helper = workshop.run("alone")
    assert {"alone", "_entry_alone", "lots_wanted"} <= set(edited_helper["compiled"])
    assert edited_helper["asked"] == [999, 22], "stale code"

    workshop.write("alone", helper="helper", lots=22, away=2)
    edited_module = workshop.run("alone")
    assert {"alone", "_entry_alone"} <= set(edited_module["compiled"])
    assert edited_module["asked"] == [998, 22], "stale code"

    workshop.write("alone", helper="helper", lots=11)
    assert workshop.run("alone") == {"compiled": [], "asked": [999, 11]}, "the first version is still there"


def test_a_second_strategy_is_compiled_alone(workshop: Workshop) -> None:
    """The kernels it calls were compiled for all strategies: whatever constants it passes to them."""
    workshop.write("first", helper="first_helper", lots=3, away=7)
    workshop.run("first")
    workshop.write("alone", helper="helper", lots=11)

    assert set(workshop.run("alone")["compiled"]) == {"alone", "_entry_alone", "lots_wanted"}


def test_read_only_cache_serves_what_it_has(workshop: Workshop) -> None:
    workshop.write("warm", helper="helper", lots=11)
    workshop.run("warm")
    before = workshop.files()

    assert workshop.run("warm", read_only=True) == {"compiled": [], "asked": [999, 11]}
    assert workshop.files() == before


def test_what_a_read_only_cache_lacks_is_compiled_for_the_process_alone(workshop: Workshop) -> None:
    workshop.write("cold", helper="helper", lots=11)
    before = workshop.files()
    answer = workshop.run("cold", read_only=True)

    assert {"cold", "_entry_cold", "lots_wanted"} <= set(answer["compiled"])
    assert answer["asked"] == [999, 11]
    assert workshop.files() == before


def test_sources_of_an_installed_strategy_count_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An upgrade of a strategy in site-packages must not run what was compiled of the old one."""
    package = tmp_path / "site-packages" / "installed_strategies"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "helper.py").write_text("STEP = 1\n")
    maker = package / "maker.py"
    maker.write_text("from installed_strategies.helper import STEP\n")
    monkeypatch.syspath_prepend(str(package.parent))
    monkeypatch.setattr(sources.sysconfig, "get_path", lambda _name: str(package.parent))

    assert [path.name for path in sources.source_closure(maker)] == ["helper.py", "maker.py"]
