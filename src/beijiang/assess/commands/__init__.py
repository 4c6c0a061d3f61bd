"""``beijiang assess``: scores of departments, statistical indicators, the work plan."""

from beijiang.assess.commands.drafts import add_drafts
from beijiang.assess.commands.figures import add_figures
from beijiang.assess.commands.plan import add_plan
from beijiang.assess.commands.scores import commands

__all__ = ["add_drafts", "add_figures", "add_plan", "commands"]
