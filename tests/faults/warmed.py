"""What every victim needs of a platform, loaded before it forks: a child of a fork then only does what is killed."""

from __future__ import annotations


def platform() -> None:
    """Import what is imported at first use, and read the policies; none of it starts a thread, so that forking is safe."""
    import alembic.command
    import alembic.config
    import cedarpy
    import dbos
    import deltalake
    import duckdb
    import psycopg
    import pypinyin
    import sqlglot.optimizer.qualify

    import beijiang.build
    from beijiang.access.service.policy import packaged_policies

    packaged_policies()
    del alembic, cedarpy, dbos, deltalake, duckdb, psycopg, pypinyin, sqlglot, beijiang
