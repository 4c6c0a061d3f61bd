"""Write the next migration from the difference between the tables in the code and an empty migrated database.

``python packaging/make_migration.py "what changes"``; then set HEAD in ``beijiang.db.migrations`` and read the file with care.
"""

from __future__ import annotations

import sys
import tempfile
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from alembic import command

import beijiang
from beijiang.db import Database, migrations

VERSIONS = Path(migrations.__file__).parent / "versions"


def main(message: str) -> None:
    """Migrate an empty SQLite database as far as the files go, then let Alembic compare."""
    for module in iter_modules(beijiang.__path__):
        if (Path(beijiang.__path__[0]) / module.name / "store").exists() or (
            Path(beijiang.__path__[0]) / module.name / "store.py"
        ).exists():
            import_module(f"beijiang.{module.name}.store")
    revision = f"{len([*VERSIONS.glob('[0-9]*.py')]) + 1:04}"
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/empty.db")
        if migrations.current(database) is None and revision != "0001":
            migrations.upgrade(database)
        with database.begin() as work:
            config = migrations.configuration()
            config.attributes["connection"] = work.connection
            command.revision(config, message=message, autogenerate=True, rev_id=revision)
        database.close()


if __name__ == "__main__":
    main(sys.argv[1])
