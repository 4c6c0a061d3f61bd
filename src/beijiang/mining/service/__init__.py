"""The verbs of mining: of the work-bench, its notebooks, and documents."""

from beijiang.mining.service.bench import Workbench
from beijiang.mining.service.exporting import Exported
from beijiang.mining.service.notebooks import Notebooks
from beijiang.mining.service.texts import Texts

__all__ = ["Exported", "Notebooks", "Texts", "Workbench"]
