"""Find a strategy by its class path ``module:Name``."""

import importlib
import sys
from pathlib import Path
from typing import Any, TypeGuard

from ..model.errors import ConfigError
from .base import Strategy
from .compiled import CompiledStrategy

AnyStrategy = type[Strategy] | CompiledStrategy


def load_strategy(class_path: str, search: Path | None = None) -> AnyStrategy:
    """Import a strategy of either form.

    Parameters
    ----------
    class_path : ``module:Name``; Name is a Strategy subclass or a function decorated with compiled_strategy
    search : directory whose modules can be named too (the one of the config file)

    Raises
    ------
    ConfigError : no such module, no such name in it, or not a strategy; the message lists what the module has
    """
    module_name, _, name = class_path.partition(":")
    if search is not None and str(search) not in sys.path:
        sys.path.insert(0, str(search))
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and f"{module_name}.".startswith(f"{error.name}."):
            raise ConfigError(
                f"strategy.class_path: no module {module_name!r} (looked in {search} and the Python path)"
            ) from None
        raise
    found = getattr(module, name, None)
    if not is_strategy(found):
        known = sorted(key for key, value in vars(module).items() if is_strategy(value))
        raise ConfigError(
            f"strategy.class_path: {module_name} must have a strategy {name!r}, has {', '.join(known) or 'none'}"
        )
    return found


def is_strategy(value: Any) -> TypeGuard[AnyStrategy]:
    """Tell whether a value is a strategy of either form."""
    return isinstance(value, CompiledStrategy) or (
        isinstance(value, type) and issubclass(value, Strategy) and value is not Strategy
    )
