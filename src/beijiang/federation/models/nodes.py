"""What a node says of itself, how two nodes stand to each other, and the invitation that begins a link."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from beijiang.evidence import Key
from beijiang.kit import Invalid, Shown, Text, Word

__all__ = [
    "Bearing",
    "Card",
    "Invitation",
    "Link",
    "LinkState",
    "Offered",
    "fingerprint",
    "opened_invitation",
]

NODE_ID: Final = r"^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,38}[A-Za-z0-9])?$"
_PREFIX: Final = "bjlink1."
_MOST: Final = 2000
_GROUP, _DIGITS = 4, 32
_UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


class Bearing(Word):
    """Where the other node stands, seen from here."""

    ABOVE = "above", "上级", "above"
    BELOW = "below", "下级", "below"

    @property
    def other(self) -> Bearing:
        """Return how the other side sees it."""
        return Bearing.BELOW if self is Bearing.ABOVE else Bearing.ABOVE


class LinkState(Word):
    """How far a link is."""

    ASKED = "asked", "待对方确认", "waiting for the other side"
    OFFERED = "offered", "待本方确认", "to be confirmed here"
    LINKED = "linked", "已联结", "linked"
    SUSPENDED = "suspended", "已暂停", "suspended"
    ENDED = "ended", "已断开", "ended"


class Card(BaseModel):
    """What a node says of itself; another node's is checked in form and believed in nothing but its key."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    node_id: str = Field(pattern=NODE_ID, max_length=40)
    name_zh: str = Field(min_length=1, max_length=100)
    name_en: str = Field(min_length=1, max_length=100)
    tier: int = Field(ge=1, le=5)
    region_code: str = Field(default="", pattern=r"^(\d{6}|\d{9}|\d{12})?$")
    url: str = Field(max_length=300)
    key: str = Field(max_length=300)

    @field_validator("name_zh", "name_en")
    @classmethod
    def _is_plain(cls, name: str) -> str:
        if _UNSEEN.search(name) or not name.strip():
            msg = "signs that cannot be seen"
            raise ValueError(msg)
        return name.strip()

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment or "@" in url:
            msg = "no address"
            raise ValueError(msg)
        return url.rstrip("/")

    @field_validator("key")
    @classmethod
    def _is_a_key(cls, key: str) -> str:
        return str(Key.parse(key))

    @model_validator(mode="after")
    def _is_its_own_key(self) -> Self:
        if Key.parse(self.key).name != self.node_id:
            msg = "the key of another"
            raise ValueError(msg)
        return self

    @property
    def name(self) -> Text:
        """Return its name."""
        return Text(self.name_zh, self.name_en)

    @property
    def fingerprint(self) -> str:
        """Return what people compare of its key."""
        return fingerprint(self.key)

    @classmethod
    def told(cls, value: object) -> Self:
        """Read a card.

        Raises:
            Invalid: it is none (``bad_node_card``).

        """
        try:
            return cls.model_validate(value)
        except (ValidationError, ValueError) as error:
            raise Invalid(
                "节点名片格式不对：需要编号、中英文名称、层级、行政区划代码、http(s) 地址和本节点的公钥。",
                "This is no card of a node: it needs id, names, tier, region code, an http(s) address and the node's own key.",
                code="bad_node_card",
            ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Another node as this one knows it."""

    card: Card
    bearing: Bearing
    state: LinkState
    former_key: str
    """A key that the other node has replaced; good until it has signed with the new one."""
    own_key: str
    """The key of this node that the other one knows."""
    since: datetime
    decided_by: str
    heard_at: datetime | None
    told_at: datetime | None
    failures: int
    next_at: datetime
    """When letters are posted again at the earliest."""
    trouble: Text | None
    sent: int

    @property
    def node_id(self) -> str:
        """Return the id of the other node."""
        return self.card.node_id

    @property
    def is_open(self) -> bool:
        """Tell whether letters may be written to it: they wait while it is suspended."""
        return self.state in {LinkState.LINKED, LinkState.SUSPENDED}

    @property
    def spoke_at(self) -> datetime:
        """Return when the other node last wrote or answered; at first, since when the link stands as it does."""
        return max(one for one in (self.since, self.heard_at, self.told_at) if one is not None)

    @property
    def shown(self) -> Shown:
        """Return what is decided on when the link is confirmed."""
        return _shown(self.card, self.bearing, self.state.text)

    def to_json(self) -> dict[str, Any]:
        """Return the link for an API answer or the terminal."""
        moment = {"since": self.since, "heard_at": self.heard_at, "told_at": self.told_at}
        return {
            **self.card.model_dump(),
            "fingerprint": self.card.fingerprint,
            "bearing": self.bearing.value,
            "state": self.state.value,
            "decided_by": self.decided_by,
            "trouble": None if self.trouble is None else {"zh": self.trouble.zh, "en": self.trouble.en},
            "failures": self.failures,
            "seen": self.shown.token,
            **{name: at.isoformat() if at else None for name, at in moment.items()},
        }


@dataclass(frozen=True, slots=True)
class Invitation:
    """Once, until it expires: what lets one named node ask for a link. It is carried outside the platform."""

    url: str
    node_id: str
    """The node that invites."""
    key: str
    """SHA-256 of its public key, in hex."""
    invited: str
    """The node that is invited."""
    bearing: Bearing
    """Where the invited one stands, seen from the one that invites."""
    code: str
    expires_at: datetime

    def __str__(self) -> str:
        facts = {
            "url": self.url,
            "node": self.node_id,
            "key": self.key,
            "for": self.invited,
            "bearing": self.bearing.value,
            "code": self.code,
            "expires": self.expires_at.isoformat(),
        }
        return _PREFIX + base64.urlsafe_b64encode(json.dumps(facts).encode()).decode().rstrip("=")


def opened_invitation(text: str) -> Invitation:
    """Read an invitation.

    Raises:
        Invalid: it is none (``bad_invitation``).

    """
    try:
        return _invitation(text.strip())
    except (ValueError, KeyError, TypeError, binascii.Error, RecursionError) as error:
        raise Invalid(
            "这不是邀请码，或复制不完整。请向对方重新索取，整段粘贴。",
            "This is no invitation, or not the whole of it. Ask the other side for it again, and paste all of it.",
            code="bad_invitation",
        ) from error


def _invitation(packed: str) -> Invitation:
    if not packed.startswith(_PREFIX) or len(packed) > _MOST:
        raise ValueError(packed[:10])
    raw = packed.removeprefix(_PREFIX)
    told = json.loads(base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)))
    expires_at = datetime.fromisoformat(told["expires"])
    url = str(told["url"]).rstrip("/")
    if expires_at.tzinfo is None or not url.startswith(("http://", "https://")):
        raise ValueError(url)
    return Invitation(
        url=url,
        node_id=str(told["node"]),
        key=str(told["key"]),
        invited=str(told["for"]),
        bearing=Bearing(told["bearing"]),
        code=str(told["code"]),
        expires_at=expires_at,
    )


@dataclass(frozen=True, slots=True)
class Offered:
    """What an invitation leads to: the node that invites, as it answers now."""

    invitation: Invitation
    card: Card

    @property
    def bearing(self) -> Bearing:
        """Return where that node stands, seen from the invited one."""
        return self.invitation.bearing.other

    @property
    def shown(self) -> Shown:
        """Return what is decided on when the invitation is accepted."""
        return _shown(self.card, self.bearing, LinkState.ASKED.text)

    def to_json(self) -> dict[str, Any]:
        """Return the offer for an API answer or the terminal."""
        return {
            **self.card.model_dump(),
            "fingerprint": self.card.fingerprint,
            "bearing": self.bearing.value,
            "expires_at": self.invitation.expires_at.isoformat(),
            "seen": self.shown.token,
        }


def fingerprint(key: str) -> str:
    """Return the first 128 bits of SHA-256 over a public key, in groups that are read aloud."""
    digits = key_digest(key)[:_DIGITS].upper()
    return " ".join(digits[at : at + _GROUP] for at in range(0, _DIGITS, _GROUP))


def key_digest(key: str) -> str:
    """Return SHA-256 over the type and the public half of a key, in hex."""
    parsed = Key.parse(key)
    return hashlib.sha256(parsed.kind + parsed.public).hexdigest()


def _shown(card: Card, bearing: Bearing, state: Text) -> Shown:
    return Shown(
        {
            Text("节点", "node"): [card.node_id, card.name_zh, card.name_en, card.tier, card.region_code],
            Text("上下级", "bearing"): bearing.value,
            Text("地址", "address"): card.url,
            Text("公钥指纹", "fingerprint of the key"): key_digest(card.key),
            Text("状态", "state"): state.en,
        }
    )
