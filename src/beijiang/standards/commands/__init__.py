"""``beijiang standards``: packaged facts, and the registry."""

from beijiang.standards.commands.facts import commands
from beijiang.standards.commands.registry import add_registry

__all__ = ["add_registry", "commands"]
