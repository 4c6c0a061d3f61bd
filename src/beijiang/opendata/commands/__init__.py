"""``beijiang data`` and ``beijiang portal``."""

from beijiang.opendata.commands.news import add_statistics, news
from beijiang.opendata.commands.public import members, voices, works
from beijiang.opendata.commands.views import data

__all__ = ["add_statistics", "data", "members", "news", "voices", "works"]
