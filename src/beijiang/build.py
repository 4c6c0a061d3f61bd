"""THE WIRING: every constructor and every subscription of the platform, on one page.

``build(settings)`` gives the whole platform; tests use the same call on a throw-away home.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from beijiang.access import Access
from beijiang.apps import (
    ApiNames,
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
    Viewers,
)
from beijiang.assess import (
    Assess,
    CallRecord,
    ExchangeRecord,
    FactSources,
    Figures,
    IndicatorSeries,
    PlanDrafts,
    PlanTables,
    PortalRecord,
    PublicFigures,
    WorkPlan,
)
from beijiang.catalog import Catalog, Inventory
from beijiang.connected import connect
from beijiang.contracts import Contracts
from beijiang.crypto import RootKeys, Vault
from beijiang.db import Database, HomeLock, migrations, prepared_home
from beijiang.desk import Desk
from beijiang.engine.duckdb import DuckDBEngine
from beijiang.engine.linking import Linker
from beijiang.engine.linking.spark import SparkLinker
from beijiang.engine.spark import SparkEngine, client
from beijiang.evidence import (
    Evidence,
    EvidenceReader,
    Holds,
    LogKeys,
    Receipts,
    Retention,
    Sealer,
    Succession,
    Witnesses,
)
from beijiang.exchange import (
    DemandDraft,
    Demands,
    Disputes,
    Exchange,
    FlightSql,
    GrantBook,
    Intersections,
    Openings,
    Packages,
    Pushes,
    PushLimits,
    RatingBook,
    Recalls,
    Services,
    Servings,
    ShareParts,
    Shares,
    SharingParts,
    Stops,
    Templates,
    Tracing,
)
from beijiang.federation import Cascade, Letters, LinkWatch, NodeKeys, NodeParts, Nodes, TravelParts, Travels
from beijiang.fusion import Fusion
from beijiang.guard import Health
from beijiang.ingest import (
    SYNC_JOB,
    VERIFY_JOB,
    AlertKind,
    Alerts,
    Bench,
    Captures,
    Destinations,
    Dispatcher,
    FreshnessBoard,
    Harvests,
    Ingest,
    Landing,
    Schedules,
    Sources,
    Streams,
    Turns,
    Windows,
)
from beijiang.jobs import Jobs
from beijiang.kit import Pace, SystemClock
from beijiang.lineage import Lineage, columns_of
from beijiang.mining import (
    DataWish,
    Forecasts,
    Graphs,
    Learning,
    Notebooks,
    Statistical,
    StreamRules,
    Texts,
    Workbench,
)
from beijiang.naming import name_for_holds
from beijiang.notices import Live, Mail, Notices
from beijiang.opendata import (
    Ckan,
    Datastore,
    Doorman,
    Exports,
    Features,
    FileWrites,
    FollowParts,
    Follows,
    Glance,
    HandIns,
    Intake,
    Keepings,
    Newsroom,
    OpenData,
    PackageReads,
    PackageWrites,
    Portals,
    PublicParts,
    Registrations,
    RowWrites,
    Spreading,
    SqlAsked,
    Statistics,
    Voices,
)
from beijiang.platform import Platform
from beijiang.protection import (
    AnswerGate,
    CopyShelf,
    Gate,
    Keyed,
    Private,
    Protection,
    Releases,
    Shelf,
    SqlGateway,
)
from beijiang.quality import (
    Mappings,
    Monitors,
    Profiles,
    Quality,
    Runner,
    Tickets,
)
from beijiang.recipes import Recipes
from beijiang.standards import Books, Laws, Standards
from beijiang.tables import Lake, Measures, Tables

if TYPE_CHECKING:
    from beijiang.kit import Actor, Clock
    from beijiang.settings import Settings

__all__ = ["Platform", "build"]


def build(settings: Settings, clock: Clock | None = None) -> Platform:  # noqa: PLR0915 - the wiring stands on one page
    """Wire the platform of ``settings.home``; make the home and bring its database up to date if needed.

    ``clock`` is the machine's unless a test moves the time.
    """
    home, clock = prepared_home(settings.home), clock or SystemClock()
    db = Database(settings.metadata_url)
    migrations.upgrade(db)
    engine = DuckDBEngine(settings, (home / "lake", home / "staging"))
    vault = Vault(RootKeys(settings.root_key_file))
    sealer = Sealer(db, LogKeys(db, vault, clock, settings), clock, settings)
    room = settings.evidence_spool_bytes, settings.evidence_reserve_bytes
    evidence = Evidence(db, clock, home / "evidence", sealer, *room)
    access = Access(db, evidence, clock, settings)
    succession = Succession(db, sealer.keys, evidence, access, clock)
    holds = Holds(db, evidence, access, clock)
    zone = ZoneInfo(settings.time_zone)
    books = Books(db, evidence, clock, zone)
    books.seed()
    standards = Standards(books.now, books.choices)
    registry = Laws(db, books, standards, access, evidence, clock)
    jobs = Jobs(db, settings, clock, evidence, access)
    lake = Lake(home / "lake", db)
    catalog = Catalog(db, access, evidence, standards, clock, time_zone=settings.time_zone)
    inventory = Inventory(db, catalog, access, evidence, clock)
    protection = Protection(db, lake, engine, catalog, standards, access, evidence, clock)
    protection.keyed = Keyed(lake, db, vault, clock)
    gate = Gate(lake, engine, catalog, protection, access, evidence, settings)
    gate.copies = CopyShelf(home / "serving", settings.serving_limit_bytes, settings.time_zone)
    sql = SqlGateway(gate, engine, access, evidence, settings, clock)
    sql.lineage_of = columns_of
    tables = Tables(db, lake, engine, access, evidence, clock, policy=gate)
    tables.refusal = protection.refusal
    ingest = Ingest(db, Landing(home / "landing"), tables, jobs, access, evidence, standards, clock, settings)
    ingest.keeps = holds.keeps_table
    jobs.at_end.append(ingest.settle)
    name_for_holds(holds, access, tables)
    bench = Bench(db, ingest, access, evidence, clock)
    sources = Sources(db, ingest, tables, vault, access, evidence, clock)
    sources.renewals.append(sealer.keys.renew)
    harvests = Harvests(sources, ingest, register=catalog)
    streams = Streams(ingest, tables, vault, access, evidence, sources.outbound)
    windows = Windows(ingest, streams, tables, jobs, access, evidence)
    turns = Turns(db, jobs, clock, zone, standards.is_working)
    alerts = Alerts(db, access, evidence, clock)
    schedules = Schedules(sources, alerts, turns, standards, zone)
    freshness = FreshnessBoard(schedules, catalog.cycle_of)
    captures = Captures(sources)
    witnesses = Witnesses(db, evidence, sealer, access, clock, sources.outbound)
    witnesses.alarm = lambda origin, words: alerts.say(AlertKind.EVIDENCE_FORK, origin, "", words)  # of no department
    counting = SparkEngine(settings.spark_url, settings.time_zone) if settings.spark_url else engine
    measures = Measures(lake, engine, counting)
    runner = Runner(measures, standards, catalog, clock, zone, sql.bound)
    quality = Quality(db, tables, runner, access, evidence, jobs, alerts, clock)
    mappings = Mappings(quality)
    contracts = Contracts(
        db, tables, quality, mappings, protection, catalog, standards, access, evidence, clock, settings
    )
    gate.terms = contracts
    recipes = Recipes(db, tables, measures, sql, standards, access, evidence, jobs, clock, zone, settings)
    linker = SparkLinker(settings, client) if settings.spark_url else Linker(settings)
    fusion = Fusion(db, tables, measures, protection, standards, access, evidence, jobs, vault, linker, clock, settings)
    gate.grants = GrantBook(db, clock, zone)
    tickets = Tickets(quality)
    gate.doubts.of = tickets.in_doubt
    sharing = SharingParts(
        db=db,
        catalog=catalog,
        gate=gate,
        answers=AnswerGate(gate, engine, protection, access, evidence),
        standards=standards,
        access=access,
        evidence=evidence,
        alerts=alerts,
        clock=clock,
        zone=zone,
        not_shared=inventory.not_shared,
        doubts=tickets.doubts,
        ticket=tickets.ticket,
        move_ticket=tickets.move,
    )
    exchange, demands, stops = Exchange(sharing), Demands(sharing), Stops(sharing)
    disputes, recalls, templates = Disputes(sharing), Recalls(sharing), Templates(sharing)
    gate.earlier = recalls.left
    shelf = Shelf(home / "cache" / "shares", zone, settings.share_cache_mb << 20)
    endpoint = f"{settings.public_url.rstrip('/')}/share"
    shares = Shares(sharing, ShareParts(shelf=shelf, protection=protection, left=recalls.left, endpoint=endpoint))
    servings = Servings(sharing, gate.copies, jobs)
    receipts = Receipts(db, evidence, sealer, access)
    intersections = Intersections(sharing, home / "intersections", vault, jobs)
    sources.renewals.append(intersections.renew)
    packages = Packages(exchange, home / "packages", receipts.receipt)
    push_limits = PushLimits(
        seconds=settings.push_seconds, idle=settings.push_idle_seconds, at_once=settings.push_org_at_once
    )
    pushes = Pushes(sharing, Destinations(vault, sources.outbound), recalls, push_limits)
    receipts.subjects |= {
        "entry": ("catalog:", catalog.threads),
        "request": ("", exchange.request),
        "grant": ("", exchange.grant),
        "demand": ("", demands.demand),
        "dispute": ("", disputes.view),
        "push": ("", pushes.view),
        "delivery": ("", pushes.delivery),
    }
    receipts.granted = lambda actor, grant_id: exchange.grant(actor, grant_id).grant.table
    sources.renewals.append(pushes.renew_secrets)
    flight = FlightSql(sql, gate, protection, access, settings, clock)
    offered = Services(sharing, vault, sources.outbound)
    sources.renewals.append(offered.renew)
    monitors = Monitors(quality, freshness)
    lineage = Lineage(db, tables, catalog, sources, access, evidence, clock, settings)
    ingest.impact = lineage
    graphs = Graphs(db, gate, protection, access, evidence, clock, settings)
    workbench = Workbench(db, sql, gate, protection, catalog, access, evidence, clock, settings)
    learning = Learning(db, gate, tables, lineage, access, evidence, jobs, clock, settings)
    lineage.own_names["mining"] = learning.called
    stream_rules = StreamRules(streams, tables, gate, access, evidence, clock, zone)
    ingest.watches.append(stream_rules)
    texts = Texts(db, Landing(home / "texts"), access, evidence, standards, fusion, clock)
    apps = Apps(db, sql, gate, catalog, access, evidence, clock, graphs, contracts, zone)
    sign_on = SignOn(db, access, evidence, vault, sources.outbound, clock, settings)
    access.tokens = sign_on
    clients = Clients(db, access, evidence, clock, settings)
    sources.renewals.append(sign_on.renew)
    subscriptions = Subscriptions(clients, ApiNames(catalog, offered, apps))
    relay = Relay(clients, sign_on, subscriptions, sources.outbound)
    app_health = HealthWatch(relay)
    viewers = Viewers(db, clock)
    sign_on.others = viewers
    app_servers = AppServers(apps, viewers, settings, sources.outbound)
    app_jobs = AppJobs(apps, tables, jobs, home / "staging", zone, standards.is_working, settings.job_rows)
    releases = Releases(db, gate, engine, protection, catalog, access, evidence, clock)
    receipts.subjects |= {"release_check": ("", releases.reports), "quality_release": ("", quality.report)}
    receipts.actions = {"release_check": "protection.release_check", "quality_release": "quality.release"}
    releases.alerts = alerts
    private = Private(db, lake, counting, protection, standards, access, evidence, clock, zone)
    catalog.release_checks = (recalls, quality, releases)
    catalog.entry_checks = (templates,)
    opendata = OpenData(catalog, tables, standards, access, clock, settings)
    entries = PackageReads(catalog, standards, access, clock, settings)
    rows = Datastore(opendata, catalog, tables, access)
    intake = Intake(catalog, ingest, access)
    opendata.announced = recalls.announced
    glance = Glance(opendata, quality, tables, measures, standards, clock)
    opendata.glimpsed = glance.glimpse
    statistics = Statistics(db, catalog, access, clock, settings.time_zone)
    opendata.counted = statistics.count
    public = PublicParts(
        db=db,
        standards=standards,
        access=access,
        evidence=evidence,
        alerts=alerts,
        vault=vault,
        tickets=tickets,
        doorman=Doorman(clock),
        clock=clock,
        zone=zone,
    )
    newsroom = Newsroom(public)
    opendata.latest = newsroom.latest
    registrations, voices = Registrations(public), Voices(public, catalog)
    keepings = Keepings(public, catalog)
    openings, portals = Openings(sharing, registrations), Portals(public, settings.public_url)
    opendata.portals_of = portals.portals
    opendata.conditions, opendata.marking = openings.offered, openings.marked
    opendata.echoed = keepings.echo
    sources.renewals += [registrations.renew, voices.renew]
    exports = Exports(db, opendata, access, clock)
    facts = FactSources(
        catalog=catalog,
        inventory=inventory,
        access=access,
        evidence=evidence,
        tables=tables,
        quality=quality,
        tickets=tickets,
        freshness=freshness,
        fusion=fusion,
        standards=standards,
        exchange=ExchangeRecord(exchange, demands, templates, offered, zone),
        portal=PortalRecord(voices, zone),
        calls=CallRecord(evidence, tables, offered, zone),
    )
    assess = Assess(db, facts, access, evidence, clock, zone)
    figures = Figures(db, access, evidence, standards, clock, zone, sql, lineage)
    public_figures = PublicFigures(db, access, evidence, standards, clock, zone)
    forecasts = Forecasts(
        db,
        tables,
        IndicatorSeries(figures),
        Statistical(),
        standards,
        access,
        evidence,
        jobs,
        clock,
        zone,
        settings,
    )
    tables.writers = (
        ingest.writer_of,
        recipes.writer_of,
        fusion.writer_of,
        forecasts.writer_of,
        learning.writer_of,
        stream_rules.writer_of,
    )
    figures.released = forecasts.on_indicator_released
    node_keys = NodeKeys(db, vault, clock, settings)
    sources.renewals.append(node_keys.renew)
    node_parts = NodeParts(
        db=db,
        keys=node_keys,
        access=access,
        evidence=evidence,
        standards=standards,
        outbound=sources.outbound,
        clock=clock,
        settings=settings,
    )
    letters = Letters(node_parts)
    nodes = Nodes(node_parts, letters)
    cascade = Cascade(node_parts, letters, catalog, alerts)
    facts.linkage = link_watch = LinkWatch(node_parts, letters, alerts, holds)
    catalog.elsewhere = cascade.version
    travels = Travels(
        TravelParts(exchange=exchange, disputes=disputes, letters=letters, vault=vault, entry=cascade.afar)
    )
    exchange.afar = travels
    exchange.applications = apps.reading
    sources.renewals.append(travels.renew)
    plan = WorkPlan(db, access, evidence, standards, clock, zone, alerts, catalog, tables, figures)
    plan_tables = PlanTables(plan, figures, tables, jobs, home / "staging")
    tables.writers = (*tables.writers, plan_tables.writer_of)
    notices = Notices(db, access, evidence, clock, zone, [keepings.followers])
    mail = Mail(
        db,
        notices,
        access=access,
        evidence=evidence,
        vault=vault,
        outbound=sources.outbound,
        clock=clock,
        settings=settings,
    )
    notices.heard.append(mail.hear)
    told = FollowParts(public=public, catalog=catalog, mail=mail, outbound=sources.outbound, base=opendata.base)
    follows = Follows(told)
    notices.following.append(follows.followers)
    spreading = Spreading(follows)
    sources.renewals += [mail.renew, follows.renew]
    jobs.register(SYNC_JOB, sources.work, turns.admit)
    jobs.register(VERIFY_JOB, sources.verify_work, turns.admit_comparisons)

    def ask_owner(actor: Actor, asked: DataWish) -> str:
        wish = DemandDraft(title=asked.title, items=asked.items, purpose=asked.purpose, use=asked.use)
        return demands.raise_(actor, wish).id

    def locked_out() -> list[str]:
        return [*sources.locked_out(), *streams.locked_out(), *offered.locked_out()]

    platform = Platform(
        settings=settings,
        clock=clock,
        lock=HomeLock(home),
        db=db,
        engine=engine,
        counting=counting,
        evidence=evidence,
        evidence_reader=EvidenceReader(evidence, access),
        receipts=receipts,
        witnesses=witnesses,
        holds=holds,
        succession=succession,
        retention=Retention(db, evidence, access, clock, standards.rule),
        access=access,
        desk=Desk(db, access, clock),
        standards=standards,
        registry=registry,
        jobs=jobs,
        tables=tables,
        catalog=catalog,
        inventory=inventory,
        protection=protection,
        gate=gate,
        releases=releases,
        private=private,
        sql=sql,
        ingest=ingest,
        bench=bench,
        sources=sources,
        harvests=harvests,
        streams=streams,
        windows=windows,
        alerts=alerts,
        schedules=schedules,
        freshness=freshness,
        dispatcher=Dispatcher(schedules, freshness),
        captures=captures,
        quality=quality,
        recipes=recipes,
        fusion=fusion,
        exchange=exchange,
        flight=flight,
        demands=demands,
        disputes=disputes,
        stops=stops,
        pushes=pushes,
        ratings=RatingBook(sharing),
        recalls=recalls,
        templates=templates,
        shares=shares,
        servings=servings,
        openings=openings,
        packages=packages,
        intersections=intersections,
        tracing=Tracing(sharing),
        offered=offered,
        mappings=mappings,
        profiles=Profiles(quality),
        contracts=contracts,
        tickets=tickets,
        monitors=monitors,
        lineage=lineage,
        graphs=graphs,
        workbench=workbench,
        learning=learning,
        stream_rules=stream_rules,
        forecasts=forecasts,
        texts=texts,
        notebooks=Notebooks(workbench, ask_owner),
        notices=notices,
        live=Live(notices, jobs, access),
        mail=mail,
        glance=glance,
        statistics=statistics,
        newsroom=newsroom,
        apps=apps,
        clients=clients,
        sandbox=Sandbox(catalog, standards, access, offered, apps),
        sign_on=sign_on,
        subscriptions=subscriptions,
        relay=relay,
        app_health=app_health,
        app_servers=app_servers,
        app_jobs=app_jobs,
        app_canaries=AppCanaries(apps),
        app_ratings=RatingsOfApps(apps),
        opendata=opendata,
        portals=portals,
        registrations=registrations,
        voices=voices,
        keepings=keepings,
        follows=follows,
        spreading=spreading,
        ckan=Ckan(
            entries,
            PackageWrites(catalog, entries, access),
            rows,
            SqlAsked(rows, sql, access),
            access,
            Pace(clock, settings.ckan_calls),
            HandIns(RowWrites(intake, tables, rows), FileWrites(intake, catalog, tables, entries.base)),
        ),
        exports=exports,
        features=Features(opendata, access, clock),
        assess=assess,
        figures=figures,
        public_figures=public_figures,
        plan=plan,
        plan_tables=plan_tables,
        nodes=nodes,
        travels=travels,
        letters=letters,
        cascade=cascade,
        link_watch=link_watch,
        plan_drafts=PlanDrafts(plan, texts),
        health=Health(
            settings,
            db,
            engine,
            evidence,
            _assets_present,
            locked_out,
            captures.left_behind,
            flight.state,
            texts.lost,
            books.years_wanting,
        ),
    )
    connect(platform)
    return platform


def _assets_present() -> bool:
    """Ask the web kit when somebody wants to know; a command at the terminal needs no FastAPI."""
    from beijiang.web.assets import assets_present

    return assets_present()
