"""The web: every domain's endpoints and pages behind one door."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse

from beijiang.access import routes as access_routes
from beijiang.agents import routes as agents_routes
from beijiang.apps import routes as apps_routes
from beijiang.assess import routes as assess_routes
from beijiang.catalog import routes as catalog_routes
from beijiang.console import routes as console_routes
from beijiang.contracts import routes as contracts_routes
from beijiang.desk import routes as desk_routes
from beijiang.evidence import routes as evidence_routes
from beijiang.exchange import routes as exchange_routes
from beijiang.federation import routes as federation_routes
from beijiang.fusion import routes as fusion_routes
from beijiang.guard import routes as guard_routes
from beijiang.ingest import routes as ingest_routes
from beijiang.jobs import routes as jobs_routes
from beijiang.lineage import routes as lineage_routes
from beijiang.mining import routes as mining_routes
from beijiang.notices import routes as notices_routes
from beijiang.opendata import routes as opendata_routes
from beijiang.opendata.routes import ckan, ogc
from beijiang.protection import doubt_headers
from beijiang.protection import routes as protection_routes
from beijiang.quality import routes as quality_routes
from beijiang.recipes import routes as recipes_routes
from beijiang.standards import routes as standards_routes
from beijiang.tables import routes as tables_routes
from beijiang.web import Addresses, Pages, describe, description, new_app
from beijiang.web.directory import Directory
from beijiang.web.later import routes_made_later
from beijiang.web.waiting import WaitingRoom

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from beijiang.build import Platform
    from beijiang.kit import Actor

WITH_PAGES = ("apps", "console", "opendata")
UPLOAD_PATHS = frozenset(
    {
        "/api/v1/ingest/files",
        "/api/v1/exchange/trace",
        exchange_routes.POINTS_PATH,
        "/console/ingest",
        "/console/trace",
    }
)
"""Where a body may be as large as a file."""
METERED = ("/api/v1/datasets", "/ogc", "/sdmx", "/mcp")
"""Where visitors' calls are counted; the other addresses that take no key know their callers by a signature or a secret."""


def folder_app(platform: Platform, folder: Path, who: Callable[[], Actor], key: str) -> FastAPI:
    """Return what ``beijiang app preview --watch`` serves: the pages of a folder, to whoever knows the key."""
    pages = Pages(platform.settings, WITH_PAGES)
    app = new_app(platform.settings, platform.access, pages)
    app.router.routes.extend(apps_routes.writing(platform.apps, apps_routes.Folder(folder, who, key), pages).routes)
    return app


@routes_made_later()
def create_app(platform: Platform) -> FastAPI:
    """Mount what the domains offer."""
    pages = Pages(platform.settings, WITH_PAGES)
    room = WaitingRoom(platform.sql.governor.places + platform.settings.query_queue)
    protocols = {"/share/": exchange_routes.protocol_error} | dict.fromkeys(ckan.PREFIXES, ckan.protocol_error)
    protocols |= {ogc.PREFIX: ogc.protocol_error, assess_routes.SDMX: assess_routes.protocol_error}
    protocols |= dict.fromkeys(apps_routes.PROTOCOL_PATHS, apps_routes.protocol_error)
    doubts = platform.gate.doubts
    addresses = Addresses(UPLOAD_PATHS, protocols, METERED, lambda receipts: doubt_headers(doubts.told(receipts)))
    app = new_app(platform.settings, platform.access, pages, addresses, platform.subscriptions, platform.clock)
    datasets = opendata_routes.router(platform.opendata, platform.glance, platform.exports, pages)
    offered = exchange_routes.services(platform.offered)
    routers = (
        datasets,
        opendata_routes.public(
            platform.registrations, platform.voices, platform.keepings, platform.openings, platform.opendata, pages
        ),
        opendata_routes.followed(platform.follows, pages),
        opendata_routes.cities(platform.portals),
        opendata_routes.told(platform.statistics, platform.newsroom, platform.opendata, pages),
        ckan.router(platform.ckan),
        ogc.router(platform.opendata, platform.features),
        guard_routes.router(platform.health),
        access_routes.router(platform.access),
        desk_routes.router(platform.desk),
        notices_routes.router(platform.notices),
        notices_routes.live_router(platform.live),
        notices_routes.mail_router(platform.mail),
        standards_routes.router(platform.standards),
        standards_routes.registry_router(platform.registry),
        standards_routes.laws_router(platform.registry),
        standards_routes.calendar_router(platform.registry),
        tables_routes.router(platform.tables),
        catalog_routes.router(platform.catalog),
        catalog_routes.deciding_router(platform.catalog),
        catalog_routes.fields_router(platform.catalog),
        catalog_routes.systems_router(platform.inventory),
        ingest_routes.router(platform.ingest),
        ingest_routes.bench_router(platform.bench),
        ingest_routes.sources_router(platform.sources),
        ingest_routes.harvest_router(platform.harvests),
        ingest_routes.streams_router(platform.streams, platform.windows),
        ingest_routes.schedules_router(platform.schedules, platform.freshness, platform.alerts),
        ingest_routes.captures_router(platform.captures),
        jobs_routes.router(platform.jobs),
        protection_routes.router(platform.protection, platform.releases),
        protection_routes.levels(platform.protection),
        protection_routes.private(platform.private),
        quality_routes.router(platform.quality),
        contracts_routes.router(platform.contracts),
        exchange_routes.router(platform.exchange),
        exchange_routes.changes(platform.exchange),
        exchange_routes.counts(platform.exchange),
        exchange_routes.demands(platform.demands),
        exchange_routes.disputes(platform.disputes),
        exchange_routes.stops(platform.stops),
        exchange_routes.times(platform.exchange),
        exchange_routes.openings(platform.openings),
        exchange_routes.pushes(platform.pushes),
        exchange_routes.flight_door(platform.flight),
        exchange_routes.ratings(platform.ratings),
        exchange_routes.recalls(platform.recalls),
        exchange_routes.templates(platform.templates),
        exchange_routes.profiles(platform.shares),
        exchange_routes.shares(platform.shares),
        exchange_routes.servings(platform.servings),
        exchange_routes.intersections(platform.intersections),
        exchange_routes.packages(platform.packages),
        exchange_routes.tracing(platform.tracing),
        offered,
        recipes_routes.router(platform.recipes),
        fusion_routes.router(platform.fusion),
        quality_routes.mapping_router(platform.mappings),
        quality_routes.profile_router(platform.profiles),
        quality_routes.monitors_router(platform.monitors),
        quality_routes.tickets_router(platform.tickets, platform.quality),
        lineage_routes.router(platform.lineage, ZoneInfo(platform.settings.time_zone)),
        mining_routes.router(platform.workbench, room),
        mining_routes.learning_router(platform.learning),
        mining_routes.stream_rules_router(platform.stream_rules),
        mining_routes.forecasts_router(platform.forecasts),
        mining_routes.graphs_router(platform.graphs),
        mining_routes.notebooks_router(platform.notebooks),
        mining_routes.texts_router(platform.texts),
        apps_routes.router(platform.apps),
        apps_routes.jobs(platform.app_jobs),
        apps_routes.canaries(platform.app_canaries),
        apps_routes.ratings(platform.app_ratings),
        apps_routes.servers(platform.app_servers),
        apps_routes.served(platform.app_servers),  # before the pages, which take every name
        apps_routes.pages(platform.apps, platform.app_ratings, pages),
        apps_routes.oauth(platform.sign_on, platform.access, pages),
        apps_routes.clients(platform.clients, platform.subscriptions),
        apps_routes.sandbox(platform.sandbox),
        apps_routes.health(platform.app_health),
        apps_routes.outside(platform.relay, platform.app_health, pages),
        assess_routes.router(platform.assess),
        assess_routes.figures_router(platform.figures),
        assess_routes.openings_router(platform.public_figures),
        assess_routes.sdmx_router(platform.public_figures),
        assess_routes.drafts_router(platform.plan_drafts),
        assess_routes.plan_tables_router(platform.plan_tables),
        assess_routes.plan_router(platform.plan),
        federation_routes.doors(platform.nodes, platform.letters),
        federation_routes.router(platform.nodes, platform.letters, platform.link_watch),
        federation_routes.entries(platform.cascade),
        federation_routes.travels(platform.travels, platform.exchange),
        evidence_routes.router(platform.evidence_reader),
        evidence_routes.holds_router(platform.holds),
        evidence_routes.receipts_router(platform.receipts, platform.witnesses, platform.retention),
        evidence_routes.keys_router(platform.succession),
        evidence_routes.tlog_router(platform.receipts, platform.witnesses),
        console_routes.search.api(platform),
        agents_routes.router(platform, lambda: description([datasets, offered])),
        console_routes.router(platform, pages, room),
    )
    for router in routers:  # as they are: an included router makes each route again and asks it twice
        app.router.routes.extend(router.routes)
    describe(app, routers)
    app.router.routes[:0] = opendata_routes.drawn(platform.portals).routes  # before what is built
    app.add_middleware(opendata_routes.PortalDoor, portals=platform.portals, home=platform.opendata.base)
    app.add_middleware(apps_routes.RelayDoor, relay=platform.relay)  # outermost: its hosts see no page of ours

    @app.get("/api", include_in_schema=False)
    def api_page(request: Request) -> HTMLResponse:
        return pages.render(request, "api.html")

    app.router.middleware_stack = Directory(app.router)
    return app
