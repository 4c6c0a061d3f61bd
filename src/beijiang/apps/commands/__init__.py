"""The terminal's groups of applications, hosted here or written elsewhere."""

from beijiang.apps.commands.apps import commands, folder_files
from beijiang.apps.commands.clients import clients

__all__ = ["clients", "commands", "folder_files"]
