"""``beijiang federation``: nodes, links and letters at the terminal."""

from beijiang.federation.commands.nodes import commands

__all__ = ["commands"]
