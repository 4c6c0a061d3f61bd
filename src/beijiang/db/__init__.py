"""The metadata database: SQLite by default, PostgreSQL when outgrown, one code path (SQLAlchemy Core, Alembic).

Services open a unit of work with ``Database.begin``; stores below them get its connection; nobody else commits.
"""

from beijiang.db.among import among
from beijiang.db.database import Database, UnitOfWork
from beijiang.db.lock import HomeLock, LockHolder, prepared_home
from beijiang.db.parts import Shelf, age_of, number_of, part_of
from beijiang.db.remembered import Remembered
from beijiang.db.revisions import Revisions
from beijiang.db.schema import JsonDocument, UtcDateTime, metadata
from beijiang.db.upserts import upsert

__all__ = [
    "Database",
    "HomeLock",
    "JsonDocument",
    "LockHolder",
    "Remembered",
    "Revisions",
    "Shelf",
    "UnitOfWork",
    "UtcDateTime",
    "age_of",
    "among",
    "metadata",
    "number_of",
    "part_of",
    "prepared_home",
    "upsert",
]
