"""``beijiang ingest`` and ``beijiang sources``."""

from beijiang.ingest.commands.files import commands
from beijiang.ingest.commands.harvest import harvest
from beijiang.ingest.commands.sources import add_runs, sources

__all__ = ["add_runs", "commands", "harvest", "sources"]
