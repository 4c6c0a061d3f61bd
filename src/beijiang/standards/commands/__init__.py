"""``beijiang standards``: packaged facts, and the registry."""

from beijiang.standards.commands.calendar import add_calendar
from beijiang.standards.commands.facts import commands
from beijiang.standards.commands.laws import add_laws
from beijiang.standards.commands.registry import add_registry

__all__ = ["add_calendar", "add_laws", "add_registry", "commands"]
