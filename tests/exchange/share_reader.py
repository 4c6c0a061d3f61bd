"""A recipient of shares: its key, its profile, and the calls of the protocol as its clients make them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from exchange_bureau import OWNER, TABLE, Bureau
from fastapi.testclient import TestClient
from httpx import Response

from beijiang.access import KeyDraft, Permission
from beijiang.app import create_app
from beijiang.exchange import Profile

SCOPES = frozenset({str(Permission.PROTECTION_ROWS_READ_GRANTED), str(Permission.PROTECTION_ROWS_READ_SHARED)})


@dataclass
class Recipient:
    bureau: Bureau
    client: TestClient
    profile: Profile

    def get(self, path: str, **words: Any) -> Response:
        return self.client.get(f"/share{path}", headers={**self.bearer, **words.pop("headers", {})}, **words)

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.profile.token}"}

    def at(self, share: str = "supervision", table: str = TABLE, schema: str = OWNER) -> str:
        return f"/shares/{quote(share)}/schemas/{quote(schema)}/tables/{quote(table)}"

    def query(self, share: str = "supervision", table: str = TABLE, headers: Any = None, **body: Any) -> Response:
        path = f"/share{self.at(share, table)}/query"
        return self.client.post(path, json=body, headers={**self.bearer, **(headers or {})})

    def files(self, share: str = "supervision", table: str = TABLE, **body: Any) -> list[dict[str, Any]]:
        answer = self.query(share, table, **body)
        assert answer.status_code == 200, answer.text
        return [line["file"] for line in lines(answer)[2:]]

    def fetch(self, url: str, method: str = "GET", **headers: str) -> Response:
        """Ask as clients ask for files: without any credential but the link."""
        return self.client.request(method, url, headers=headers)


def recipient(bureau: Bureau, login: str, client: TestClient | None = None, **draft: Any) -> Recipient:
    key, _ = bureau.platform.access.issue_key(bureau[login], KeyDraft(name=login, scopes=SCOPES, days=30, **draft))
    profile = bureau.platform.shares.issue_profile(bureau[login], key.id)
    client = client or TestClient(create_app(bureau.platform), base_url="http://127.0.0.1:8150")
    return Recipient(bureau, client, profile)


def lines(answer: Response) -> list[dict[str, Any]]:
    return [json.loads(line) for line in answer.text.splitlines()]
