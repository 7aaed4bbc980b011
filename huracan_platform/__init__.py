"""Crypto trading, data and machine learning on Dagster: every trade walks back to what made it."""

__version__ = "0.1.0"
