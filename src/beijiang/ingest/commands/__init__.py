"""``beijiang ingest`` and ``beijiang sources``."""

from beijiang.ingest.commands.bench import add_mending
from beijiang.ingest.commands.files import commands
from beijiang.ingest.commands.sources import add_runs, sources

__all__ = ["add_mending", "add_runs", "commands", "sources"]
