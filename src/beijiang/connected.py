"""Who hears of what happens, in order, and what the jobs do: said once, when everything is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beijiang.apps import APP_JOB, AppMoved
from beijiang.assess import PLAN_TABLES_JOB
from beijiang.catalog import EntryMoved, VersionCleared
from beijiang.dependents import Dependents
from beijiang.exchange import INTERSECTION_JOB, SERVING_JOB, DisputeWon, GrantMoved, PushMoved, RequestMoved
from beijiang.federation import DisputeCame, LinkEnded, ParcelWanted
from beijiang.fusion import FUSION_JOB
from beijiang.handed import Handed
from beijiang.ingest import HARVEST_JOB, INGEST_JOB, REPLAY_JOB, STREAM_JOB, STREAM_VERIFY_JOB, WINDOW_JOB
from beijiang.mining import FORECAST_JOB, MODEL_JOB, SCORE_JOB, SET_JOB
from beijiang.quality import AGING_JOB, QUALITY_JOB, DoubtMoved, MappingMoved, VersionJudged
from beijiang.recipes import RECIPE_JOB
from beijiang.standards import ElementsChanged
from beijiang.subjects import Subjects
from beijiang.tables import TableWritten

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from beijiang.platform import Platform

    class Watching(Protocol):
        """A part that wants to be looked after once a minute."""

        @property
        def watch(self) -> Callable[[], None]: ...


__all__ = ["connect"]


def connect(platform: Platform) -> None:
    """Say who hears of a written table, in order, and what the jobs do."""
    for name, hear in (
        ("catalog", platform.catalog.on_table_written),
        ("protection", platform.protection.on_table_written),
        ("quality", platform.quality.on_table_written),
        ("mappings", platform.mappings.on_table_written),
        ("monitors", platform.monitors.on_table_written),
        ("lineage", platform.lineage.on_table_written),
        ("windows", platform.windows.on_table_written),
        ("recipes", platform.recipes.on_table_written),
        ("forecasts", platform.forecasts.on_table_written),
        ("fusion", platform.fusion.on_table_written),
    ):
        platform.db.subscribe(TableWritten, name, hear)
    platform.db.subscribe(VersionJudged, "tickets", platform.tickets.on_version_judged)
    platform.db.subscribe(DoubtMoved, "exchange", platform.exchange.on_doubt_moved)
    platform.db.subscribe(DisputeWon, "exchange", platform.disputes.on_dispute_won)
    platform.db.subscribe(EntryMoved, "disputes", platform.disputes.on_entry_moved)
    platform.db.subscribe(EntryMoved, "federation", platform.cascade.on_entry_moved)
    platform.db.subscribe(RequestMoved, "federation", platform.travels.on_request_moved)
    platform.db.subscribe(DisputeCame, "federation", platform.travels.on_dispute_came)
    platform.db.subscribe(LinkEnded, "federation", platform.travels.on_link_ended)
    platform.db.subscribe(ParcelWanted, "federation", platform.travels.on_parcel_wanted)
    platform.db.subscribe(VersionCleared, "protection", platform.protection.on_version_cleared)
    platform.db.subscribe(ElementsChanged, "mappings", platform.mappings.on_elements_changed)
    platform.db.subscribe(MappingMoved, "protection", platform.protection.on_mapping_moved)
    handed = Handed(platform)
    platform.db.subscribe(GrantMoved, "exchange", platform.exchange.on_grant_moved)
    platform.db.subscribe(GrantMoved, "lineage", handed.on_grant_moved)
    platform.db.subscribe(PushMoved, "lineage", handed.on_push_moved)
    platform.db.subscribe(AppMoved, "lineage", handed.on_app_moved)
    platform.dispatcher.watchers = (*(part.watch for part in _watching(platform)), handed.watch)
    platform.lineage.dependents = Dependents(platform).of
    platform.notices.looks = Subjects(platform).looks()
    platform.jobs.register(QUALITY_JOB, platform.quality.work)
    platform.jobs.register(AGING_JOB, platform.quality.aging_work)
    platform.jobs.register(RECIPE_JOB, platform.recipes.work)
    platform.jobs.register(FORECAST_JOB, platform.forecasts.work)
    platform.jobs.register(FUSION_JOB, platform.fusion.work)
    platform.jobs.register(INGEST_JOB, platform.ingest.work)
    platform.jobs.register(REPLAY_JOB, platform.bench.work)
    platform.jobs.register(HARVEST_JOB, platform.harvests.work)
    platform.jobs.register(STREAM_JOB, platform.streams.work)
    platform.jobs.register(STREAM_VERIFY_JOB, platform.streams.verify_work)
    platform.jobs.register(WINDOW_JOB, platform.windows.work)
    platform.jobs.register(SERVING_JOB, platform.servings.work)
    platform.jobs.register(APP_JOB, platform.app_jobs.work)
    platform.jobs.register(PLAN_TABLES_JOB, platform.plan_tables.work)
    platform.jobs.register(INTERSECTION_JOB, platform.intersections.work)
    platform.jobs.register(SET_JOB, platform.learning.set_work)
    platform.jobs.register(MODEL_JOB, platform.learning.model_work)
    platform.jobs.register(SCORE_JOB, platform.learning.score_work)


def _watching(platform: Platform) -> tuple[Watching, ...]:
    """Return the parts that look at the clock, in the order in which they do."""
    return (
        platform.quality,
        platform.tickets,
        platform.monitors,
        platform.exchange,
        platform.demands,
        platform.disputes,
        platform.stops,
        platform.recalls,
        platform.templates,
        platform.shares,
        platform.servings,
        platform.packages,
        platform.intersections,
        platform.pushes,
        platform.offered,
        platform.assess,
        platform.plan,
        platform.plan_tables,
        platform.witnesses,
        platform.succession,
        platform.registrations,
        platform.voices,
        platform.notices,
        platform.spreading,
        platform.learning,
        platform.app_jobs,
        platform.app_health,
        platform.app_servers,
        platform.letters,
        platform.cascade,
        platform.link_watch,
        platform.travels,
    )
