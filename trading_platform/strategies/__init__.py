"""Strategies: base classes of both forms, and the shipped ones."""
