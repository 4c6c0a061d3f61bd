"""All SQL on the metadata tables of mining."""

from beijiang.mining.store.forecasting import ForecastStore
from beijiang.mining.store.queries import RunStore, SavedStore

__all__ = ["ForecastStore", "RunStore", "SavedStore"]
