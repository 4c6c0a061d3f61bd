"""Applications written elsewhere (外部应用): what is registered of one, who decided on it, and what people agreed to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Final, Self
from urllib.parse import urlsplit

from beijiang.apps.models.ways import check_way
from beijiang.kit import Invalid, Shown, Text, Word

__all__ = [
    "IDENTITY_SCOPES",
    "Client",
    "ClientDraft",
    "ClientKind",
    "ClientSecret",
    "ClientState",
    "Consent",
]

IDENTITY_SCOPES: Final[Mapping[str, Text]] = {
    "openid": Text("确认您是谁（账号编号）", "know who you are (the number of your account)"),
    "profile": Text("看到您的姓名和所在部门", "see your name and department"),
}
_PARTS: Final = {
    "name": Text("名称", "name"),
    "purpose": Text("用途", "purpose"),
    "kind": Text("类型", "kind"),
    "redirect_uris": Text("回调地址", "redirect addresses"),
    "after_uris": Text("退出后的地址", "addresses after signing out"),
    "logout_uri": Text("退出通知地址", "address told of a sign-out"),
    "scopes": Text("权限", "rights"),
    "machine": Text("以自身名义取数", "asks for itself"),
    "upstream": Text("运行地址", "where it runs"),
    "label": Text("访问名", "name of its host"),
    "health_path": Text("健康检查路径", "path of the health check"),
}
_BY: Final = Text("提交人", "who handed it in")
_STATE: Final = Text("状态", "state")
_IN_FORCE: Final = Text("现行登记", "the facts in force")
_URIS_MOST: Final = 20
_URI_LONGEST: Final = 500
_WORDS_MOST: Final = 1000
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class ClientKind(Word):
    """Whether an application can keep a secret."""

    CONFIDENTIAL = "confidential", "能保密（服务端应用）", "confidential (runs on a server)"
    PUBLIC = "public", "不能保密（桌面、手机应用）", "public (on a desktop or phone)"


class ClientState(Word):
    """Where a registration stands."""

    SUBMITTED = "submitted", "待审核", "waits for review"
    ACTIVE = "active", "可用", "active"
    RETURNED = "returned", "已退回", "sent back"
    SUSPENDED = "suspended", "已停用", "suspended"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientDraft:
    """What a department's developer says of an application."""

    name: str
    purpose: str
    kind: ClientKind = ClientKind.CONFIDENTIAL
    redirect_uris: tuple[str, ...] = ()
    """Where the browser may be sent with a code; compared letter by letter."""
    after_uris: tuple[str, ...] = ()
    """Where the browser may be sent after signing out."""
    logout_uri: str = ""
    """Where the platform tells the application that somebody signed out."""
    scopes: frozenset[str] = frozenset()
    machine: bool = False
    """Whether it may also ask for itself."""
    upstream: str = ""
    """Scheme, host and port where it runs, if the platform relays it."""
    label: str = ""
    """Its name in front of the domain of relayed applications."""
    health_path: str = "/"
    """What is asked for, to see whether it answers."""

    def checked(self, allowed: frozenset[str]) -> Self:
        """Return the draft in order.

        Raises:
            Invalid: it will not do; the message says what is wrong.

        """
        name, purpose = self.name.strip(), self.purpose.strip()
        if not name or not purpose or len(name) > 100 or len(purpose) > _WORDS_MOST:  # noqa: PLR2004 - as the column
            raise _wrong("name", "请填写名称（至多 100 字）和用途", "give a name (at most 100 letters) and a purpose")
        unknown = sorted(self.scopes - allowed - IDENTITY_SCOPES.keys())
        if unknown:
            raise _wrong(
                "scopes",
                f"不能申请的权限：{'、'.join(unknown)}",
                f"rights that no application has: {', '.join(unknown)}",
            )
        if self.machine and self.kind is ClientKind.PUBLIC:
            raise _wrong("machine", "不能保密的应用不能以自身名义取数", "a public application cannot ask for itself")
        if not self.redirect_uris and not self.machine and not self.upstream:
            raise _wrong("redirect_uris", "请至少填写一个回调地址", "name at least one redirect address")
        if self.upstream or self.label:
            check_way(self.upstream, self.label, self.health_path)
        uris = (*self.redirect_uris, *self.after_uris, *([self.logout_uri] if self.logout_uri else []))
        if len(uris) > _URIS_MOST:
            raise _wrong("redirect_uris", f"地址至多 {_URIS_MOST} 个", f"at most {_URIS_MOST} addresses")
        for uri in uris:
            _check_uri(uri)
        return type(self)(
            name=name,
            purpose=purpose,
            kind=self.kind,
            redirect_uris=tuple(dict.fromkeys(self.redirect_uris)),
            after_uris=tuple(dict.fromkeys(self.after_uris)),
            logout_uri=self.logout_uri,
            scopes=self.scopes,
            machine=self.machine,
            upstream=self.upstream,
            label=self.label,
            health_path=self.health_path or "/",
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "name": self.name,
            "purpose": self.purpose,
            "kind": self.kind.value,
            "redirect_uris": list(self.redirect_uris),
            "after_uris": list(self.after_uris),
            "logout_uri": self.logout_uri,
            "scopes": sorted(self.scopes),
            "machine": self.machine,
            "upstream": self.upstream,
            "label": self.label,
            "health_path": self.health_path,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what ``to_json`` gave."""
        changes = {
            "kind": ClientKind(value["kind"]),
            "redirect_uris": tuple(value["redirect_uris"]),
            "after_uris": tuple(value["after_uris"]),
            "scopes": frozenset(value["scopes"]),
        }
        return cls(**{**value, **changes})


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """An application as it is registered; ``proposed`` waits for review while the earlier facts stay in force."""

    id: str
    org_id: str
    facts: ClientDraft
    state: ClientState
    proposed: ClientDraft | None
    by_id: str
    by: str
    at: datetime
    decided_by: str = ""
    note: str = ""

    @property
    def serves(self) -> bool:
        """Tell whether it may sign people on and hold tokens now."""
        return self.state is ClientState.ACTIVE

    @property
    def shown(self) -> Shown:
        """Return what a reviewer decides on: what waits, who handed it in, and what is in force meanwhile."""
        waits = self.proposed.to_json() if self.proposed is not None else {}
        parts: dict[Text, object] = {
            _PARTS.get(one.name, Text(one.name, one.name)): waits.get(one.name) for one in fields(ClientDraft)
        }
        return Shown({**parts, _BY: self.by_id, _STATE: self.state, _IN_FORCE: self.facts.to_json()})


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSecret:
    """One secret of an application, of which only the digest is kept."""

    id: str
    client_id: str
    digest: str = field(repr=False)
    made_at: datetime
    ends_at: datetime | None
    """Set when a newer one follows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What somebody agreed that an application may have."""

    client_id: str
    name: str
    org_id: str
    scopes: frozenset[str]
    at: datetime


def _check_uri(uri: str) -> None:
    """Refuse an address that a browser should not be sent to: no wildcard, no fragment, https unless it is this machine."""
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    plain = uri.isascii() and uri.isprintable() and not set(uri) & set(" *\\<>\"'") and len(uri) <= _URI_LONGEST
    safe = parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
    if not (plain and safe and host) or "#" in uri or "@" in parts.netloc or port == 0:
        raise _wrong(
            "redirect_uris",
            f"地址“{uri[:80]}”不合规：须为完整的 https 地址（本机可用 http），不含通配符、片段和账号",
            f"the address “{uri[:80]}” will not do: a whole https address (http on this machine only), without wildcard, fragment or account",
        )


def _wrong(name: str, zh: str, en: str) -> Invalid:
    return Invalid(
        f"登记信息不合规：{zh}。", f"The registration will not do: {en}.", code="client_draft", detail={"field": name}
    )
