"""``beijiang quality``: rules and runs, and which element each column holds, and what stands in it; tickets; monitors."""

from beijiang.quality.commands.judging import commands
from beijiang.quality.commands.mapping import add_mapping
from beijiang.quality.commands.monitoring import add_monitors
from beijiang.quality.commands.profiling import add_profile
from beijiang.quality.commands.tickets import add_tickets

__all__ = ["add_mapping", "add_monitors", "add_profile", "add_tickets", "commands"]
