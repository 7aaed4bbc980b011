"""Aggressor trades: what they add up to per second, and their way through ingest."""
