"""The groups and commands that the domains offer at the terminal; each is imported when it is first used."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import typer

from beijiang.opened import platform, reserve, settings

if TYPE_CHECKING:
    from pathlib import Path

    from beijiang.kit import Actor
    from beijiang.platform import Platform

__all__ = ["LATER", "Later"]

T = TypeVar("T")


def _get(pick: Callable[[Platform], T]) -> Callable[[], T]:
    return lambda: pick(platform())


def _ingest() -> typer.Typer:
    from beijiang.ingest.commands import (
        add_backfill,
        add_captures,
        add_mending,
        add_runs,
        add_schedules,
        commands,
        harvest,
    )

    group = commands(_get(lambda p: p.ingest))
    add_runs(group, _get(lambda p: p.sources))
    group.add_typer(harvest(_get(lambda p: p.harvests)), name="harvest")
    add_mending(group, _get(lambda p: p.bench))
    add_backfill(group, _get(lambda p: p.sources))
    add_schedules(group, platform)
    add_captures(group, _get(lambda p: p.captures))
    return group


def _sources() -> typer.Typer:
    from beijiang.ingest.commands import sources

    return sources(_get(lambda p: p.sources))


def _streams() -> typer.Typer:
    from beijiang.ingest.commands import streams

    return streams(_get(lambda p: p.streams), _get(lambda p: p.windows))


def _tables() -> typer.Typer:
    from beijiang.tables.commands import commands

    return commands(_get(lambda p: p.tables))


def _catalog() -> typer.Typer:
    from beijiang.catalog.commands import commands

    return commands(_get(lambda p: p.catalog), _get(lambda p: p.access))


def _systems() -> typer.Typer:
    from beijiang.catalog.commands.systems import commands

    return commands(_get(lambda p: p.inventory), _get(lambda p: p.access))


def _protection() -> typer.Typer:
    from beijiang.protection.commands import commands, private

    group = commands(_get(lambda p: p.protection), _get(lambda p: p.access), _get(lambda p: p.releases))
    group.add_typer(private(_get(lambda p: p.private), _get(lambda p: p.access)), name="private")
    return group


def _quality() -> typer.Typer:
    from beijiang.quality.commands import add_mapping, add_monitors, add_profile, add_tickets, commands

    group = commands(_get(lambda p: p.quality), _get(lambda p: p.access))
    add_mapping(group, _get(lambda p: p.mappings), _get(lambda p: p.access))
    add_profile(group, _get(lambda p: p.profiles), _get(lambda p: p.access))
    add_monitors(group, _get(lambda p: p.monitors), _get(lambda p: p.access))
    add_tickets(group, _get(lambda p: p.tickets), _get(lambda p: p.quality), _get(lambda p: p.access))
    return group


def _recipes() -> typer.Typer:
    from beijiang.recipes.commands import commands

    return commands(_get(lambda p: p.recipes), _get(lambda p: p.access))


def _libraries() -> typer.Typer:
    from beijiang.fusion.commands import commands

    return commands(_get(lambda p: p.fusion), _get(lambda p: p.access))


def _exchange() -> typer.Typer:
    from beijiang.exchange import commands as exchange

    access = _get(lambda p: p.access)
    group = exchange.commands(_get(lambda p: p.exchange), access)
    exchange.add_counts(group, _get(lambda p: p.exchange), access)
    exchange.add_flight(group, _get(lambda p: p.flight), access)
    exchange.add_intersections(group, _get(lambda p: p.intersections), _get(lambda p: p.jobs), access)
    group.add_typer(exchange.demands(_get(lambda p: p.demands), access), name="demand")
    group.add_typer(exchange.disputes(_get(lambda p: p.disputes), access), name="dispute")
    group.add_typer(exchange.pushes(_get(lambda p: p.pushes), access), name="push")
    group.add_typer(exchange.ratings(_get(lambda p: p.ratings), access), name="rating")
    exchange.add_shares(group, _get(lambda p: p.shares), access)
    group.add_typer(exchange.recalls(_get(lambda p: p.recalls), access), name="recall")
    group.add_typer(exchange.templates(_get(lambda p: p.templates), access), name="template")
    group.add_typer(exchange.claims(_get(lambda p: p.templates), access), name="claim")
    group.add_typer(exchange.servings(_get(lambda p: p.servings), _get(lambda p: p.jobs), access), name="serving")
    exchange.add_packages(group, _get(lambda p: p.packages), access)
    exchange.add_changes(group, _get(lambda p: p.exchange), access)
    exchange.add_times(group, _get(lambda p: p.exchange), access)
    exchange.add_stops(group, _get(lambda p: p.stops), access)
    exchange.add_tracing(group, _get(lambda p: p.tracing), access)
    group.add_typer(exchange.services(_get(lambda p: p.offered), access), name="service")
    return group


def _data() -> typer.Typer:
    from beijiang.opendata.commands import add_export, add_statistics, data

    group = data(_get(lambda p: p.opendata), _get(lambda p: p.glance))
    add_export(group, _get(lambda p: p.opendata), _get(lambda p: p.exports), _get(lambda p: p.features))
    add_statistics(group, _get(lambda p: p.statistics))
    return group


def _contracts() -> typer.Typer:
    from beijiang.contracts.commands import commands

    return commands(_get(lambda p: p.contracts), _get(lambda p: p.access))


def _assess() -> typer.Typer:
    from beijiang.assess.commands import add_drafts, add_figures, add_plan, commands

    group = commands(_get(lambda p: p.assess), _get(lambda p: p.access))
    add_figures(group, _get(lambda p: p.figures), _get(lambda p: p.public_figures), _get(lambda p: p.access))
    add_plan(group, _get(lambda p: p.plan), _get(lambda p: p.plan_tables), _get(lambda p: p.access))
    add_drafts(group, _get(lambda p: p.plan_drafts), _get(lambda p: p.access))
    return group


def _lineage() -> typer.Typer:
    from beijiang.lineage.commands import commands

    return commands(_get(lambda p: p.lineage), _get(lambda p: p.access))


def _portal() -> typer.Typer:
    from beijiang.exchange.commands import openings
    from beijiang.opendata.commands import cities, follows, members, news, voices, works

    group = typer.Typer(
        help="The portal: words of the public, registrations, conditional opening, city portals, news, works.",
        no_args_is_help=True,
    )
    group.add_typer(members(_get(lambda p: p.registrations), _get(lambda p: p.access)), name="members")
    group.add_typer(cities(_get(lambda p: p.portals), _get(lambda p: p.access)), name="cities")
    group.add_typer(openings(_get(lambda p: p.openings), _get(lambda p: p.access)), name="openings")
    group.add_typer(follows(_get(lambda p: p.follows), _get(lambda p: p.access)), name="follows")
    group.add_typer(news(_get(lambda p: p.newsroom), _get(lambda p: p.access)), name="news")
    group.add_typer(voices(_get(lambda p: p.voices), _get(lambda p: p.access)), name="voices")
    group.add_typer(works(_get(lambda p: p.keepings), _get(lambda p: p.access)), name="works")
    return group


def _evidence() -> typer.Typer:
    from beijiang.evidence.commands import add_keys, add_receipts, add_retention, add_witnesses, commands, holds

    group = commands(_get(lambda p: p.evidence_reader))
    access = _get(lambda p: p.access)
    group.add_typer(holds(_get(lambda p: p.holds), lambda login: access().actor_for_person(login)), name="hold")
    add_receipts(group, _get(lambda p: p.receipts), _get(lambda p: p.evidence))
    add_keys(group, _get(lambda p: p.succession), _get(lambda p: p.evidence))
    add_witnesses(group, _get(lambda p: p.witnesses))
    add_retention(group, _get(lambda p: p.retention))
    return group


def _verify() -> Callable[..., None]:
    from beijiang.evidence.commands import verify_command

    return verify_command()


def _unpack() -> Callable[..., None]:
    from beijiang.exchange.commands import unpack_command

    return unpack_command()


def _people() -> typer.Typer:
    from beijiang.access.commands import people

    return people(_get(lambda p: p.access))


def _organisations() -> typer.Typer:
    from beijiang.access.commands import organisations

    return organisations(_get(lambda p: p.access))


def _keys() -> typer.Typer:
    from beijiang.access.commands import keys

    return keys(_get(lambda p: p.access))


def _jobs() -> typer.Typer:
    from beijiang.jobs.commands import commands

    return commands(_get(lambda p: p.jobs))


def _notices() -> typer.Typer:
    from beijiang.notices.commands import commands

    return commands(_get(lambda p: p.notices), _get(lambda p: p.mail), _get(lambda p: p.access))


def _standards() -> typer.Typer:
    from beijiang.standards.commands import add_calendar, add_laws, add_registry, commands

    group = commands(_get(lambda p: p.standards))
    add_registry(group, _get(lambda p: p.registry), _get(lambda p: p.access))
    add_calendar(group, _get(lambda p: p.registry), _get(lambda p: p.access))
    add_laws(group, _get(lambda p: p.registry), _get(lambda p: p.access))
    return group


def _federation() -> typer.Typer:
    from beijiang.federation.commands import add_watch, catalog_commands, commands, parcel_commands

    group = commands(_get(lambda p: p.nodes), _get(lambda p: p.letters), _get(lambda p: p.access))
    parcels = parcel_commands(_get(lambda p: p.travels), _get(lambda p: p.exchange), _get(lambda p: p.access))
    add_watch(group, _get(lambda p: p.link_watch), _get(lambda p: p.access))
    group.add_typer(parcels, name="parcel")
    group.add_typer(catalog_commands(_get(lambda p: p.cascade), _get(lambda p: p.access)), name="catalog")
    return group


def _sql() -> typer.Typer:
    from beijiang.mining.commands import commands

    return commands(_get(lambda p: p.workbench), _get(lambda p: p.access))


def _models() -> typer.Typer:
    from beijiang.mining.commands import models

    return models(_get(lambda p: p.learning), _get(lambda p: p.access))


def _alerts() -> typer.Typer:
    from beijiang.mining.commands import alerts

    return alerts(_get(lambda p: p.stream_rules), _get(lambda p: p.access))


def _forecasts() -> typer.Typer:
    from beijiang.mining.commands import forecast_commands

    return forecast_commands(_get(lambda p: p.forecasts), _get(lambda p: p.access))


def _clients() -> typer.Typer:
    from beijiang.apps.commands import add_sandbox, clients

    group = clients(
        _get(lambda p: p.clients),
        _get(lambda p: p.sign_on),
        _get(lambda p: p.subscriptions),
        _get(lambda p: p.access),
        _get(lambda p: p.app_health),
    )
    add_sandbox(group, _get(lambda p: p.sandbox), _get(lambda p: p.access), _get(lambda p: p.sign_on.issuer))
    return group


def _graphs() -> typer.Typer:
    from beijiang.mining.commands import graph_commands

    return graph_commands(_get(lambda p: p.graphs), _get(lambda p: p.access))


def _notebooks() -> typer.Typer:
    from beijiang.mining.commands import notebook_commands

    return notebook_commands(_get(lambda p: p.notebooks), _get(lambda p: p.access))


def _texts() -> typer.Typer:
    from beijiang.mining.commands import texts_commands

    return texts_commands(_get(lambda p: p.texts), _get(lambda p: p.access))


def _apps() -> typer.Typer:
    from beijiang.apps.commands import add_canaries, add_ratings, commands

    access = _get(lambda p: p.access)
    group = commands(
        _get(lambda p: p.apps), _get(lambda p: p.app_jobs), access, _get(lambda p: p.app_servers), _serve_folder
    )
    add_canaries(group, _get(lambda p: p.app_canaries), access)
    add_ratings(group, _get(lambda p: p.app_ratings), access)
    return group


def _serve_folder(folder: Path, who: Callable[[], Actor], port: int) -> None:
    from beijiang.worker import serve_folder

    serve_folder(platform(), folder, who, port)


def _find() -> Callable[..., None]:
    from beijiang.console.commands import find_command

    return find_command(platform)


def _demo() -> Callable[..., None]:
    from beijiang.demo.commands import demo_command

    return demo_command(settings, platform, reserve)


def _remote() -> typer.Typer:
    from beijiang.apps import pack
    from beijiang.apps.commands import told as apps
    from beijiang.apps.folder import folder_files
    from beijiang.catalog.commands import told as catalog
    from beijiang.catalog.commands.directory import show_taken
    from beijiang.exchange.commands import told as exchange
    from beijiang.ingest.commands import shown as ingest
    from beijiang.remote.commands import Listed, Shown, commands

    return commands(
        Shown(
            hits=catalog.show_hits,
            entry=catalog.show_entry,
            taken=show_taken,
            run=ingest.show_run_facts,
            runs=ingest.show_runs,
            failure=ingest.failure_of,
            quarantine=ingest.show_quarantine,
            requests=Listed(exchange.REQUESTS, exchange.told_request),
            steps=Listed(exchange.STEPS, exchange.told_step),
            apps=Listed(apps.APPS, apps.told_app),
            versions=Listed(apps.VERSIONS, apps.told_version),
            checks=apps.told_checks,
            bundle=lambda folder: pack(folder_files(folder)),
        )
    )


class Later(NamedTuple):
    """A group or command that is imported when it is used; its one line of help stands here."""

    help: str
    load: Callable[[], typer.Typer | Callable[..., None]]


LATER = {
    "ingest": Later("Take data in: land, type, check, commit, certify; quarantine and runs.", _ingest),
    "sources": Later("Sources: databases and services that tables are filled from.", _sources),
    "streams": Later("Streams: messages that keep coming, by webhook or MQTT, and their window tables.", _streams),
    "tables": Later("Lake tables: list, show, history, rollback, compact.", _tables),
    "catalog": Later("Catalog entries: find, complete, review, release, withdraw.", _catalog),
    "systems": Later("The inventory of government systems, and what is not shared.", _systems),
    "protection": Later(
        "Grades and masks of columns, rules on rows, release checks: see them, change them.", _protection
    ),
    "quality": Later("Quality: rules on tables, checks, failing rows, scores.", _quality),
    "recipes": Later("Recipes: derived tables by steps of cleansing or by SQL.", _recipes),
    "libraries": Later("Base and theme libraries: one record for each person, firm and place.", _libraries),
    "exchange": Later("Sharing: ask for data, decide, and end what was granted.", _exchange),
    "data": Later("Open data as everybody sees them: view, export, quality, changes, statistics.", _data),
    "contracts": Later("Data contracts (ODCS): hand in, agree, compare, hold tables against them.", _contracts),
    "lineage": Later("Lineage: where columns come from and go to; OpenLineage events.", _lineage),
    "assess": Later("Assessment of departments; statistical indicators; the work plan.", _assess),
    "federation": Later(
        "Three-level linkage: which node this is, links to nodes above and below, letters.", _federation
    ),
    "portal": Later(
        "The portal: words of the public, registrations, conditional opening, city portals, news, works.", _portal
    ),
    "evidence": Later("The evidence log: check, search, export; receipts, witnesses, retention.", _evidence),
    "verify": Later("Verify a receipt, offline, on any machine: say what is proved and what is not.", _verify),
    "unpack": Later(
        "Open an encrypted package, offline, on any machine, and check every part against its SM3 digest.", _unpack
    ),
    "people": Later("Accounts: list, add, roles, disable, enable, reset, explain.", _people),
    "orgs": Later("Organisations: list, add.", _organisations),
    "keys": Later("API keys: list, issue, revoke.", _keys),
    "jobs": Later("Durable jobs: list, show, cancel.", _jobs),
    "notices": Later("Notices: list, read, choose how to hear of each kind.", _notices),
    "standards": Later("What the standards say; the registry of data elements and code sets.", _standards),
    "sql": Later("Query governed tables with SQL; masks and rights hold as everywhere.", _sql),
    "models": Later("Models that learn from governed tables: features, training sets, register, scores.", _models),
    "alerts": Later("Alerts of readings, and the rules on streams that raise them.", _alerts),
    "forecasts": Later("Forecasts of series, each beside its back-test.", _forecasts),
    "graphs": Later("Graphs of enterprises: chains, controllers, circles, related parties.", _graphs),
    "notebook": Later("Notebooks: cells of SQL, charts and notes, with parameters.", _notebooks),
    "texts": Later("Documents: keep them, and find what is in them.", _texts),
    "app": Later("Hosted applications: write, check, preview, submit, release.", _apps),
    "clients": Later("Applications written elsewhere: register, review, secrets, subscriptions.", _clients),
    "find": Later("Find anything that a person may see in the console, and what can be done.", _find),
    "remote": Later("A platform on another machine: sign on with a key, find, read, download, hand in, ask.", _remote),
    "demo": Later("Build the demo region (once) and serve it: departments' messy files in, open data out.", _demo),
}
"""What the domains offer. Nothing of it is imported to print the first help page, which thus takes a blink."""
