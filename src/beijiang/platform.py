"""One installation, wired: what ``build`` returns, and how it starts and stops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from beijiang.access import Access, PersonDraft, RegionFacts, Role
from beijiang.apps import (
    AppCanaries,
    AppJobs,
    Apps,
    AppServers,
    Clients,
    HealthWatch,
    RatingsOfApps,
    Relay,
    Sandbox,
    SignOn,
    Subscriptions,
)
from beijiang.assess import Assess, Figures, PlanDrafts, PlanTables, PublicFigures, WorkPlan
from beijiang.catalog import Catalog, Inventory
from beijiang.contracts import Contracts
from beijiang.db import Database, HomeLock
from beijiang.desk import Desk
from beijiang.engine.linking import sweep as sweep_links
from beijiang.evidence import Evidence, EvidenceReader, Holds, Receipts, Retention, Succession, Witnesses
from beijiang.exchange import (
    Demands,
    Disputes,
    Exchange,
    FlightSql,
    Intersections,
    Openings,
    Packages,
    Pushes,
    RatingBook,
    Recalls,
    Services,
    Servings,
    Shares,
    Stops,
    Templates,
    Tracing,
)
from beijiang.federation import Cascade, Letters, LinkWatch, Nodes, Travels
from beijiang.fusion import Fusion
from beijiang.guard import Health
from beijiang.ingest import (
    Alerts,
    Bench,
    Captures,
    Dispatcher,
    FreshnessBoard,
    Harvests,
    Ingest,
    Schedules,
    Sources,
    Streams,
    Windows,
)
from beijiang.jobs import Jobs
from beijiang.kit import SYSTEM
from beijiang.lineage import Lineage
from beijiang.mining import (
    Forecasts,
    Graphs,
    Learning,
    Notebooks,
    StreamRules,
    Texts,
    Workbench,
)
from beijiang.notices import Live, Mail, Notices
from beijiang.opendata import (
    Ckan,
    Exports,
    Features,
    Follows,
    Glance,
    Keepings,
    Newsroom,
    OpenData,
    Portals,
    Registrations,
    Spreading,
    Statistics,
    Voices,
)
from beijiang.protection import (
    Gate,
    Private,
    Protection,
    Releases,
    SqlGateway,
)
from beijiang.quality import (
    Mappings,
    Monitors,
    Profiles,
    Quality,
    Tickets,
)
from beijiang.recipes import Recipes
from beijiang.standards import Laws, Standards
from beijiang.tables import Tables

if TYPE_CHECKING:
    from beijiang.engine.port import Engine
    from beijiang.kit import Clock
    from beijiang.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """One installation, wired."""

    settings: Settings
    clock: Clock
    lock: HomeLock
    db: Database
    engine: Engine
    counting: Engine
    """Counts whole tables for quality: the embedded engine, or a distributed one."""
    evidence: Evidence
    evidence_reader: EvidenceReader
    receipts: Receipts
    witnesses: Witnesses
    holds: Holds
    succession: Succession
    retention: Retention
    access: Access
    desk: Desk
    standards: Standards
    registry: Laws
    jobs: Jobs
    tables: Tables
    catalog: Catalog
    inventory: Inventory
    protection: Protection
    gate: Gate
    releases: Releases
    private: Private
    sql: SqlGateway
    ingest: Ingest
    bench: Bench
    sources: Sources
    harvests: Harvests
    streams: Streams
    windows: Windows
    alerts: Alerts
    schedules: Schedules
    freshness: FreshnessBoard
    dispatcher: Dispatcher
    captures: Captures
    quality: Quality
    recipes: Recipes
    fusion: Fusion
    exchange: Exchange
    flight: FlightSql
    demands: Demands
    disputes: Disputes
    stops: Stops
    pushes: Pushes
    ratings: RatingBook
    recalls: Recalls
    templates: Templates
    shares: Shares
    servings: Servings
    openings: Openings
    packages: Packages
    intersections: Intersections
    tracing: Tracing
    offered: Services
    mappings: Mappings
    profiles: Profiles
    contracts: Contracts
    tickets: Tickets
    monitors: Monitors
    lineage: Lineage
    graphs: Graphs
    workbench: Workbench
    learning: Learning
    stream_rules: StreamRules
    forecasts: Forecasts
    texts: Texts
    notebooks: Notebooks
    notices: Notices
    live: Live
    mail: Mail
    glance: Glance
    statistics: Statistics
    newsroom: Newsroom
    apps: Apps
    clients: Clients
    sandbox: Sandbox
    sign_on: SignOn
    subscriptions: Subscriptions
    relay: Relay
    app_health: HealthWatch
    app_servers: AppServers
    app_jobs: AppJobs
    app_canaries: AppCanaries
    app_ratings: RatingsOfApps
    opendata: OpenData
    portals: Portals
    registrations: Registrations
    voices: Voices
    keepings: Keepings
    follows: Follows
    spreading: Spreading
    ckan: Ckan
    exports: Exports
    features: Features
    assess: Assess
    figures: Figures
    public_figures: PublicFigures
    plan: WorkPlan
    plan_tables: PlanTables
    nodes: Nodes
    travels: Travels
    letters: Letters
    cascade: Cascade
    link_watch: LinkWatch
    plan_drafts: PlanDrafts
    health: Health

    def services(self) -> Sequence[object]:
        """Return everything that has verbs; the house tests go through it. Packaged standards are public facts, not verbs."""
        return (
            self.evidence_reader,
            self.receipts,
            self.witnesses,
            self.holds,
            self.succession,
            self.retention,
            self.access,
            self.desk,
            self.registry,
            self.jobs,
            self.tables,
            self.catalog,
            self.inventory,
            self.protection,
            self.releases,
            self.private,
            self.sql,
            self.ingest,
            self.bench,
            self.sources,
            self.harvests,
            self.streams,
            self.windows,
            self.alerts,
            self.schedules,
            self.freshness,
            self.captures,
            self.quality,
            self.recipes,
            self.fusion,
            self.exchange,
            self.flight,
            self.demands,
            self.disputes,
            self.stops,
            self.pushes,
            self.ratings,
            self.recalls,
            self.templates,
            self.shares,
            self.servings,
            self.intersections,
            self.openings,
            self.packages,
            self.tracing,
            self.offered,
            self.mappings,
            self.profiles,
            self.contracts,
            self.tickets,
            self.monitors,
            self.lineage,
            *self._mining(),
            self.notices,
            self.live,
            self.mail,
            self.glance,
            self.statistics,
            self.newsroom,
            *self._applications(),
            *self._portal(),
            self.ckan,
            self.ckan.packages,
            self.ckan.writes,
            self.ckan.rows,
            self.ckan.sql,
            self.exports,
            self.features,
            self.assess,
            self.figures,
            self.public_figures,
            self.plan,
            self.plan_tables,
            *self._linkage(),
            self.plan_drafts,
            self.health,
        )

    def _linkage(self) -> Sequence[object]:
        return (self.nodes, self.travels, self.letters, self.cascade, self.link_watch)

    def _mining(self) -> Sequence[object]:
        return (
            self.workbench,
            self.notebooks,
            self.learning,
            self.forecasts,
            self.graphs,
            self.texts,
            self.stream_rules,
        )

    def _portal(self) -> Sequence[object]:
        return (
            self.opendata,
            self.portals,
            self.registrations,
            self.voices,
            self.keepings,
            self.follows,
            self.spreading,
        )

    def _applications(self) -> Sequence[object]:
        return (
            self.apps,
            self.app_jobs,
            self.app_canaries,
            self.app_ratings,
            self.clients,
            self.sandbox,
            self.sign_on,
            self.subscriptions,
            self.relay,
            self.app_health,
            self.app_servers,
        )

    def first_start(self) -> dict[str, str]:
        """Add the region's organisations and, once, the three administrators; return login to one-time code."""
        names = ("regions", "jurisdictions", "departments_2018")
        self.access.seed_region(SYSTEM, RegionFacts(*(tuple(self.standards.table(name)) for name in names)))
        if self.access.people(SYSTEM):
            return {}
        roles = {"sysadmin": Role.SYS_ADMIN, "secadmin": Role.SEC_ADMIN, "auditor": Role.AUDIT_ADMIN}
        drafts = [PersonDraft(login=login, name=role.text.zh, roles=frozenset({role})) for login, role in roles.items()]
        return {draft.login: self.access.add_person(SYSTEM, draft)[1] for draft in drafts}

    def start(self) -> None:
        """Take up what an earlier process left: half-seen commits, undelivered events, waiting jobs."""
        self.engine.warm()  # first: nothing begins with an engine that refuses its settings
        self.tables.recover()
        sweep_links(self.settings.home)
        self.ingest.recover()
        self.db.deliver_waiting()
        self.ingest.recover()
        self.catalog.warming.start()
        self.catalog.warming.nudge()
        self.jobs.start_worker()
        self.streams.attend()
        self.stream_rules.start()
        self.dispatcher.start()
        self.pushes.start()
        self.notices.start()
        self.mail.start()
        self.app_servers.start()
        self.sign_on.start()
        self.spreading.start()
        self.letters.start()
        self.live.ending = False

    def stop(self) -> None:
        """Let running work reach a safe point."""
        self.catalog.warming.stop()
        self.streams.stop()
        self.stream_rules.stop()
        self.dispatcher.stop()
        self.pushes.stop()
        self.notices.stop()
        self.mail.stop()
        self.spreading.stop()
        self.letters.stop()
        self.live.end()
        self.offered.stop()
        self.sign_on.stop()
        self.app_health.stop()
        self.app_servers.stop()
        self.subscriptions.flush()
        self.jobs.stop()

    def close(self) -> None:
        """Close every connection."""
        self.stop()
        self.statistics.write()
        if self.counting is not self.engine:
            self.counting.close()
        self.engine.close()
        if self.gate.copies is not None:
            self.gate.copies.close()
        self.evidence.close()
        self.db.close()
