"""``beijiang libraries``."""

from beijiang.fusion.commands.libraries import commands

__all__ = ["commands"]
