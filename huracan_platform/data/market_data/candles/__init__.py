"""Candles: how they are fetched and stored, and their checks."""
