"""``beijiang ingest`` and ``beijiang sources``."""

from beijiang.ingest.commands.backfill import add_backfill
from beijiang.ingest.commands.files import commands
from beijiang.ingest.commands.schedules import add_schedules
from beijiang.ingest.commands.sources import add_runs, sources

__all__ = ["add_backfill", "add_runs", "add_schedules", "commands", "sources"]
