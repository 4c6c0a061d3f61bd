"""``beijiang quality``: rules and runs, and which element each column holds."""

from beijiang.quality.commands.judging import commands
from beijiang.quality.commands.mapping import add_mapping

__all__ = ["add_mapping", "commands"]
