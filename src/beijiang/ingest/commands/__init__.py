"""``beijiang ingest`` and ``beijiang sources``."""

from beijiang.ingest.commands.captures import add_captures
from beijiang.ingest.commands.files import commands
from beijiang.ingest.commands.sources import add_runs, sources

__all__ = ["add_captures", "add_runs", "commands", "sources"]
