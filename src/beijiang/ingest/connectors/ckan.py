"""Catalogs that speak CKAN's action API, new and old: package_search, and current_package_list_with_resources."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from beijiang.ingest.connectors.contract import Feed, option
from beijiang.ingest.connectors.harvest_words import first, listed, pick, text
from beijiang.ingest.connectors.harvester import (
    Harvester,
    HarvestOptions,
    HarvestPage,
    Keeper,
    RemoteDataset,
    RemoteFile,
    RemoteRecord,
    fault,
    web_address,
)
from beijiang.ingest.connectors.rest_calls import Calls
from beijiang.kit import Invalid, Text, TooLarge
from beijiang.outbound import parsed

if TYPE_CHECKING:
    from beijiang.kit.errors import JsonValue

__all__ = ["Ckan", "CkanOptions"]

_ACTIONS: Final = {"search": "package_search", "list": "current_package_list_with_resources"}
_SORTED: Final = "id asc"


class CkanOptions(HarvestOptions):
    """How a CKAN catalog is reached."""

    api: Literal["auto", "search", "list"] = option(
        Text("接口", "Interface"),
        Text(
            "auto 先试 package_search，旧版服务器改用 current_package_list_with_resources。",
            "auto: package_search first, current_package_list_with_resources for old servers.",
        ),
        default="auto",
    )
    page: int = option(
        Text("每页条数", "Records per page"),
        Text("每次请求多少条记录。", "Records asked for at a time."),
        default=100,
        ge=1,
        le=1000,
    )
    fq: str = option(
        Text("筛选", "Filter"),
        Text(
            "只采集一部分，如 organization:nmg-tjj（CKAN 的 fq）。", "Harvest a part: CKAN's fq, like organization:x."
        ),
        default="",
    )


class Ckan(Harvester):
    """CKAN, page after page."""

    text = Text("CKAN 目录", "CKAN catalog")
    options_model = CkanOptions
    options: CkanOptions

    def check(self) -> Feed:
        """Ask for one record, and return how many there are said to be."""
        with self.calls() as calls:
            _, total, _ = self._asked(calls, {**self._start(calls), "rows": 1})
        return Feed(name="datasets", comment="目录记录 / catalog records", rows=total)

    def pages(self, at: Mapping[str, JsonValue] | None, keeper: Keeper) -> Iterator[HarvestPage]:
        """Yield pages until one is empty: what the server says of its count is not believed."""
        del keeper
        with self.calls() as calls:
            here: dict[str, Any] = dict(at) if at is not None else self._start(calls)
            while True:
                try:
                    records, total, body = self._asked(calls, here)
                except TooLarge:
                    if here["rows"] > 1:
                        here["rows"] = max(1, here["rows"] // 4)
                        continue
                    records, total, body = [_oversized(here)], None, b""
                if not records:
                    return
                after = {**here, "start": here["start"] + len(records), "rows": self.options.page}
                yield HarvestPage(records=records, body=body, following=after, total=total)
                here = after

    def original(self, path: Path, place: int) -> bytes:
        """Return a package as the landed answer holds it."""
        found = _packages(_document(path.read_bytes()))[0][place]
        return json.dumps(found, ensure_ascii=False, indent=2).encode("utf-8", "surrogateescape")

    def _start(self, calls: Calls) -> dict[str, Any]:
        """Find out which interface the server has, by asking for one record."""
        for api, ordered in (("search", True), ("search", False), ("list", False)):
            if self.options.api not in {"auto", api}:
                continue
            here = {"api": api, "start": 0, "rows": 1, "sort": ordered}
            try:
                self._asked(calls, here)
            except Invalid as error:
                last = error
                continue
            return {**here, "rows": self.options.page}
        raise last

    def _asked(self, calls: Calls, here: Mapping[str, Any]) -> tuple[list[RemoteRecord], int | None, bytes]:
        base = self.options.url.rstrip("/")
        base = base if base.endswith(("/api/3", "/api")) else f"{base}/api/3"
        query = {"rows": str(here["rows"]), "start": str(here["start"])}
        if here["api"] == "list":
            query = {"limit": str(here["rows"]), "offset": str(here["start"])}
        elif here["sort"]:
            query["sort"] = _SORTED
        if self.options.fq and here["api"] == "search":
            query["fq"] = self.options.fq
        url = parsed(f"{base}/action/{_ACTIONS[here['api']]}").copy_merge_params(query)
        body = calls.get(url, "").body
        packages, total = _packages(_document(body))
        base = base.removesuffix("/3").removesuffix("/api")
        reader = _Package(base)
        average = len(body) // max(1, len(packages))
        return (
            [self.read(raw, place, self._size(raw, average), reader) for place, raw in enumerate(packages)],
            total,
            body,
        )

    def _size(self, raw: Any, average: int) -> int:
        """Return the size of one record; where all together are small enough nobody has to measure."""
        if average * self.options.page < self.options.record_kib * 1024:
            return average
        return len(json.dumps(raw, ensure_ascii=False))


class _Package:
    """The words of one package."""

    def __init__(self, base: str) -> None:
        self._base = base

    def guid(self, raw: dict[str, Any]) -> str:
        return pick(raw, "id", "name")

    def title(self, raw: dict[str, Any]) -> str:
        return pick(raw, "title_translated", "title", "name")

    def dataset(self, raw: dict[str, Any]) -> RemoteDataset:
        extras = _extras(raw.get("extras"))
        name = pick(raw, "name", "id")
        page = web_address(f"{self._base}/dataset/{name}") if name.isascii() and " " not in name else ""
        contact = (pick(raw, "maintainer", "author"), pick(raw, "maintainer_email", "author_email"))
        themes = (*listed(raw.get("groups")), *listed(extras.get("theme")))
        return RemoteDataset(
            title=self.title(raw),
            summary=pick(raw, "notes_translated", "notes"),
            publisher=first(text(raw.get("organization")), extras.get("publisher_name", ""), pick(raw, "author")),
            contact=" ".join(part for part in contact if part),
            page=page,
            licences=tuple(x for x in (pick(raw, n) for n in ("license_id", "license_url", "license_title")) if x),
            cycle=first(pick(raw, "frequency", "accrual_periodicity", "update_frequency"), _cycle(extras)),
            themes=tuple(dict.fromkeys(themes)),
            keywords=listed(raw.get("tags")),
            places=tuple(
                x
                for x in (extras.get("spatial-text", ""), pick(raw, "spatial_text"), extras.get("spatial_uri", ""))
                if x
            ),
            begin=first(extras.get("temporal_start", ""), extras.get("temporal_coverage_from", "")),
            end=first(extras.get("temporal_end", ""), extras.get("temporal_coverage_to", "")),
            files=tuple(
                _file(r) for r in raw.get("resources") or () if isinstance(r, dict) and web_address(r.get("url"))
            ),
        )


def _file(raw: dict[str, Any]) -> RemoteFile:
    kind = first(pick(raw, "format"), pick(raw, "mimetype"))
    return RemoteFile(
        url=web_address(raw.get("url")), title=pick(raw, "name_translated", "name", "description"), format=kind
    )


def _extras(value: Any) -> dict[str, str]:
    """Return extras, which are a list of pairs, and on very old servers an object."""
    if isinstance(value, dict):
        return {str(key): text(item) for key, item in value.items()}
    pairs = [item for item in value or () if isinstance(item, dict)] if isinstance(value, list) else []
    return {text(pair.get("key")): text(pair.get("value")) for pair in pairs}


def _cycle(extras: dict[str, str]) -> str:
    return next((extras[n] for n in ("frequency", "accrualPeriodicity", "accrual_periodicity") if extras.get(n)), "")


def _document(body: bytes) -> Any:
    """Return a JSON document; bytes that are no UTF-8 are marked, so that only the records that hold them are refused."""
    try:
        return json.loads(body.decode("utf-8-sig", "replace"), strict=False)
    except (ValueError, RecursionError) as error:
        raise _no_catalog() from error


def _packages(document: Any) -> tuple[list[Any], int | None]:
    """Return packages and the count that goes with them, in the shapes that CKAN has had."""
    if not isinstance(document, dict) or document.get("success") is False:
        raise _no_catalog()
    result = document.get("result")
    if isinstance(result, dict) and isinstance(result.get("results"), list):
        count = result.get("count")
        return result["results"], count if isinstance(count, int) and not isinstance(
            count, bool
        ) and count >= 0 else None
    if isinstance(result, list):
        return [r["package"] if isinstance(r, dict) and isinstance(r.get("package"), dict) else r for r in result], None
    raise _no_catalog()


def _oversized(here: Mapping[str, Any]) -> RemoteRecord:
    return RemoteRecord(
        guid=f"#{here['start']}",
        place=0,
        title=f"#{here['start']}",
        fault=fault(
            "record_too_large",
            "这条记录单独取也超过单页上限（page_mib），已跳过。",
            "Even alone this record is over the limit of a page (page_mib); it was passed over.",
        ),
    )


def _no_catalog() -> Invalid:
    return Invalid(
        "对方的应答不是 CKAN 目录接口的格式。请核对目录地址（不含 /api/3/action），或改用其他种类的目录来源。",
        "The answer is not that of CKAN's action API. Check the address (without /api/3/action), or choose another kind of catalog.",
        code="harvest_no_catalog",
    )
