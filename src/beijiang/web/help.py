"""Which section of the help belongs to which page of the site: what the "?" in a head opens, in a panel beside the page."""

from __future__ import annotations

from typing import Final

__all__ = ["console_section", "help_for"]

_CONSOLE: Final[dict[str, tuple[str, ...]]] = {
    "account": ("consents", "keys", "password", "sign-in"),
    "alerts": ("alerts",),
    "apps": ("apps",),
    "assess": ("assess", "assess-appeals", "assess-weights"),
    "catalog": ("catalog", "directory", "negative"),
    "clients": ("clients",),
    "contracts": ("contracts",),
    "demands": ("demands",),
    "disputes": ("dispute", "disputes"),
    "evidence": ("evidence", "prove"),
    "explain": ("explain",),
    "federation": ("federation",),
    "fields": ("fields",),
    "figures": ("figures", "figures-file", "figures-new"),
    "forecasts": ("forecasts", "forecasts-new"),
    "fresh": ("freshness", "schedules"),
    "grading": ("grading",),
    "grants": ("grants",),
    "graphs": ("graphs", "graphs-new"),
    "harvests": ("harvest-runs", "harvests"),
    "health": ("health",),
    "holds": ("holds",),
    "home": ("", "search"),
    "ingest": ("ingest",),
    "jobs": ("jobs",),
    "libraries": ("libraries", "libraries-new", "library-pairs", "library-sources"),
    "lineage": ("lineage",),
    "linked": ("linked-entries",),
    "members": ("members",),
    "models": ("feature-views", "feature-views-new", "models", "scores", "training-sets", "training-sets-new"),
    "news": ("news",),
    "notebooks": ("notebooks", "notebooks-new"),
    "notices": ("notices", "unsubscribe"),
    "onboard": ("onboard",),
    "openings": ("openings",),
    "packages": ("packages",),
    "people": ("people",),
    "plan": ("plan", "plan-drafts", "plan-file"),
    "portals": ("portals",),
    "private": ("private",),
    "pushes": ("push", "pushes"),
    "quality": ("quality", "quality-findings", "quality-runs", "quality-scorecards"),
    "quarantine": ("quarantine", "sendings", "workbench"),
    "readings": ("reading-alerts", "reading-alerts-file", "stream-rules"),
    "recalls": ("recall", "recalls"),
    "receipts": ("receipts",),
    "recipes": ("recipe-runs", "recipes", "recipes-new", "recipes-sql"),
    "runs": ("runs",),
    "sandbox": ("sandbox",),
    "seal": ("seal",),
    "services": ("services",),
    "serving": ("serving",),
    "sharing": ("ratings", "sharing"),
    "sources": ("connect", "sources", "syncs"),
    "sql": ("sql",),
    "standards": ("standards",),
    "streams": ("streams",),
    "systems": ("systems",),
    "tables": ("tables",),
    "targets": ("targets",),
    "templates": ("claims", "template", "templates"),
    "texts": ("texts", "texts-classes"),
    "tickets": ("doubts", "tickets", "tickets-record"),
    "trace": ("trace",),
    "voices": ("voices",),
    "works": ("works",),
}
"""The sections about the console, each with the areas it is about: the first word of an address after ``/console/``."""

_SECTION_OF: Final = {area: section for section, areas in _CONSOLE.items() for area in areas}
_PLACES: Final = (
    ("/developers", "/help/developer"),
    ("/api", "/help/developer"),
    ("/voice", "/help/citizen#feedback"),
    ("/works", "/help/business#works"),
    ("/work", "/help/business#works"),
    ("/register", "/help/citizen#account"),
    ("/my", "/help/citizen#account"),
)
_TABS: Final = {
    "explore": "/help/citizen#explore",
    "chart": "/help/citizen#explore",
    "map": "/help/citizen#explore",
    "api": "/help/developer#rows",
    "compare": "/help/developer#versions",
}


def help_for(path: str) -> str:
    """Return the address of the help for a page."""
    if path == "/console" or path.startswith("/console/"):
        section = console_section(path)
        return f"/help/console#{section}" if section else "/help/console"
    if path.startswith("/datasets/"):
        return _TABS.get(path.rpartition("/")[2], "/help/citizen#dataset")
    if path == "/datasets":
        return "/help/citizen#find"
    return next((address for start, address in _PLACES if path.startswith(start)), "/help")


def console_section(path: str) -> str | None:
    """Return which section of the help about the console a page of it belongs to; None where nobody wrote any."""
    return _SECTION_OF.get(path.removeprefix("/console").strip("/").partition("/")[0])
