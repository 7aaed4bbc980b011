"""The embedded Postgres: its cluster, its life, and who may start it."""
