"""The commands of mining, a file for each of its pieces."""

from beijiang.mining.commands.bench import commands

__all__ = ["commands"]
