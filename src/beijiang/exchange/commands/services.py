"""``beijiang exchange service``: services that a department runs, declared, tested, offered and called."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from beijiang.exchange.models import ServiceDraft, ServiceMove, ServiceQuery, ServiceSpec
from beijiang.kit import SYSTEM, Actor, Invalid, Text
from beijiang.protection import doubt_text
from beijiang.terminal import Column, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.exchange.models import Service
    from beijiang.exchange.service import Services

__all__ = ["services"]

_AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
_SERVICE = typer.Argument(help="Id of the service.")
_WORDS = typer.Option("", help="Why; consumers read it.")
_SPEC = typer.Option(..., help="JSON file: address, parameters, fields, limits.")
_SECRET = typer.Option(
    None, envvar="BEIJIANG_SERVICE_SECRET", help="Key, token or password; better by the environment than by the line."
)
_PARAMETER = typer.Option([], "--parameter", help="NAME=VALUE; give it again for more.")
_SERVICES = (
    Column("id", Text("服务号", "id"), whole=True),
    Column("name", Text("名称", "name")),
    Column("resource", Text("目录", "entry")),
    Column("provider", Text("提供部门", "provider")),
    Column("state", Text("状态", "state")),
    Column("version", Text("版本", "version")),
)
_PARAMETERS = (
    Column("name", Text("参数", "parameter")),
    Column("place", Text("位置", "place")),
    Column("type", Text("类型", "type")),
    Column("required", Text("必填", "required")),
    Column("comment", Text("说明", "comment")),
)
_FIELDS = (
    Column("column", Text("字段", "field")),
    Column("type", Text("类型", "type")),
    Column("level", Text("级别", "grade")),
)
_PROBES = (
    Column("at", Text("探测时间", "probed at")),
    Column("ok", Text("正常", "well")),
    Column("millis", Text("毫秒", "ms")),
    Column("reason", Text("原因", "reason")),
)
_FILLED = (Column("column", Text("字段", "field")), Column("filled", Text("有值的记录", "records with a value")))
_FACTS = (Column("fact", Text("事项", "fact")), Column("value", Text("值", "value")))


def services(get: Callable[[], Services], access: Callable[[], Access]) -> typer.Typer:
    """Return the commands of services."""
    group = typer.Typer(help="Services that departments run, behind the gate.", no_args_is_help=True)

    def who(login: str) -> Actor:
        return access().actor_for_person(login) if login else SYSTEM

    _add_looking(group, get, who)
    _add_declaring(group, get, who)
    _add_stepping(group, get, who)
    return group


def _add_looking(group: typer.Typer, get: Callable[[], Services], who: Callable[[str], Actor]) -> None:
    @group.command("list")
    def list_(words: str = typer.Option("", "--find", help="Words of a name, or an id."), person: str = _AS) -> None:
        """Show the services that are offered, and your department's own."""
        show([_service(one) for one in get().services(who(person), ServiceQuery(words=words))[0]], _SERVICES)

    @group.command("show")
    def show_(service: str = _SERVICE, person: str = _AS) -> None:
        """Show what a service takes and answers, and how it does."""
        found = get().view(who(person), service)
        show([_service(found.service)], _SERVICES)
        spec = found.version.spec
        show(
            [{**one.model_dump(), "type": one.type.text, "place": one.place.text} for one in spec.parameters],
            _PARAMETERS,
        )
        show([{**one.model_dump(), "type": one.type.text} for one in spec.fields], _FIELDS)
        stats, breaker = found.stats, found.breaker
        facts: dict[str, Any] = {"breaker": "closed" if breaker is None else breaker.state.value}
        if stats is not None:
            names = ("calls", "answered", "errors", "held_back", "limited", "rows", "mean", "most", "slowest")
            facts |= {name: getattr(stats, name) for name in names}
        show([{"fact": name, "value": value} for name, value in facts.items()], _FACTS)
        if found.probes:
            show(
                [
                    {"at": p.at.isoformat(timespec="seconds"), "ok": p.ok, "millis": p.millis, "reason": p.reason}
                    for p in found.probes[:10]
                ],
                _PROBES,
            )


def _add_declaring(group: typer.Typer, get: Callable[[], Services], who: Callable[[str], Actor]) -> None:
    @group.command("register")
    def register(
        resource: str = typer.Argument(help="Id of the entry."),
        name: str = typer.Option(..., help="What people call it."),
        spec: Path = _SPEC,
        purpose: str = typer.Option("", help="What it is for."),
        secret: str | None = _SECRET,
        person: str = _AS,
    ) -> None:
        """Register a service behind an entry of kind interface."""
        draft = ServiceDraft(resource_id=resource, name=name, purpose=purpose, spec=_spec(spec))
        show([_service(get().register(who(person), draft, secret or ""))], _SERVICES)

    @group.command("change")
    def change(
        service: str = _SERVICE,
        spec: Path = _SPEC,
        name: str = typer.Option("", help="Another name."),
        secret: str | None = _SECRET,
        person: str = _AS,
    ) -> None:
        """Declare a service anew; what is offered goes on until the new version is tested and offered."""
        before = get().view(who(person), service).service
        draft = ServiceDraft(
            resource_id=before.resource_id, name=name or before.name, purpose=before.purpose, spec=_spec(spec)
        )
        show([_service(get().change(who(person), service, draft, secret))], _SERVICES)

    @group.command("test")
    def test(service: str = _SERVICE, parameter: list[str] = _PARAMETER, person: str = _AS) -> None:
        """Call the newest version, and see whether its answer fits; exit status 1 where it does not."""
        found = get().test(who(person), service, _values(parameter) if parameter else None)
        show([{"column": name, "filled": count} for name, count in found.filled.items()], _FILLED)
        for problem in found.problems:
            say(Text(problem, problem))
        zh, en = ("通过", "It fits") if found.ok else ("未通过", "It does not fit")
        say(
            Text(
                f"{zh}：{found.records} 条记录，{found.millis} 毫秒。",
                f"{en}: {found.records} records, {found.millis} ms.",
            )
        )
        if not found.ok:
            raise typer.Exit(1)


def _add_stepping(group: typer.Typer, get: Callable[[], Services], who: Callable[[str], Actor]) -> None:
    @group.command("move")
    def move(
        service: str = _SERVICE,
        step: ServiceMove = typer.Argument(help="service_offer, service_pause, service_resume or service_retire."),  # noqa: B008
        words: str = _WORDS,
        plan: bool = typer.Option(False, "--plan", help="Only show what it would do."),
        person: str = _AS,
    ) -> None:
        """Offer, pause, resume or retire a service."""
        if plan:
            _show_plan(get(), who(person), service, step)
            return
        steps: dict[ServiceMove, Callable[[], Service]] = {
            ServiceMove.OFFER: lambda: get().offer(who(person), service),
            ServiceMove.PAUSE: lambda: get().pause(who(person), service, words),
            ServiceMove.RESUME: lambda: get().resume(who(person), service, words),
            ServiceMove.RETIRE: lambda: get().retire(who(person), service, words),
        }
        if step not in steps:
            raise Invalid("这一步有单独的命令。", "That step has a command of its own.", code="no_move")
        show([_service(steps[step]())], _SERVICES)

    @group.command("call")
    def call(
        service: str = _SERVICE,
        parameter: list[str] = _PARAMETER,
        purpose: str = typer.Option("", help="Code of the purpose; needed where you hold grants for several."),
        person: str = _AS,
    ) -> None:
        """Call a service under your grant."""
        found = get().call(who(person), service, _values(parameter), purpose)
        show([*found.rows], tuple(Column(c.name, Text(c.name, c.name)) for c in found.columns))
        if found.in_doubt:
            say(doubt_text(found.in_doubt))
        say(Text(f"回执 {found.receipt}", f"Receipt {found.receipt}"))


def _show_plan(service: Services, actor: Actor, service_id: str, step: ServiceMove) -> None:
    found = service.plan(actor, service_id, step)
    facts = {
        "possible": found.possible,
        "versions": f"{found.from_version or '-'} -> {found.to_version or '-'}",
        "grants": found.grants,
        "departments": ", ".join(found.orgs),
        "lost_fields": ", ".join(found.lost),
        "changed_parameters": ", ".join(found.parameters),
        "address_moves": found.address_moves,
    }
    show([{"fact": name, "value": value} for name, value in facts.items()], _FACTS)
    for problem in found.problems:
        say(Text(f"{problem.column} {problem.text.zh}".strip(), f"{problem.column} {problem.text.en}".strip()))


def _values(given: list[str]) -> dict[str, str | int | float | bool]:
    return dict(one.partition("=")[::2] for one in given)


def _spec(path: Path) -> ServiceSpec:
    """Read a declaration; what is wrong is said by place, never by value."""
    from pydantic import ValidationError

    try:
        return ServiceSpec.model_validate(json.loads(path.read_text("utf-8")))
    except OSError as error:
        raise Invalid(f"读不到文件 {path}。", f"{path} cannot be read.", code="no_file") from error
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise Invalid(f"声明有误：{wrong}", f"The declaration is wrong: {wrong}", code="bad_declaration") from None
    except ValueError as error:
        raise Invalid(f"{path} 不是 JSON。", f"{path} is no JSON.", code="bad_declaration") from error


def _service(one: Service) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "resource": one.resource_name,
        "provider": one.provider_id,
        "state": one.state.text,
        "version": one.live or "-",
    }
