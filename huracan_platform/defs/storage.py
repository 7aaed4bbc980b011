"""Dagster's own tables in Postgres, over connections that are kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from dagster_postgres import DagsterPostgresStorage
from dagster_postgres.utils import create_pg_engine, pg_url_from_config

if TYPE_CHECKING:
    from dagster._core.storage.config import PostgresStorageConfig
    from dagster._serdes import ConfigurableClassData

# Kept open by each of the three storages of a process; more are opened while its threads need them.
KEPT_CONNECTIONS, MOST_CONNECTIONS = 1, 20


class PooledStorage(DagsterPostgresStorage):
    """Dagster's Postgres storage with a pool of connections.

    Without one every statement of the daemon, the code server and the runs opens a connection of its own and logs in: some
    ten a second for as long as the platform runs, and hundreds for a backfill.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        for storage in (self._run_storage, self._event_log_storage, self._schedule_storage):
            storage._engine = create_pg_engine(
                self.postgres_url, isolation_level="AUTOCOMMIT", pool_size=KEPT_CONNECTIONS,
                max_overflow=MOST_CONNECTIONS - KEPT_CONNECTIONS,
                pool_pre_ping=True,  # the database was restarted meanwhile
            )

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> PooledStorage:
        """As Dagster makes it of `dagster.yaml`."""
        url = pg_url_from_config(cast("PostgresStorageConfig", config_value))
        return cls(url, config_value.get("should_autocreate_tables", True), inst_data)
