"""The verbs of the work-bench."""

from beijiang.mining.service.exporting import Exported, Exporting
from beijiang.mining.service.looking import Looking
from beijiang.mining.service.saving import Saving
from beijiang.mining.service.texts import Texts

__all__ = ["Exported", "Texts", "Workbench"]


class Workbench(Exporting, Looking, Saving):
    """Ask governed tables questions: run, stop, explain, look back, keep, share, draw, and take the result along."""
