"""``beijiang standards law|propose-rule|profiles``: rules of law, and which profile of them counts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import typer

from beijiang.kit import SYSTEM, Actor, Invalid, NotFound, Text
from beijiang.standards.models import Action, EntryKind, flat_rule
from beijiang.terminal import Column, language, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.standards.models import Choice, Rule
    from beijiang.standards.service import Laws, ProfileView

__all__ = ["add_laws"]

_AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
_REASON = typer.Option(..., help="Why; kept in the evidence.")
_DAY = ["%Y-%m-%d"]
_FROM = typer.Option(None, "--valid-from", formats=_DAY, help="First day that it counts.")

_RULES = (
    Column("id", Text("标识", "id"), whole=True),
    Column("version", Text("版本", "version"), right=True),
    Column("topic", Text("事项", "topic")),
    Column("profile", Text("规则配置", "profile")),
    Column("value", Text("数值", "value")),
    Column("basis", Text("依据", "basis")),
    Column("verified", Text("已核实", "confirmed")),
    Column("reason", Text("理由", "reason"), spare=True),
)
_PROFILES = (
    Column("id", Text("标识", "id"), whole=True),
    Column("name", Text("名称", "name")),
    Column("since", Text("施行", "law since")),
    Column("rules", Text("规则", "rules"), right=True),
    Column("fields", Text("必填项", "fields"), right=True),
    Column("verified", Text("已核实", "confirmed")),
    Column("counts_for", Text("现用于", "counts for")),
)
_CHOICES = (
    Column("since", Text("自", "since")),
    Column("org_id", Text("部门", "organisation")),
    Column("profile", Text("规则配置", "profile")),
    Column("reason", Text("理由", "reason")),
)
_ALL = Text("全平台", "everybody")


def add_laws(group: typer.Typer, get: Callable[[], Laws], access: Callable[[], Access]) -> None:
    """Add the commands of rules and profiles to the group."""

    def who(login: str) -> Actor:
        return access().actor_for_person(login) if login else SYSTEM

    @group.command("law")
    def law(rule: str = typer.Argument(help="Id of the rule."), person: str = _AS) -> None:
        """Show a rule of law with all its versions, newest first."""
        show([_rule(one) for one in get().rule(who(person), rule)[1]], _RULES)

    @group.command("propose-rule")
    def propose(
        rule: str = typer.Argument(help="Id of the rule."),
        fields: list[str] = typer.Option([], "--set", help="Field as NAME=VALUE; may be given several times."),  # noqa: B008
        reason: str = _REASON,
        valid_from: datetime | None = _FROM,
        person: str = _AS,
    ) -> None:
        """Propose a rule of law, or a change of one; somebody else approves it."""
        actor = who(person)
        try:
            now = flat_rule(get().rule(actor, rule)[1][0])
        except NotFound:
            now = {}
        form = {**now, **dict(_pair(words) for words in fields), "id": rule}
        change = get().change_of(actor, Action.CHANGE if now else Action.ADD, EntryKind.RULE, form)
        made = get().propose(actor, [change], reason, None if valid_from is None else valid_from.date())
        show({"id": made.id, "state": made.state.text.in_language(language()), "about": made.about[0]})

    profiles = typer.Typer(help="Profiles of law: what each asks, which one counts.", no_args_is_help=True)
    group.add_typer(profiles, name="profiles")
    _add_profiles(profiles, get, who)


def _add_profiles(profiles: typer.Typer, get: Callable[[], Laws], who: Callable[[str], Actor]) -> None:
    @profiles.command("list")
    def list_(person: str = _AS) -> None:
        """Show the profiles, and for whom each counts today."""
        show([_profile(one) for one in get().profiles(who(person))], _PROFILES)

    @profiles.command("show")
    def show_(profile: str = typer.Argument(help="Id of the profile."), person: str = _AS) -> None:
        """Show what a profile asks: its rules, then the fields of an entry."""
        found = {one.profile.id: one for one in get().profiles(who(person))}.get(profile)
        if found is None:
            raise NotFound(
                f"没有规则配置“{profile[:40]}”。", f'There is no profile "{profile[:40]}".', code="unknown_code"
            )
        more = [rule for rule in found.fields if rule not in found.rules]
        show([_rule(one) for one in (*found.rules, *more)], _RULES)

    @profiles.command("choices")
    def choices(person: str = _AS) -> None:
        """Show which profiles were chosen, newest first."""
        show([_choice(one) for one in get().choices(who(person))], _CHOICES)

    @profiles.command("choose")
    def choose(
        profile: str = typer.Argument(help="Id of the profile."),
        since: datetime = typer.Option(..., formats=_DAY, help="First day that it counts."),  # noqa: B008
        reason: str = _REASON,
        org: str = typer.Option("", help="Only for this department; for all that chose none when left out."),
        person: str = _AS,
    ) -> None:
        """Say which profile counts from a day on."""
        day: date = since.date()
        show([_choice(get().choose(who(person), profile, day, reason, org))], _CHOICES)


def _pair(words: str) -> tuple[str, str]:
    name, sign, value = words.partition("=")
    if not sign:
        raise Invalid(
            f"“{words[:40]}”应写成 NAME=VALUE。", f'Write "{words[:40]}" as NAME=VALUE.', code="registry_field"
        )
    return name, value


def _rule(one: Rule) -> dict[str, Any]:
    return {
        "id": one.id,
        "version": one.edition.version,
        "topic": one.topic.in_language(language()),
        "profile": one.profile,
        "value": f"{one.value} {one.unit}".strip(),
        "basis": one.basis,
        "verified": one.verified,
        "reason": one.edition.reason,
    }


def _profile(one: ProfileView) -> dict[str, Any]:
    return {
        "id": one.profile.id,
        "name": one.profile.name.in_language(language()),
        "since": one.profile.effective_from,
        "rules": len(one.rules),
        "fields": len(one.fields),
        "verified": one.profile.verified,
        "counts_for": "、".join(org or _ALL.in_language(language()) for org in one.counts_for),
    }


def _choice(one: Choice) -> dict[str, Any]:
    return {
        "since": one.since,
        "org_id": one.org_id or _ALL.in_language(language()),
        "profile": one.profile,
        "reason": one.reason,
    }
