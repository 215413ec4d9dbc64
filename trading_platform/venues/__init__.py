"""Ports to venues and the adapters behind them."""
