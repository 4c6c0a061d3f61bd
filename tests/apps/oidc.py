"""A platform that listens on a socket, people who sign in there, and a stock OpenID Connect client."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import uvicorn
from asking import PASSWORD, Office

from beijiang.access import SESSION_COOKIE
from beijiang.apps import Client, ClientDraft, ClientKind
from beijiang.build import build
from beijiang.settings import Settings
from beijiang.worker import address_of, listen

CALLBACK = "https://app.example.cn/callback"
AFTER = "https://app.example.cn/bye"
READ = "protection:rows:read_shared"
SCOPES = frozenset({"openid", "profile", READ, "catalog:resource:search", "opendata:dataset:read"})


@dataclass
class Reader:
    """A browser over plain http on this machine, where cookies that are Secure are sent by hand."""

    http: httpx.Client
    token: str
    csrf: str
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **words: Any) -> httpx.Response:
        return self.http.get(path, headers={"Cookie": f"{SESSION_COOKIE}={self.token}", "Accept": "text/html"}, **words)

    def call(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Ask the JSON API in this browser's session."""
        heads = {"Cookie": f"{SESSION_COOKIE}={self.token}", "X-CSRF-Token": self.csrf}
        return self.http.request(method, path, json=body, headers=heads)

    def post(self, path: str, data: dict[str, str], **heads: str) -> httpx.Response:
        sent = {"Cookie": f"{SESSION_COOKIE}={self.token}", "Accept": "text/html", **heads}
        return self.http.post(path, data=data, headers=sent)


class Served:
    """The office behind a socket."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self._listener = listen("127.0.0.1", 0)
        self.address = address_of(self._listener)
        self.platform = build(Settings.for_tests(folder, public_url=self.address, **settings))
        self.platform.first_start()
        self.office = Office(self.platform)
        self.server = uvicorn.Server(uvicorn.Config(self.office.app, log_level="warning", access_log=False))
        self._thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self._listener]}, daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 60
        while not self.server.started:
            assert time.monotonic() < deadline, "the server does not start"
            time.sleep(0.01)
        self.http = httpx.Client(base_url=self.address, timeout=300, follow_redirects=False)

    def close(self) -> None:
        self.http.close()
        self.server.should_exit = True
        self._thread.join(90)
        self._listener.close()
        self.platform.close()

    def reader(self, login: str) -> Reader:
        fresh = self.platform.access.sign_in(login, PASSWORD, "tests")
        return Reader(self.http, fresh.token, fresh.csrf)

    def client(self, by: str = "steward", **changes: Any) -> tuple[Client, str]:
        """Register an application, have it approved, and make its secret."""
        words: dict[str, Any] = {
            "name": "企业查询",
            "purpose": "查企业",
            "redirect_uris": (CALLBACK,),
            "after_uris": (AFTER,),
            "scopes": SCOPES,
        }
        people, clients = self.office.codes, self.platform.clients
        made = clients.register(people[by], ClientDraft(**{**words, **changes}))
        approved = clients.review(people["reviewer"], made.id, approve=True, note="可以")
        if approved.facts.kind is ClientKind.PUBLIC:
            return approved, ""
        return approved, clients.new_secret(people[by], made.id)[1]

    def asked(self, client: Client, **changes: str | None) -> tuple[dict[str, str], str]:
        """Return the parameters of a wish to sign on, and the verifier that belongs to them."""
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        words = {
            "response_type": "code",
            "client_id": client.id,
            "redirect_uri": CALLBACK,
            "scope": f"openid profile {READ}",
            "state": secrets.token_hex(8),
            "nonce": secrets.token_hex(8),
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **changes,
        }
        return {name: value for name, value in words.items() if value is not None}, verifier

    def agreed(self, reader: Reader, asked: dict[str, str], do: str = "allow") -> dict[str, str]:
        """Go to the consent page, press a button, and return what the application is told."""
        page = reader.get("/oauth/authorize", params=asked)
        if page.status_code == 303:
            return told(page)
        assert page.status_code == 200, page.text
        answer = reader.post("/oauth/authorize", {**hidden(page, reader), "do": do}, Origin=self.address)
        assert answer.status_code == 303, answer.text
        return told(answer)

    def token(self, client: Client, secret: str, **words: str) -> httpx.Response:
        if not secret:
            return self.http.post("/oauth/token", data={"client_id": client.id, **words})
        return self.http.post("/oauth/token", data=words, auth=(client.id, secret))

    def signed_on(self, client: Client, secret: str, reader: Reader, **changes: str) -> dict[str, Any]:
        asked, verifier = self.asked(client, **changes)
        found = self.agreed(reader, asked)
        answer = self.token(
            client,
            secret,
            grant_type="authorization_code",
            code=found["code"],
            redirect_uri=CALLBACK,
            code_verifier=verifier,
        )
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def works(self, token: str) -> bool:
        """Tell whether an access token opens the API."""
        answer = self.http.get("/api/v1/session", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code in {200, 401}, answer.text
        return answer.status_code == 200


def hidden(page: httpx.Response, reader: Reader) -> dict[str, str]:
    """Return what the form of a consent page carries."""
    found = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
    assert found["_csrf"] == reader.csrf
    assert set(found) == {"_csrf", "shown"}
    return found


def told(answer: httpx.Response) -> dict[str, str]:
    """Return what the browser carries to the application."""
    location = answer.headers["location"]
    assert location.startswith(CALLBACK), location
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
