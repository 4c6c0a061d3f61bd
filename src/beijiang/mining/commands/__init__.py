"""The commands of mining, a file for each of its pieces."""

from beijiang.mining.commands.bench import commands
from beijiang.mining.commands.notebooks import notebook_commands
from beijiang.mining.commands.texts import texts_commands

__all__ = ["commands", "notebook_commands", "texts_commands"]
