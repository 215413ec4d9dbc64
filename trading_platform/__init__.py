"""trading_platform: order state machine, risk engine and event log over a real order book."""

__version__ = "0.1.0"
