"""Funding rates: how they are fetched and stored, and their checks."""
