"""What a person was shown before agreeing, sealed into the page, so that a button agrees to that and to nothing else."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from beijiang.apps.errors import consent_stale
from beijiang.apps.models import ClientKind, ProtocolCall
from beijiang.kit import BeijiangError

if TYPE_CHECKING:
    from collections.abc import Collection

    from beijiang.apps.models import Client
    from beijiang.crypto import Vault
    from beijiang.kit import Actor, Clock

__all__ = ["Consenting", "may_be_silent"]

_PURPOSE: Final = "consent-page"
_GOOD: Final = timedelta(minutes=30)


class Consenting:
    """Seal what is shown to one session, and open it when a button of that page is pressed."""

    def __init__(self, vault: Vault, clock: Clock) -> None:
        self._vault = vault
        self.clock = clock

    def seal(self, actor: Actor, client: Client, scopes: Collection[str], call: ProtocolCall) -> str:
        """Return what the page carries; it is good for this session, and for half an hour."""
        shown = {
            "fields": [[name, value] for name, value in call.fields],
            "asks": _asks(client, scopes),
            "until": (self.clock.now() + _GOOD).timestamp(),
        }
        return self._vault.seal(json.dumps(shown), purpose=_PURPOSE, context=_whose(actor))

    def open(self, actor: Actor, sealed: str) -> tuple[ProtocolCall, str]:
        """Return the wish that was shown, and what it asked for then.

        Raises:
            Conflict: it was not shown to this session, or too long ago (``consent_stale``).

        """
        try:
            shown = json.loads(self._vault.open(sealed, purpose=_PURPOSE, context=_whose(actor)))
        except BeijiangError:
            raise consent_stale() from None
        if self.clock.now().timestamp() > shown["until"]:
            raise consent_stale()
        return ProtocolCall(method="GET", fields=[(name, value) for name, value in shown["fields"]]), shown["asks"]

    def check(self, asked: str, client: Client, scopes: Collection[str]) -> None:
        """Refuse if the application, or what it asks for, is not what was shown.

        Raises:
            Conflict: it is another (``consent_stale``).

        """
        if asked != _asks(client, scopes):
            raise consent_stale()


def may_be_silent(client: Client, redirect_uri: str) -> bool:
    """Tell whether an earlier consent may answer for a person who is not asked again (RFC 9700 4.1, RFC 8252 8.6).

    Any program of a machine can listen at its loopback and say that it is an application without a secret, so there the person is
    asked each time; an https address belongs to who holds its name.
    """
    return client.facts.kind is ClientKind.CONFIDENTIAL or redirect_uri.startswith("https://")


def _asks(client: Client, scopes: Collection[str]) -> str:
    told = {"id": client.id, "org": client.org_id, "facts": client.facts.to_json(), "scopes": sorted(scopes)}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _whose(actor: Actor) -> str:
    return f"{actor.id}\n{actor.session_id or ''}"
