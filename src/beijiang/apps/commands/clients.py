"""``beijiang clients``: applications written elsewhere, from their registration to their switch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import typer

from beijiang.apps.models import ClientDraft, ClientKind, Plan
from beijiang.kit import SYSTEM, Actor, Text
from beijiang.terminal import Column, language, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.apps.models import Client, Farewell, Subscription, Use
    from beijiang.apps.service import Clients, HealthWatch, SignOn, Subscriptions

__all__ = ["clients"]

_AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
_WHO = typer.Option(..., "--as", help="Login of the developer.")
_CLIENT = typer.Argument(help="Id of the application.")
_REASON = typer.Option(..., help="Why; kept in the evidence.")
_CLIENTS = (
    Column("id", Text("标识", "id"), whole=True),
    Column("name", Text("名称", "name")),
    Column("owner", Text("部门", "owner")),
    Column("kind", Text("类型", "kind")),
    Column("state", Text("状态", "state")),
    Column("waits", Text("有待审内容", "waits")),
    Column("scopes", Text("权限", "scopes")),
)
_SUBSCRIPTIONS = (
    Column("id", Text("标识", "id"), whole=True),
    Column("api", Text("接口", "API"), whole=True),
    Column("name", Text("名称", "name")),
    Column("plan", Text("套餐", "plan")),
    Column("state", Text("状态", "state")),
)
_HEALTH = (
    Column("since", Text("自", "since")),
    Column("state", Text("状态", "state")),
    Column("error", Text("错误", "error")),
)
_FAREWELLS = (
    Column("at", Text("时间", "at")),
    Column("sign_on", Text("登录", "sign-on"), whole=True),
    Column("state", Text("状态", "state")),
    Column("tries", Text("次数", "tries"), right=True),
    Column("error", Text("原因", "why not")),
)
_USE = (
    Column("hour", Text("时间", "hour")),
    Column("api", Text("接口", "API"), whole=True),
    Column("calls", Text("次数", "calls"), right=True),
    Column("errors", Text("出错", "errors"), right=True),
    Column("refused", Text("拒绝", "refused"), right=True),
    Column("p95_ms", Text("95% 毫秒内", "95 % within ms"), right=True),
)


def clients(
    get: Callable[[], Clients],
    sign_on: Callable[[], SignOn],
    subscriptions: Callable[[], Subscriptions],
    access: Callable[[], Access],
    health: Callable[[], HealthWatch],
) -> typer.Typer:
    """Return the command group."""
    group = typer.Typer(
        help="Applications written elsewhere: register, review, secrets, subscriptions.", no_args_is_help=True
    )

    def who(login: str) -> Actor:
        return access().actor_for_person(login) if login else SYSTEM

    _add_registry(group, get, who)
    _add_secrets(group, get, sign_on, who)
    _add_subscriptions(group, subscriptions, who)
    _add_health(group, health, who)
    return group


def _add_registry(group: typer.Typer, get: Callable[[], Clients], who: Callable[[str], Actor]) -> None:
    @group.command("list")
    def list_(person: str = _AS) -> None:
        """List the applications that one has to do with."""
        show([_client(one) for one in get().clients(who(person))], _CLIENTS)

    @group.command("show")
    def show_(client: str = _CLIENT, person: str = _AS) -> None:
        """Show an application, with the addresses that are registered."""
        found, living = get().client(who(person), client)
        waits = {} if found.proposed is None else {"proposed": found.proposed.to_json(), "seen": found.shown.token}
        show(_client(found) | found.facts.to_json() | {"secrets": len(living), "note": found.note} | waits, _CLIENTS)

    @group.command("farewells")
    def farewells(client: str = _CLIENT, person: str = _AS) -> None:
        """Show the newest sign-outs that an application was told of, or is to be told of."""
        newest, _ = get().farewells(who(person), client)
        show([_farewell(one) for one in newest], _FAREWELLS)

    @group.command("register")
    def register(
        name: str = typer.Argument(help="Name that people see when they sign on."),
        purpose: str = typer.Option(..., help="What it is for."),
        kind: ClientKind = typer.Option(ClientKind.CONFIDENTIAL, help="Whether it can keep a secret."),  # noqa: B008
        redirect: list[str] = typer.Option([], help="Address for codes; may be repeated."),  # noqa: B008
        after: list[str] = typer.Option([], help="Address after signing out; may be repeated."),  # noqa: B008
        logout: str = typer.Option("", help="Address that is told of a sign-out."),
        scope: list[str] = typer.Option([], help="What it may ask for; may be repeated."),  # noqa: B008
        machine: bool = typer.Option(False, "--machine", help="It also asks for itself."),
        upstream: str = typer.Option("", help="Where it runs, if the platform is to relay it: https://HOST."),
        label: str = typer.Option("", help="Its name in front of the domain of relayed applications."),
        health_path: str = typer.Option("/", help="What is asked for, to see whether it answers."),
        person: str = _WHO,
    ) -> None:
        """Register an application of the developer's department; it waits for review."""
        draft = ClientDraft(
            name=name,
            purpose=purpose,
            kind=kind,
            redirect_uris=tuple(redirect),
            after_uris=tuple(after),
            logout_uri=logout,
            scopes=frozenset(scope),
            machine=machine,
            upstream=upstream,
            label=label,
            health_path=health_path,
        )
        show([_client(get().register(who(person), draft))], _CLIENTS)

    @group.command("change")
    def change(
        client: str = _CLIENT,
        name: str = typer.Option(None, help="Name that people see when they sign on."),
        purpose: str = typer.Option(None, help="What it is for."),
        redirect: list[str] = typer.Option(None, help="Address for codes; may be repeated."),  # noqa: B008
        after: list[str] = typer.Option(None, help="Address after signing out; may be repeated."),  # noqa: B008
        logout: str = typer.Option(None, help="Address that is told of a sign-out."),
        scope: list[str] = typer.Option(None, help="What it may ask for; may be repeated."),  # noqa: B008
        machine: bool = typer.Option(None, "--machine/--no-machine", help="Whether it also asks for itself."),
        upstream: str = typer.Option(None, help="Where it runs, if the platform is to relay it: https://HOST."),
        label: str = typer.Option(None, help="Its name in front of the domain of relayed applications."),
        health_path: str = typer.Option(None, help="What is asked for, to see whether it answers."),
        person: str = _WHO,
    ) -> None:
        """Propose other facts, which wait for review; what is left out stays, and a list that is given takes the place of the whole list."""
        actor = who(person)
        found, _ = get().client(actor, client)
        said: dict[str, Any] = {
            "name": name,
            "purpose": purpose,
            "redirect_uris": tuple(redirect) if redirect else None,
            "after_uris": tuple(after) if after else None,
            "logout_uri": logout,
            "scopes": frozenset(scope) if scope else None,
            "machine": machine,
            "upstream": upstream,
            "label": label,
            "health_path": health_path,
        }
        draft = replace(
            found.proposed or found.facts, **{key: value for key, value in said.items() if value is not None}
        )
        show([_client(get().change(actor, client, draft))], _CLIENTS)

    @group.command("review")
    def review(
        client: str = _CLIENT,
        approve: bool = typer.Option(..., "--approve/--return", help="Approve what waits, or send it back."),
        note: str = typer.Option(..., help="Why; kept in the evidence."),
        seen: str = typer.Option("", help="The value `seen` of `clients show`; needed to approve."),
        person: str = _AS,
    ) -> None:
        """Decide on a registration or change; nobody decides on his own."""
        show([_client(get().review(who(person), client, approve=approve, note=note, seen=seen))], _CLIENTS)

    @group.command("switch")
    def switch(
        client: str = _CLIENT,
        off: bool = typer.Option(..., "--off/--on", help="Suspend it, or let it go on."),
        reason: str = _REASON,
        person: str = _AS,
    ) -> None:
        """Suspend an application or let it go on; its tokens meet it at the next request."""
        show([_client(get().switch(who(person), client, off=off, reason=reason))], _CLIENTS)


def _add_secrets(
    group: typer.Typer, get: Callable[[], Clients], sign_on: Callable[[], SignOn], who: Callable[[str], Actor]
) -> None:
    @group.command("secret")
    def secret(client: str = _CLIENT, person: str = _AS) -> None:
        """Make a secret and print it this once; an earlier one stays good for a while."""
        _, text = get().new_secret(who(person), client)
        say(Text("密钥只显示这一次，请现在保存。", "The secret is shown this once; keep it now."))
        show({"client_id": client, "client_secret": text})

    @group.command("end-secrets")
    def end(client: str = _CLIENT, person: str = _AS) -> None:
        """End every secret at once, as after a leak."""
        ended = get().end_secrets(who(person), client)
        say(Text(f"已作废 {ended} 个密钥。", f"{ended} secrets are ended."))

    @group.command("new-key")
    def key(person: str = _AS) -> None:
        """Sign identity tokens by a new key; the one before stays published for a day."""
        name = sign_on().new_signing_key(who(person))
        say(Text(f"新的签名密钥：{name}", f"The new signing key: {name}"))


def _add_subscriptions(group: typer.Typer, get: Callable[[], Subscriptions], who: Callable[[str], Actor]) -> None:
    @group.command("subscriptions")
    def list_(client: str = _CLIENT, person: str = _AS) -> None:
        """List the APIs that an application subscribes to."""
        show([_subscription(one) for one in get().subscriptions(who(person), client)], _SUBSCRIPTIONS)

    @group.command("subscribe")
    def subscribe(
        client: str = _CLIENT,
        api: str = typer.Argument(help="rows:DATASET, service:SERVICE, app:APPLICATION/END-POINT or sandbox:RESOURCE."),
        plan: Plan = typer.Option(Plan.TRIAL, help="How much it may ask; trial holds at once."),  # noqa: B008
        person: str = _WHO,
    ) -> None:
        """Subscribe an application to an API."""
        show([_subscription(get().ask(who(person), client, api, plan))], _SUBSCRIPTIONS)

    @group.command("decide")
    def decide(
        subscription: str = typer.Argument(help="Id of the subscription."),
        approve: bool = typer.Option(..., "--approve/--refuse", help="Approve it, or refuse it."),
        note: str = typer.Option("", help="Why; kept in the evidence."),
        person: str = _AS,
    ) -> None:
        """Decide on a subscription that waits."""
        found = get().decide(who(person), subscription, approve=approve, note=note)
        show([_subscription(found)], _SUBSCRIPTIONS)

    @group.command("unsubscribe")
    def unsubscribe(subscription: str = typer.Argument(help="Id of the subscription."), person: str = _AS) -> None:
        """End a subscription."""
        show([_subscription(get().end(who(person), subscription))], _SUBSCRIPTIONS)

    @group.command("use")
    def use(
        client: str = _CLIENT,
        days: int = typer.Option(14, min=1, max=366, help="How many days back."),
        person: str = _AS,
    ) -> None:
        """Show what an application asked of its APIs, by the hour."""
        show([_use(one) for one in get().use(who(person), client, days)], _USE)


def _add_health(group: typer.Typer, get: Callable[[], HealthWatch], who: Callable[[str], Actor]) -> None:
    @group.command("health")
    def health(
        client: str = _CLIENT,
        look: bool = typer.Option(False, "--look", help="Look now instead of telling the last look."),
        person: str = _WHO,
    ) -> None:
        """Show whether an application that runs elsewhere answers, since when, and its last turns."""
        actor = who(person)
        if look:
            get().check(actor, client)
        now, turns = get().health(actor, client)
        if now is None:
            say(Text("还没有检查过。", "It was not looked at yet."))
            return
        facts = [(now.since, now.state, now.error), *((one.at, one.state, one.error) for one in turns)]
        rows = [
            {
                "since": at.isoformat(),
                "state": state.text.in_language(language()),
                "error": error.in_language(language()),
            }
            for at, state, error in facts
        ]
        show(rows, _HEALTH)


def _client(client: Client) -> dict[str, Any]:
    return {
        "id": client.id,
        "name": client.facts.name,
        "owner": client.org_id,
        "kind": client.facts.kind.text.in_language(language()),
        "state": client.state.text.in_language(language()),
        "waits": client.proposed is not None,
        "scopes": " ".join(sorted(client.facts.scopes)),
    }


def _farewell(one: Farewell) -> dict[str, Any]:
    return {
        "at": one.made_at.isoformat(),
        "sign_on": one.family_id,
        "state": one.state.text.in_language(language()),
        "tries": one.attempts,
        "error": one.error,
    }


def _subscription(one: Subscription) -> dict[str, Any]:
    return {
        "id": one.id,
        "api": one.api,
        "name": one.name,
        "plan": one.plan.text.in_language(language()),
        "state": one.state.text.in_language(language()),
    }


def _use(one: Use) -> dict[str, Any]:
    return {
        "hour": one.hour.isoformat(),
        "api": one.api,
        "calls": one.calls,
        "errors": one.errors,
        "refused": one.refused,
        "p95_ms": one.p95,
    }
