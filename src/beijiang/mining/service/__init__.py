"""The verbs of mining: the work-bench, and graphs."""

from beijiang.mining.service.exporting import Exported, Exporting
from beijiang.mining.service.graphs import Graphs
from beijiang.mining.service.looking import Looking
from beijiang.mining.service.saving import Saving

__all__ = ["Exported", "Graphs", "Workbench"]


class Workbench(Exporting, Looking, Saving):
    """Ask governed tables questions: run, stop, explain, look back, keep, share, draw, and take the result along."""
