"""Somebody who writes by CKAN's actions, in the words in which tests speak."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

from beijiang.access import KeyDraft, Permission
from beijiang.tables import Exit

if TYPE_CHECKING:
    from interop_region import Region

__all__ = ["Writer"]

SCOPES = ("catalog:", "ingest:", "jobs:", "opendata:", "protection:", "tables:")


class Writer:
    """Somebody with a key that may write rows."""

    def __init__(self, region: Region, *without: str) -> None:
        self.region = region
        self.platform, self.steward = region.bureau.platform, region.bureau["steward"]
        scopes = frozenset(str(p) for p in Permission if p.startswith(SCOPES) and p not in without)
        draft = KeyDraft(name="rows" + "".join(without), scopes=scopes, days=1)
        self.key = self.platform.access.issue_key(self.steward, draft)[1]

    def ask(self, name: str, **asked: Any) -> httpx.Response:
        headers = {"Authorization": self.key}
        address = f"{self.region.base}/api/3/action/{name}"
        return httpx.post(address, json=asked, headers=headers, timeout=300, trust_env=False)

    def act(self, name: str, **asked: Any) -> dict[str, Any]:
        told = self.ask(name, **asked)
        assert told.status_code == 200, told.text
        result: dict[str, Any] = told.json()["result"]
        return result

    def refused(self, name: str, **asked: Any) -> tuple[int, str]:
        told = self.ask(name, **asked)
        return told.status_code, told.json()["error"]["reason"]

    def entry(self, title: str) -> str:
        return str(self.act("package_create", title=title, notes="每行一处")["id"])

    def table(self, entry: str) -> str | None:
        return self.platform.catalog.get(self.steward, entry).table

    def rows(self, entry: str) -> list[dict[str, Any]]:
        opened = self.platform.gate.open(self.steward, self.table(entry) or "", "test", Exit.PAGE)
        return [row for batch in opened.batches() for row in batch.to_pylist()]
