"""``beijiang catalog fields``: the fields that the region declares beyond the national guide."""

# ruff: noqa: B008 - Typer reads options from defaults
from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

import typer

from beijiang.catalog.commands.whom import AS, actor_of
from beijiang.catalog.models import FieldDraft, FieldKind, FieldPlace
from beijiang.catalog.plain import as_field
from beijiang.kit import Invalid, Text
from beijiang.terminal import Column, as_json, language, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.catalog.models import ExtensionField
    from beijiang.catalog.service import Catalog

__all__ = ["add", "filled"]

_FIELDS = (
    Column("key", Text("标识", "key"), whole=True),
    Column("name", Text("名称", "name")),
    Column("kind", Text("类型", "kind")),
    Column("required_from", Text("必填自", "required from")),
    Column("places", Text("显示位置", "shown in"), spare=True),
    Column("valid_from", Text("启用", "from"), spare=True),
    Column("valid_to", Text("停用", "to"), spare=True),
    Column("region_code", Text("地区", "region"), spare=True),
    Column("state", Text("状态", "state")),
)
_KEY = typer.Argument(help="Key of the field.")
_PLACES = typer.Option([FieldPlace.FORM, FieldPlace.PAGE, FieldPlace.API], "--place", help="Where it is shown.")
_FROM = typer.Option("", "--from", help="First day on which entries are asked for it, as 2026-01-31.")
_TO = typer.Option("", "--to", help="Last such day.")
_REQUIRED = typer.Option(False, help="Whether entries that are edited from today on must have it.")
_POSITION = typer.Option(0, min=0, max=9_999, help="Its place among the fields.")
_REGION = typer.Option("", help="Only departments of this region and below.")


def add(app: typer.Typer, get: Callable[[], Catalog], get_access: Callable[[], Access]) -> None:
    """Add the group to the catalog's commands."""
    group = typer.Typer(help="Fields that the region declares beyond the national guide.", no_args_is_help=True)
    app.add_typer(group, name="fields")
    _add_saying(group, get, get_access)

    @group.command("list")
    def listed(
        retired: bool = typer.Option(True, help="Retired ones too."),
        person: str = AS,
    ) -> None:
        """List the declared fields."""
        found = get().extension_fields(actor_of(get_access, person))
        _tell([one for one in found if retired or one.retired_at is None])

    @group.command()
    def retire(key: str = _KEY, person: str = AS) -> None:
        """Ask nobody for a field any more; the values that entries have stay."""
        _tell([get().retire_field(actor_of(get_access, person), key)])

    @group.command()
    def restore(key: str = _KEY, person: str = AS) -> None:
        """Ask for a retired field again."""
        _tell([get().restore_field(actor_of(get_access, person), key)])


def _add_saying(group: typer.Typer, get: Callable[[], Catalog], get_access: Callable[[], Access]) -> None:
    @group.command()
    def declare(
        key: str = typer.Argument(help="Lower-case letters, digits and underscores; it never changes."),
        name_zh: str = typer.Argument(help="Name in Chinese."),
        name_en: str = typer.Argument(help="Name in English."),
        kind: FieldKind = typer.Option(FieldKind.TEXT, help="What may stand in it."),
        code_set: str = typer.Option("", help="The code set, for the kind code."),
        required: bool = _REQUIRED,
        places: list[FieldPlace] = _PLACES,
        valid_from: str = _FROM,
        valid_to: str = _TO,
        position: int = _POSITION,
        region: str = _REGION,
        person: str = AS,
    ) -> None:
        """Declare a field."""
        draft = FieldDraft(
            key=key, name_zh=name_zh, name_en=name_en, kind=kind, code_set=code_set, required=required,
            places=frozenset(places), valid_from=_day(valid_from), valid_to=_day(valid_to), position=position,
            region_code=region,
        )  # fmt: skip
        _tell([get().declare_field(actor_of(get_access, person), draft)])

    @group.command()
    def change(
        key: str = _KEY,
        name_zh: str = typer.Argument(help="Name in Chinese."),
        name_en: str = typer.Argument(help="Name in English."),
        required: bool = _REQUIRED,
        places: list[FieldPlace] = _PLACES,
        valid_from: str = _FROM,
        valid_to: str = _TO,
        position: int = _POSITION,
        region: str = _REGION,
        person: str = AS,
    ) -> None:
        """Say something else of a field: everything but its key, kind and code set."""
        draft = FieldDraft(
            key=key, name_zh=name_zh, name_en=name_en, required=required, places=frozenset(places),
            valid_from=_day(valid_from), valid_to=_day(valid_to), position=position, region_code=region,
        )  # fmt: skip
        _tell([get().change_field(actor_of(get_access, person), key, draft)])


def filled(pairs: list[str]) -> dict[str, str] | None:
    """Read ``key=value`` pairs; None where there are none."""
    values: dict[str, str] = {}
    for pair in pairs:
        key, equal, value = pair.partition("=")
        if not equal:
            raise Invalid(
                f"“{pair[:60]}”应写成 标识=值，例如 energy_kind=02。",
                f"Write “{pair[:60]}” as KEY=VALUE, like energy_kind=02.",
                code="bad_field_value",
            )
        values[key.strip()] = value
    return values or None


def _day(said: str) -> date | None:
    try:
        return date.fromisoformat(said) if said else None
    except ValueError:
        raise Invalid(
            f"“{said[:40]}”不是日期，应如 2026-01-31。", f"“{said[:40]}” is no date like 2026-01-31.", code="bad_date"
        ) from None


def _tell(found: list[ExtensionField]) -> None:
    show([as_field(one) if as_json() else _line(one) for one in found], _FIELDS)


def _line(found: ExtensionField) -> dict[str, Any]:
    tongue = language()
    state = Text("已停用", "retired") if found.retired_at else Text("在用", "in use")
    return {
        "key": found.key,
        "name": found.name.in_language(tongue),
        "kind": found.kind.text.in_language(tongue) + (f" {found.code_set}" if found.code_set else ""),
        "required_from": found.required_from.isoformat() if found.required_from else "",
        "places": " ".join(place.value for place in sorted(found.places)),
        "valid_from": found.valid_from.isoformat(),
        "valid_to": found.valid_to.isoformat() if found.valid_to else "",
        "region_code": found.region_code,
        "state": state.in_language(tongue),
    }
