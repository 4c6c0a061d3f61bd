"""``beijiang data`` and ``beijiang portal``."""

from beijiang.opendata.commands.public import members, voices, works
from beijiang.opendata.commands.views import data

__all__ = ["data", "members", "voices", "works"]
