"""All SQL on the metadata tables of assessment."""

from beijiang.assess.store.draft_schema import plan_draft, plan_draft_line
from beijiang.assess.store.figures import FigureStore
from beijiang.assess.store.marks import MarkStore
from beijiang.assess.store.opening import OpeningStore
from beijiang.assess.store.plan import PlanStore

__all__ = ["FigureStore", "MarkStore", "OpeningStore", "PlanStore", "plan_draft", "plan_draft_line"]
