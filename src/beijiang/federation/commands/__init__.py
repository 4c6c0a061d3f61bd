"""``beijiang federation``: nodes, links and letters at the terminal."""

from beijiang.federation.commands.nodes import commands
from beijiang.federation.commands.travels import parcel_commands

__all__ = ["commands", "parcel_commands"]
