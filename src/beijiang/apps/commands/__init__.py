"""The terminal's groups of applications, hosted here or written elsewhere."""

from beijiang.apps.commands.apps import commands
from beijiang.apps.commands.clients import clients

__all__ = ["clients", "commands"]
