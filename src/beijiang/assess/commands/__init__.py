"""``beijiang assess``: scores of departments, statistical indicators, the work plan."""

from beijiang.assess.commands.scores import commands

__all__ = ["commands"]
