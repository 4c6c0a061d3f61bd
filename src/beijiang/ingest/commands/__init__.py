"""``beijiang ingest``, ``beijiang sources`` and ``beijiang streams``."""

from beijiang.ingest.commands.backfill import add_backfill
from beijiang.ingest.commands.bench import add_mending
from beijiang.ingest.commands.captures import add_captures
from beijiang.ingest.commands.files import commands
from beijiang.ingest.commands.harvest import harvest
from beijiang.ingest.commands.schedules import add_schedules
from beijiang.ingest.commands.sources import add_runs, sources
from beijiang.ingest.commands.streams import streams

__all__ = [
    "add_backfill",
    "add_captures",
    "add_mending",
    "add_runs",
    "add_schedules",
    "commands",
    "harvest",
    "sources",
    "streams",
]
