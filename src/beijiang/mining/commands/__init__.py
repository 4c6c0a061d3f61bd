"""The commands of mining, a file for each of its pieces."""

from beijiang.mining.commands.bench import commands
from beijiang.mining.commands.graphs import commands as graph_commands

__all__ = ["commands", "graph_commands"]
