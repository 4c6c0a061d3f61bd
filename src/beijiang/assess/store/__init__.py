"""All SQL on the metadata tables of assessment."""

from beijiang.assess.store.drafts import DraftStore
from beijiang.assess.store.figures import FigureStore
from beijiang.assess.store.marks import MarkStore
from beijiang.assess.store.opening import OpeningStore
from beijiang.assess.store.plan import PlanStore
from beijiang.assess.store.plan_tables import PlanTableStore

__all__ = ["DraftStore", "FigureStore", "MarkStore", "OpeningStore", "PlanStore", "PlanTableStore"]
