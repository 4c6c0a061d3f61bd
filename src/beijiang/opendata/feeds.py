"""Write what machines read to find the data: the Atom feed of the newest, the sitemap and robots.txt.

All three are the anonymous view whoever asks, so that a shared cache can never hold anything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from xml.etree import ElementTree as ET  # only written here, never parsed

from beijiang.kit import Language

ATOM = "http://www.w3.org/2005/Atom"
XHTML = "http://www.w3.org/1999/xhtml"
SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
NOTHING_YET: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""When a feed without entries was last changed: the same whenever it is asked."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One data set in a feed or sitemap."""

    id: str
    address: str
    title: str
    summary: str
    publisher: str
    updated: datetime


def atom(entries: Sequence[Entry], *, base: str, title: str, path: str = "/feed.xml") -> bytes:
    """Return the Atom feed (RFC 4287) of ``entries`` at ``path``; it was updated when its newest entry was."""
    ET.register_namespace("", ATOM)
    feed = ET.Element(f"{{{ATOM}}}feed", {"{http://www.w3.org/XML/1998/namespace}lang": "zh-CN"})
    updated = max((e.updated for e in entries), default=NOTHING_YET)
    _text(feed, "id", f"{base}{path}")
    _text(feed, "title", title)
    _text(feed, "updated", _moment(updated))
    ET.SubElement(feed, f"{{{ATOM}}}link", {"rel": "self", "href": f"{base}{path}", "type": "application/atom+xml"})
    ET.SubElement(feed, f"{{{ATOM}}}link", {"rel": "alternate", "href": f"{base}/", "type": "text/html"})
    for entry in entries:
        item = ET.SubElement(feed, f"{{{ATOM}}}entry")
        _text(item, "id", entry.address)
        _text(item, "title", entry.title)
        _text(item, "updated", _moment(entry.updated))
        _text(ET.SubElement(item, f"{{{ATOM}}}author"), "name", entry.publisher)
        ET.SubElement(item, f"{{{ATOM}}}link", {"rel": "alternate", "href": entry.address, "type": "text/html"})
        _text(item, "summary", entry.summary)
    return _document(feed)


def sitemap(addresses: Sequence[tuple[str, datetime | None]]) -> bytes:
    """Return the sitemap of (address, last change) pairs, each with its two languages."""
    ET.register_namespace("", SITEMAP)
    ET.register_namespace("xhtml", XHTML)
    root = ET.Element(f"{{{SITEMAP}}}urlset")
    for address, changed in addresses:
        entry = ET.SubElement(root, f"{{{SITEMAP}}}url")
        ET.SubElement(entry, f"{{{SITEMAP}}}loc").text = _clean(address)
        for language in Language:
            href = f"{_clean(address)}?lang={language.value}"
            ET.SubElement(entry, f"{{{XHTML}}}link", {"rel": "alternate", "hreflang": language.value, "href": href})
        if changed is not None:
            ET.SubElement(entry, f"{{{SITEMAP}}}lastmod").text = _moment(changed)
    return _document(root)


def sitemap_index(addresses: Sequence[str]) -> bytes:
    """Return the index of the sitemaps at these addresses."""
    ET.register_namespace("", SITEMAP)
    root = ET.Element(f"{{{SITEMAP}}}sitemapindex")
    for address in addresses:
        ET.SubElement(ET.SubElement(root, f"{{{SITEMAP}}}sitemap"), f"{{{SITEMAP}}}loc").text = _clean(address)
    return _document(root)


def robots(base: str) -> str:
    """Return robots.txt: the portal is for everybody, the console and single rows are not for crawlers."""
    return (
        "User-agent: *\n"
        "Disallow: /console/\n"
        "Disallow: /datasets/*/explore/build\n"
        "Disallow: /datasets/*/filter\n"
        "Disallow: /datasets/*/compare\n"
        "Disallow: /api/v1/datasets/*/rows\n"
        "Disallow: /api/v1/datasets/*/download\n"
        f"Sitemap: {base}/sitemap.xml\n"
    )


def _text(parent: ET.Element, name: str, value: str) -> None:
    ET.SubElement(parent, f"{{{ATOM}}}{name}").text = _clean(value)


def _clean(value: str) -> str:
    """Drop the characters that XML 1.0 does not allow."""
    return "".join(c for c in value if c in "\t\n\r" or (c >= " " and c not in "\ufffe\uffff"))


def _moment(value: datetime) -> str:
    return value.isoformat(timespec="seconds").replace("+00:00", "Z")


def _document(root: ET.Element) -> bytes:
    content: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return content + b"\n"
