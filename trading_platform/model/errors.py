"""One tree of errors. Each says what, where, which value, what would be right and what to do."""


class TradingPlatformError(Exception):
    """Base of all errors of this package. ``exit_code`` is what the command line returns for it."""

    exit_code = 1


class ConfigError(TradingPlatformError):
    """The configuration is wrong: nothing was run."""

    exit_code = 2


class DataError(TradingPlatformError):
    """Market data is missing, malformed or out of order."""

    exit_code = 2


class EngineError(TradingPlatformError):
    """hftbacktest refused, aborted, or is of a version that is not supported."""


class VenueError(TradingPlatformError):
    """A venue refused a command in a way that the core cannot explain."""


class OrderTransitionError(TradingPlatformError):
    """A report asked for a transition that the order tables call impossible."""


class StrategyError(TradingPlatformError):
    """A strategy raised, overflowed its intents or wrote where it must not."""


class EventLogError(TradingPlatformError):
    """An event log or run record is damaged or contradicts itself."""
