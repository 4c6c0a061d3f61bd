"""Putting another catalog's words into our terms: themes to divisions, licences, update cycles, providers, formats.

A steward's decision holds; where there is none the platform guesses, and says what it guessed so that it can be corrected.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from beijiang.ingest.models import HarvestedEntry, HarvestedLink, MapKind, MapRule
from beijiang.kit import Invalid

if TYPE_CHECKING:
    from collections.abc import Callable

    from beijiang.ingest.connectors.harvester import RemoteDataset
    from beijiang.standards import Standards

__all__ = ["Terms", "check_target", "digest_of"]

_NAME: Final = 200
_SUMMARY: Final = 256
_WORDS: Final = 30
_LINKS: Final = 100
_VALUE: Final = 400
_MOST_RULES: Final = 5000
"""Words of one source that are listed for its steward; a catalog that gives every record a theme of its own has more."""
_TAG: Final = re.compile(r"<[^<>]{0,500}>")
_DATE: Final = re.compile(r"\d{4}(?:-\d{2}(?:-\d{2})?)?")
_LICENCES: Final = (
    (re.compile(r"creativecommons\.org/publicdomain/zero|\bcc[-_ ]?(?:zero|0)\b"), "CC0-1.0"),
    (re.compile(r"creativecommons\.org/licenses/by-sa/|\bcc[-_ ]by[-_ ]sa\b"), "CC-BY-SA-4.0"),
    (re.compile(r"creativecommons\.org/licenses/by/|\bcc[-_ ]by\b(?![-_ ](?:n[cd]|sa))"), "CC-BY-4.0"),
    (re.compile(r"opendatacommons\.org/licenses/(?:odbl|open-database)|\bodbl\b"), "ODbL-1.0"),
    (re.compile(r"opendatacommons\.org/licenses/by|\bodc[-_ ]by\b"), "ODC-BY-1.0"),
)
_CYCLES: Final = {
    "1": ("real_time", "cont", "update_cont", "r/pt0s", "r/pt1s", "realtime", "实时", "continuous"),
    "2": ("daily", "r/p1d", "每日", "每天", "日", "day", "hourly", "r/pt1h"),
    "3": ("weekly", "r/p1w", "r/p7d", "每周", "周", "week", "r/p0.33w", "r/p3.5d"),
    "4": ("monthly", "r/p1m", "每月", "月", "month", "r/p0.5m", "biweekly", "bimonthly"),
    "5": ("quarterly", "r/p3m", "每季度", "季度", "季", "quarter"),
    "6": ("annual", "annually", "yearly", "r/p1y", "每年", "年", "year"),
    "7": ("ten_daily", "monthly_3", "每旬", "旬", "r/p10d"),
    "8": ("half_yearly", "annual_2", "semiannual", "biannual", "r/p6m", "每半年", "半年"),
    "10": ("never", "not updated", "static", "不更新", "not_planned", "notplanned"),
}
_CYCLE_OF: Final = {word: code for code, words in _CYCLES.items() for word in words}
_FORMATS: Final = {
    "text/csv": "csv", "application/csv": "csv", "tsv": "csv", "application/json": "json", "geo+json": "geojson",
    "application/geo+json": "geojson", "application/vnd.geo+json": "geojson", "ndjson": "jsonl", "json lines": "jsonl",
    "application/vnd.ms-excel": "xls", "excel": "xls", "application/pdf": "pdf", "text/html": "html", "web page": "html",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx", "text/xml": "xml", "application/xml": "xml",
    "api": "rest_json", "rest": "rest_json", "wms": "ogc", "wfs": "ogc", "shapefile": "shp", "text/turtle": "rdf", "ttl": "rdf",
    "rdf/xml": "rdf", "application/rdf+xml": "rdf", "text/plain": "txt", "jpeg": "jpg", "image/jpeg": "jpg", "image/png": "png",
    "tiff": "tif", "geotiff": "tif", "application/vnd.apache.parquet": "parquet", "soap": "soap",
}  # fmt: skip


class Terms:
    """The mapping of one source."""

    def __init__(self, standards: Standards, org_id: str, rules: Sequence[MapRule], *, trusted: bool) -> None:
        self._standards = standards
        self._org_id = org_id
        self._trusted = trusted
        self._open = {licence.id for licence in standards.licences() if licence.is_open}
        self._formats = {f.id for f in standards.formats()}
        self._decided = {(r.kind, r.value): r.target for r in rules if r.decided_by}
        self._listed = {(r.kind, r.value): r.target for r in rules}
        self._guesses: dict[tuple[MapKind, str], str] = {}
        self._fresh: dict[tuple[MapKind, str], MapRule] = {}

    def entry(self, found: RemoteDataset) -> HarvestedEntry:
        """Return a record in our terms."""
        licence = self._one(MapKind.LICENCE, found.licences, _licence)
        return HarvestedEntry(
            name=_cut(_plain(found.title), _NAME),
            summary=_cut(_plain(found.summary), _SUMMARY) or _cut(_plain(found.title), _SUMMARY),
            provider_id=self._one(MapKind.PROVIDER, (found.publisher,), lambda _: "") or self._org_id,
            inner_office=_cut(_plain(found.publisher), 100),
            categories=self._categories(found),
            formats=tuple(dict.fromkeys(f for file in found.files if (f := self._format(file.format, file.url)))),
            licence=licence,
            update_cycle=self._one(MapKind.CYCLE, (found.cycle,), _cycle) or "9",
            region_code=self._region(found.places),
            keywords=tuple(_cut(_plain(word), 50) for word in found.keywords[:_WORDS]),
            time_span=_span(found.begin, found.end),
            contact=_cut(_plain(found.contact), 200),
            links=_links(found),
            is_open=self._trusted and licence in self._open,
        )

    def fresh(self) -> list[MapRule]:
        """Return the words that were met for the first time since this was asked, with what was guessed."""
        found, self._fresh = list(self._fresh.values()), {}
        return found

    def unmapped(self) -> list[tuple[MapKind, str]]:
        """Return words for which no term is known; a publisher without one counts for the source's own department."""
        return [key for key, target in self._listed.items() if not target and key[0] is not MapKind.PROVIDER]

    def _one(self, kind: MapKind, values: Sequence[str], guess: Callable[[str], str]) -> str:
        given = [value for value in values if value]
        if not given:
            return ""
        for value in given:
            if (decided := self._decided.get((kind, value[:_VALUE]))) is not None:
                return decided
        target = next((found for value in given if (found := guess(value))), "")
        self._note(kind, given[0], target)
        return target

    def _note(self, kind: MapKind, value: str, target: str) -> None:
        key = (kind, value[:_VALUE])
        if key not in self._listed and len(self._listed) < _MOST_RULES:
            self._listed[key] = target
            self._fresh[key] = MapRule(kind=kind, value=key[1], target=target, decided_by="")

    def _categories(self, found: RemoteDataset) -> tuple[str, ...]:
        targets = [self._one(MapKind.THEME, (theme,), self._guess) for theme in found.themes[:10]]
        known = tuple(dict.fromkeys(target for target in targets if target))[:3]
        if known:
            return known
        guessed = self._standards.guess_category([found.title, *found.keywords[:5]])
        return (guessed,) if guessed else ()

    def _guess(self, theme: str) -> str:
        key = (MapKind.THEME, theme[:_VALUE])
        if key not in self._guesses:
            if len(self._guesses) > _MOST_RULES:
                self._guesses.clear()
            self._guesses[key] = self._standards.guess_category([theme.rsplit("/", 1)[-1]]) or ""
        return self._guesses[key]

    def _region(self, places: Sequence[str]) -> str | None:
        for place in places:
            found = self._standards.region_by_name(place[:60])
            if found is not None:
                return found.code
        return None

    def _format(self, given: str, url: str) -> str:
        word = given.strip().lower().rsplit("/file-type/", 1)[-1].lstrip(".")
        for name in (word, _FORMATS.get(word, ""), url.rsplit("?", 1)[0].rsplit(".", 1)[-1].lower()):
            if name in self._formats:
                return name
        return ""


def check_target(standards: Standards, rule: MapRule, organisation: Callable[[str], object]) -> None:
    """Refuse a target that our tables do not have.

    Raises:
        NotFound: there is no such division, licence, cycle or organisation.

    """
    if not rule.target:
        return
    if rule.kind is MapKind.THEME and not standards.has_category(rule.target):
        raise Invalid(
            f"“{rule.target[:40]}”不是可挂载的分类，请填六位的“目”，如 211001。",
            f"Nothing can hang under “{rule.target[:40]}”: give a division of six digits, like 211001.",
            code="not_a_division",
        )
    looks = {MapKind.LICENCE: standards.licence, MapKind.CYCLE: standards.update_cycle, MapKind.PROVIDER: organisation}
    look = looks.get(rule.kind)
    if look is not None:
        look(rule.target)


def digest_of(told: Mapping[str, object]) -> str:
    """Return what tells an entry's content from others."""
    text = json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _plain(text: str) -> str:
    return " ".join(html.unescape(_TAG.sub(" ", text)).split()) if text else ""


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _licence(value: str) -> str:
    word = value.lower()
    return next((target for pattern, target in _LICENCES if pattern.search(word)), "")


def _cycle(value: str) -> str:
    word = value.strip().lower()
    return (
        _CYCLE_OF.get(word)
        or _CYCLE_OF.get(word.rsplit("/frequency/", 1)[-1])
        or _CYCLE_OF.get(word.rsplit("#", 1)[-1], "")
    )


def _span(begin: str, end: str) -> str:
    days = [m.group() if (m := _DATE.search(text)) else "" for text in (begin, end)]
    return "/".join(days) if all(days) else (f"{days[0]}/" if days[0] else f"/{days[1]}" if days[1] else "")


def _links(found: RemoteDataset) -> tuple[HarvestedLink, ...]:
    files = [
        HarvestedLink(_cut(_plain(f.title), 200) or f.url[:200], f.url, f.format[:100]) for f in found.files[:_LINKS]
    ]
    page = [HarvestedLink("来源页面", found.page, "")] if found.page else []
    return (*files, *page)
