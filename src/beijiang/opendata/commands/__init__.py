"""``beijiang data`` and ``beijiang portal``."""

from beijiang.opendata.commands.cities import cities
from beijiang.opendata.commands.exports import add_export
from beijiang.opendata.commands.public import members, voices, works
from beijiang.opendata.commands.views import data

__all__ = ["add_export", "cities", "data", "members", "voices", "works"]
