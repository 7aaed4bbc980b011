"""Streams that are recorded outside of Dagster, as assets that are observed."""
