"""The terminal's groups of applications, hosted here or written elsewhere."""

from beijiang.apps.commands.apps import commands
from beijiang.apps.commands.clients import clients
from beijiang.apps.commands.life import add_canaries, add_ratings
from beijiang.apps.commands.sandbox import add_sandbox

__all__ = ["add_canaries", "add_ratings", "add_sandbox", "clients", "commands"]
