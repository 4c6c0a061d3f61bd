"""What is asked and answered in the words of OAuth 2.0 and OpenID Connect, apart from any web framework."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from beijiang.apps.models.clients import Client

__all__ = ["Asking", "Leaving", "ProtocolAnswer", "ProtocolCall"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolCall:
    """One request to an end-point of the protocol: its parameters in order, repeated ones too."""

    method: str
    fields: Sequence[tuple[str, str]] = field(repr=False)
    authorization: str = field(default="", repr=False)

    def value(self, name: str) -> str:
        """Return a parameter; nothing if it was not sent."""
        return next((value for key, value in self.fields if key == name), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolAnswer:
    """An answer of the protocol."""

    status: int
    body: Mapping[str, Any] = field(repr=False)
    headers: Mapping[str, str]
    location: str = field(default="", repr=False)
    """Where the browser goes on; empty: nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What comes of an application's wish to sign somebody on: go on, sign in first, or ask the person."""

    location: str = field(default="", repr=False)
    sign_in: bool = False
    client: Client | None = None
    scopes: tuple[str, ...] = ()
    redirect_uri: str = ""
    shown: str = field(default="", repr=False)
    """What the page carries, so that its button agrees to what was shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """Who asks that somebody signs out, and where the browser may go afterwards."""

    client: Client | None
    after: str
