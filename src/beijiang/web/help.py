"""Which page of help belongs to which page of the site: what the "?" in a head opens."""

from __future__ import annotations

from typing import Final

__all__ = ["help_for"]

_PLACES: Final = (
    ("/console/ingest", "/help/department#ingest"),
    ("/console/sources", "/help/department#ingest"),
    ("/console/bench", "/help/department#ingest"),
    ("/console/catalog", "/help/department#catalog"),
    ("/console/schedules", "/help/department#fresh"),
    ("/console/quality", "/help/department#quality"),
    ("/console/voices", "/help/department#answer"),
    ("/console/sharing", "/help/department#sharing"),
    ("/console/grants", "/help/department#sharing"),
    ("/console/news", "/help/department#news"),
    ("/console", "/help/department"),
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
    if path.startswith("/datasets/"):
        return _TABS.get(path.rpartition("/")[2], "/help/citizen#dataset")
    if path == "/datasets":
        return "/help/citizen#find"
    return next((address for start, address in _PLACES if path.startswith(start)), "/help")
