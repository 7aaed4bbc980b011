"""Liquidations: the recorder, cascades, and their way through ingest."""
