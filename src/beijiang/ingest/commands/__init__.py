"""``beijiang ingest``, ``beijiang sources`` and ``beijiang streams``."""

from beijiang.ingest.commands.files import commands
from beijiang.ingest.commands.sources import add_runs, sources
from beijiang.ingest.commands.streams import streams

__all__ = ["add_runs", "commands", "sources", "streams"]
