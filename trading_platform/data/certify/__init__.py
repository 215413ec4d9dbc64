"""Certificates: what is wrong or odd in market data, where, and what it does to a backtest."""
