"""``beijiang data`` and ``beijiang portal``."""

from beijiang.opendata.commands.cities import cities
from beijiang.opendata.commands.exports import add_export
from beijiang.opendata.commands.follows import follows
from beijiang.opendata.commands.news import add_statistics, news
from beijiang.opendata.commands.public import members, voices, works
from beijiang.opendata.commands.views import data

__all__ = ["add_export", "add_statistics", "cities", "data", "follows", "members", "news", "voices", "works"]
