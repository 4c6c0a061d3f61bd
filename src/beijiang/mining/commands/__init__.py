"""The commands of mining, a file for each of its pieces."""

from beijiang.mining.commands.bench import commands
from beijiang.mining.commands.learning import models

__all__ = ["commands", "models"]
