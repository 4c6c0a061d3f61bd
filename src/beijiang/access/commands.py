"""``beijiang people``, ``orgs`` and ``keys``: accounts, organisations and API keys at the terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer

from beijiang.access.models import KeyDraft, OrganisationDraft, OrganisationKind, PersonDraft, Role
from beijiang.kit import SYSTEM, Actor, Text
from beijiang.terminal import Column, language, say, show

if TYPE_CHECKING:
    from beijiang.access.models import ApiKey, Organisation, Person
    from beijiang.access.service import Access

__all__ = ["keys", "organisations", "people"]

_AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
_PEOPLE = (
    Column("login", Text("账号", "login"), whole=True),
    Column("name", Text("姓名", "name")),
    Column("org_id", Text("机构", "organisation"), whole=True),
    Column("roles", Text("角色", "roles")),
    Column("state", Text("状态", "state")),
    Column("created_at", Text("建立时间", "created"), spare=True),
)
_ORGANISATIONS = (
    Column("id", Text("标识", "id"), whole=True),
    Column("name", Text("名称", "name")),
    Column("kind", Text("类别", "kind")),
    Column("admin_tier", Text("层级", "tier"), right=True),
    Column("parent_id", Text("上级", "parent"), whole=True),
    Column("region_code", Text("区划代码", "region code")),
)
_KEYS = (
    Column("id", Text("标识", "id"), whole=True),
    Column("name", Text("名称", "name")),
    Column("person_id", Text("持有人", "holder"), whole=True, spare=True),
    Column("scopes", Text("权限", "scopes")),
    Column("expires_at", Text("到期", "expires")),
    Column("revoked_at", Text("吊销", "revoked")),
    Column("used_at", Text("最近使用", "last used")),
)
_POLICIES = (
    Column("effect", Text("效力", "effect")),
    Column("text", Text("策略", "policy")),
    Column("id", Text("标识", "id"), whole=True),
)
_ONCE = Text("下面的内容只显示这一次，请妥善转交。", "What follows is shown this once; hand it over safely.")


def people(get: Callable[[], Access]) -> typer.Typer:
    """Return the command group of accounts."""
    group = typer.Typer(help="Accounts: list, add, roles, disable, enable, reset, explain.", no_args_is_help=True)

    @group.command("list")
    def list_people(org: str = typer.Option("", help="Only of this organisation."), person: str = _AS) -> None:
        """List accounts with their organisation, roles and state."""
        show([_person(one) for one in get().people(_actor(get(), person), org or None)], _PEOPLE)

    @group.command("add")
    def add(
        login: str = typer.Argument(help="Name to sign in with."),
        name: str = typer.Argument(help="The person's name."),
        org: str = typer.Option("", help="Id of the organisation."),
        role: list[Role] = typer.Option([], help="Role, may be repeated."),  # noqa: B008 - the way of Typer
        person: str = _AS,
    ) -> None:
        """Make an account; print the one-time code with which the person sets a password."""
        draft = PersonDraft(login=login, name=name, org_id=org or None, roles=frozenset(role))
        made, code = get().add_person(_actor(get(), person), draft)
        say(_ONCE)
        show(_person(made) | {"one_time_code": code}, _PEOPLE)

    @group.command("roles")
    def roles(
        login: str = typer.Argument(help="Whose roles."),
        role: list[Role] = typer.Option([], help="Role, may be repeated; none takes all away."),  # noqa: B008
        person: str = _AS,
    ) -> None:
        """Replace somebody's roles; their sessions end."""
        actor = _actor(get(), person)
        show(_person(get().set_roles(actor, get().person(actor, login).id, frozenset(role))), _PEOPLE)

    @group.command("explain")
    def explain(
        login: str = typer.Argument(help="Whom the question is about."),
        permission: str = typer.Argument(help="What is done, such as catalog:resource:publish."),
        org: str = typer.Option("", help="Whose thing it is; without it, the function as such."),
        person: str = _AS,
    ) -> None:
        """Say why somebody may or may not do something: the policies that decide."""
        found = get().explain(_actor(get(), person), login, permission, org or None)
        say(found.why)
        show(
            [
                {
                    "id": one.id,
                    "effect": "permit" if one.permits else "forbid",
                    "text": one.text.in_language(language()),
                }
                for one in found.policies
            ],
            _POLICIES,
        )
        if not found.allowed and found.would:
            names = [role.text for role in found.would]
            roles = Text("、".join(n.zh for n in names), ", ".join(n.en for n in names))
            say(Text(f"可以这样做的角色：{roles.zh}", f"Roles that may: {roles.en}"))

    @group.command("disable")
    def disable(
        login: str = typer.Argument(help="Whose account."),
        reason: str = typer.Option(..., help="Why; kept in the evidence."),
        person: str = _AS,
    ) -> None:
        """Close an account, its sessions and its keys."""
        actor = _actor(get(), person)
        show(_person(get().disable_person(actor, get().person(actor, login).id, reason)), _PEOPLE)

    @group.command("enable")
    def enable(login: str = typer.Argument(help="Whose account."), person: str = _AS) -> None:
        """Open a closed account again."""
        actor = _actor(get(), person)
        show(_person(get().enable_person(actor, get().person(actor, login).id)), _PEOPLE)

    @group.command("reset")
    def reset(login: str = typer.Argument(help="Whose password."), person: str = _AS) -> None:
        """Void a password, its sessions and API keys, and print a new one-time code."""
        actor = _actor(get(), person)
        made = get().reset_person(actor, get().person(actor, login).id)
        say(_ONCE)
        show({"login": login, "one_time_code": made.code, "keys_revoked": made.keys_revoked})

    return group


def organisations(get: Callable[[], Access]) -> typer.Typer:
    """Return the command group of organisations."""
    group = typer.Typer(help="Organisations: list, add.", no_args_is_help=True)

    @group.command("list")
    def list_organisations(tier: int = typer.Option(0, help="Only of this tier (1, 2 or 3).")) -> None:
        """List all organisations, parents before children."""
        show([_organisation(one) for one in get().organisations() if tier in (0, one.admin_tier)], _ORGANISATIONS)

    @group.command("add")
    def add(
        name: str = typer.Argument(help="Chinese name."),
        *,
        english: str = typer.Option("", help="English name."),
        identifier: str = typer.Option("", "--id", help="Id; made up when left out."),
        parent: str = typer.Option("", help="Id of the organisation above."),
        kind: OrganisationKind = typer.Option(OrganisationKind.DEPARTMENT, help="What sort of body."),  # noqa: B008
        tier: int = typer.Option(1, help="1 region, 2 league or city, 3 county."),
        region: str = typer.Option("", help="Region code."),
        person: str = _AS,
    ) -> None:
        """Add an organisation to the tree."""
        draft = OrganisationDraft(
            id=identifier or None,
            name_zh=name,
            name_en=english,
            kind=kind,
            admin_tier=tier,
            parent_id=parent or None,
            region_code=region or None,
            region_scope=frozenset({region} if region else ()),
        )
        show(_organisation(get().add_organisation(_actor(get(), person), draft)), _ORGANISATIONS)

    return group


def keys(get: Callable[[], Access]) -> typer.Typer:
    """Return the command group of API keys."""
    group = typer.Typer(help="API keys: list, issue, revoke.", no_args_is_help=True)

    @group.command("list")
    def list_keys(person: str = _AS) -> None:
        """List API keys; their secrets are not stored."""
        show([_key(one) for one in get().keys(_actor(get(), person))], _KEYS)

    @group.command("issue")
    def issue(
        name: str = typer.Argument(help="What the key is for."),
        scope: list[str] = typer.Option(..., help="Permission that it is limited to, may be repeated."),  # noqa: B008
        days: int = typer.Option(90, help="Days until it expires."),
        person: str = typer.Option(..., "--as", help="Login of the person who will hold it."),
    ) -> None:
        """Issue a key to a person; print its secret this once."""
        key, secret = get().issue_key(_actor(get(), person), KeyDraft(name=name, scopes=frozenset(scope), days=days))
        say(_ONCE)
        show(_key(key) | {"secret": secret}, _KEYS)

    @group.command("revoke")
    def revoke(key_id: str = typer.Argument(help="Id of the key."), person: str = _AS) -> None:
        """End a key at once."""
        show(_key(get().revoke_key(_actor(get(), person), key_id)), _KEYS)

    return group


def _actor(access: Access, login: str) -> Actor:
    return access.actor_for_person(login) if login else SYSTEM


def _person(one: Person) -> dict[str, Any]:
    state = Text("已停用", "disabled") if one.disabled_at else Text("待设口令", "no password yet")
    plain = one.disabled_at is None and not one.must_set_password
    return {
        "id": one.id,
        "login": one.login,
        "name": one.name,
        "org_id": one.org_id,
        "roles": sorted(one.roles),
        "state": (Text("正常", "active") if plain else state).in_language(language()),
        "created_at": one.created_at,
    }


def _organisation(one: Organisation) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": Text(one.name_zh, one.name_en or one.name_zh).in_language(language()),
        "kind": str(one.kind),
        "admin_tier": one.admin_tier,
        "parent_id": one.parent_id,
        "region_code": one.region_code,
        "region_scope": sorted(one.region_scope),
    }


def _key(one: ApiKey) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "person_id": one.person_id,
        "scopes": sorted(one.scopes),
        "created_at": one.created_at,
        "expires_at": one.expires_at,
        "revoked_at": one.revoked_at,
        "used_at": one.used_at,
    }
