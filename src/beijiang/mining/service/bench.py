"""The work-bench, all its verbs in one."""

from beijiang.mining.service.exporting import Exporting
from beijiang.mining.service.looking import Looking
from beijiang.mining.service.saving import Saving

__all__ = ["Workbench"]


class Workbench(Exporting, Looking, Saving):
    """Ask governed tables questions: run, stop, explain, look back, keep, share, draw, and take the result along."""
