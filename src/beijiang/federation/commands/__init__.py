"""``beijiang federation``: nodes, links and letters at the terminal."""

from beijiang.federation.commands.entries import catalog_commands
from beijiang.federation.commands.nodes import commands
from beijiang.federation.commands.travels import parcel_commands
from beijiang.federation.commands.watching import add_watch

__all__ = ["add_watch", "catalog_commands", "commands", "parcel_commands"]
