"""Telling applications that somebody signed out (OpenID Connect Back-Channel Logout 1.0), through the one way out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from beijiang.evidence import Decision
from beijiang.kit import SYSTEM, BeijiangError, new_id
from beijiang.outbound import Use

if TYPE_CHECKING:
    from beijiang.apps.models import Client, SignOnFamily
    from beijiang.apps.service.clients.signing_keys import SigningKeys
    from beijiang.evidence import Evidence
    from beijiang.kit import Clock
    from beijiang.outbound import Outbound

__all__ = ["Farewells"]

_SECONDS: Final = 120
_EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
_TRIES: Final = 3
_GOOD: Final = (200, 204)


class Farewells:
    """Tells in the background; nobody who signs out waits for an application that does not answer."""

    def __init__(self, keys: SigningKeys, evidence: Evidence, outbound: Outbound, clock: Clock, issuer: str) -> None:
        self._keys = keys
        self._evidence = evidence
        self._outbound = outbound
        self._clock = clock
        self._issuer = issuer
        self._hands: ThreadPoolExecutor | None = None

    def tell(self, client: Client, family: SignOnFamily) -> None:
        """Have an application told that a sign-on is over."""
        if self._hands is None:
            self._hands = ThreadPoolExecutor(2, thread_name_prefix="farewells")
        self._hands.submit(self._told, client, family)

    def stop(self) -> None:
        """Wait for what is under way."""
        if self._hands is not None:
            self._hands.shutdown(wait=True)
            self._hands = None

    def _told(self, client: Client, family: SignOnFamily) -> None:
        problem = ""
        for _ in range(_TRIES):
            problem = self._try(client, family)
            if not problem:
                break
        self._evidence.note(
            SYSTEM,
            "apps.client_farewell",
            target=client.id,
            decision=Decision.DENY if problem else Decision.ALLOW,
            detail={"person": family.person_id, "problem": problem},
        )

    def _try(self, client: Client, family: SignOnFamily) -> str:
        from beijiang.outbound import Http, HttpLimits

        now = int(self._clock.now().timestamp())
        claims = {
            "iss": self._issuer,
            "sub": family.person_id,
            "aud": client.id,
            "iat": now,
            "exp": now + _SECONDS,
            "jti": new_id("bye"),
            "sid": family.id,
            "events": {_EVENT: {}},
        }
        content = urlencode({"logout_token": self._keys.sign(claims, "logout+jwt")}).encode()
        way = self._outbound.bound(Use.CALL, client.org_id)
        try:
            with Http(way, HttpLimits(body=65_536, seconds=10, idle=5, redirects=0)) as http:
                answer = http.fetch(
                    "POST",
                    client.facts.logout_uri,
                    headers={"Content-Type": "application/x-www-form-urlencoded"},
                    content=content,
                )
        except BeijiangError as error:
            return error.reason
        return "" if answer.status in _GOOD else f"status {answer.status}"
