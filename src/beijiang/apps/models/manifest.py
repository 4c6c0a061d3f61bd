"""What ``app.toml`` says: who made the application, what for, and what it needs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from beijiang.apps.models.faults import Faults, line_of
from beijiang.apps.models.parameters import Parameter
from beijiang.apps.models.words import ParamType, Schedule
from beijiang.kit import BeijiangError, Text, Word

__all__ = ["Manifest", "read_manifest"]

FILE: Final = "app.toml"
_ID: Final = re.compile(r"[a-z][a-z0-9-]{2,39}")
_VERSION: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+-]{0,19}")
_PARAMETER: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_LISTS: Final = ("resources", "pages", "roles")
_KEYS: Final = frozenset(
    {"id", "version", "owner", "name", "purpose", "parameters", "schedule", "per_minute", "own_grants", *_LISTS}
)
LIST_MOST: Final = 50
ID_MOST: Final = 60
RESERVED: Final = frozenset({"lang", "api", "cards", "about"})
MINUTE: Final = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The head of a bundle."""

    id: str
    version: str
    owner: str
    """The organisation that answers for it."""
    name: Text
    purpose: Text
    resources: tuple[str, ...]
    """The tables that its queries read."""
    pages: tuple[str, ...]
    """In the order of the navigation; the first one opens first."""
    roles: tuple[str, ...] = ()
    """Roles that may open it; none named: everybody whom it is released to."""
    schedule: Schedule = Schedule.NONE
    per_minute: int = MINUTE
    """Views of all readers together within a minute."""
    parameters: tuple[Parameter, ...] = ()
    own_grants: Mapping[str, str] = field(default_factory=dict)
    """Grants of the department, by the tables that the application reads under them whoever looks."""


def read_manifest(facts: dict[str, Any] | None, text: str, faults: Faults) -> Manifest | None:
    """Read ``app.toml``; what is wrong is added to the faults."""
    if facts is None:
        return None
    before = len(faults)

    def say(key: str, zh: str, en: str) -> None:
        faults.say(FILE, line_of(text, key), (f"{key} 缺少或不能用", f"{key} is missing or cannot be used"), (zh, en))

    for key in (one for one in facts if one not in _KEYS):
        offered = ", ".join(sorted(_KEYS))
        faults.say(
            FILE,
            line_of(text, key),
            (f"不认识 {key[:40]}", f"{key[:40]} is not known"),
            (f"可用：{offered}", f"use one of: {offered}"),
        )
    _check_plain(facts, say)
    _check_lists(facts, say)
    _check_own(facts, say)
    parameters = _parameters(facts.get("parameters", {}), text, faults)
    if len(faults) > before:
        return None
    return Manifest(
        id=facts["id"],
        version=facts["version"],
        owner=facts["owner"],
        name=_both(facts["name"]),
        purpose=_both(facts["purpose"]),
        resources=tuple(facts["resources"]),
        pages=tuple(facts["pages"]),
        roles=tuple(facts.get("roles", ())),
        schedule=Schedule(facts.get("schedule", "none")),
        per_minute=facts.get("per_minute", MINUTE),
        parameters=parameters,
        own_grants=dict(facts.get("own_grants", {})),
    )


def _check_plain(facts: Mapping[str, Any], say: Any) -> None:
    if not _matches(_ID, facts.get("id")) or facts.get("id") in RESERVED:
        say("id", "3 到 40 个小写字母、数字、连字符，字母开头", "3 to 40 lower-case letters, digits and hyphens")
    if not _matches(_VERSION, facts.get("version")):
        say("version", '写成 version = "1.0.0"', 'write version = "1.0.0"')
    if not _matches(re.compile(r"[\w-]{1,60}"), facts.get("owner")):
        say(
            "owner", "写负责部门的标识，见 beijiang orgs list", "write the id of the department, see beijiang orgs list"
        )
    for key, most in (("name", 60), ("purpose", 500)):
        if not _is_both(facts.get(key), most):
            say(
                key,
                f"写 [{key}]，zh 和 en 各至多 {most} 字",
                f"write [{key}] with zh and en of at most {most} characters",
            )
    if not _is_one_of(Schedule, facts.get("schedule", "none")):
        say("schedule", f"可用：{'、'.join(Schedule)}", f"use one of: {', '.join(Schedule)}")
    if type(facts.get("per_minute", MINUTE)) is not int or not 1 <= facts.get("per_minute", MINUTE) <= MINUTE:
        say("per_minute", f"1 到 {MINUTE} 的整数", f"a whole number from 1 to {MINUTE}")


def _check_lists(facts: Mapping[str, Any], say: Any) -> None:
    for key in _LISTS:
        value = facts.get(key, [] if key == "roles" else None)
        good = isinstance(value, list) and len(value) <= LIST_MOST and all(isinstance(v, str) and v for v in value)
        if not good or (not value and key != "roles"):
            say(key, f'写成 {key} = ["…"]', f'write {key} = ["…"]')


def _check_own(facts: Mapping[str, Any], say: Any) -> None:
    value, named = facts.get("own_grants", {}), facts.get("resources")
    known = isinstance(value, dict) and isinstance(named, list) and all(one in named for one in value)
    if not known or not all(isinstance(one, str) and 0 < len(one) <= ID_MOST for one in value.values()):
        say(
            "own_grants",
            '写 [own_grants]，每行 "resources 里的表" = "授权编号"',
            'write [own_grants] with "a table of resources" = "id of a grant"',
        )


def _matches(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and bool(pattern.fullmatch(value))


def _is_one_of(words: type[Word], value: object) -> bool:
    return isinstance(value, str) and value in set(words)


def _is_both(value: object, most: int) -> bool:
    return (
        isinstance(value, dict)
        and set(value) == {"zh", "en"}
        and all(isinstance(one, str) and 0 < len(one.strip()) <= most for one in value.values())
    )


def _both(value: Mapping[str, str]) -> Text:
    return Text(value["zh"], value["en"])


def _parameters(facts: object, text: str, faults: Faults) -> tuple[Parameter, ...]:
    found = []
    for name, one in facts.items() if isinstance(facts, dict) else ():
        made = _parameter(str(name), one)
        if made is None:
            faults.say(
                FILE,
                line_of(text, "type", f"parameters.{name}"),
                (f"参数 {name[:40]} 不能用", f"parameter {name[:40]} cannot be used"),
                (
                    f"写 type（{'、'.join(ParamType)}）和 label = {{ zh, en }}，可另写 default、choices 或 query",
                    f"write type ({', '.join(ParamType)}) and label = {{ zh, en }}, and default, choices or query if wanted",
                ),
            )
        else:
            found.append(made)
    return tuple(found)


def _parameter(name: str, facts: object) -> Parameter | None:
    if not isinstance(facts, dict) or not _PARAMETER.fullmatch(name) or name in RESERVED:
        return None
    choices = facts.get("choices", [])
    good = (
        set(facts) <= {"type", "label", "default", "choices", "query"}
        and _is_one_of(ParamType, facts.get("type"))
        and _is_both(facts.get("label"), 60)
        and isinstance(choices, list)
        and not any(isinstance(one, list | dict) for one in (*choices, facts.get("default", "")))
        and isinstance(facts.get("query", ""), str)
    )
    if not good:
        return None
    made = Parameter(
        name=name,
        type=ParamType(facts["type"]),
        label=_both(facts["label"]),
        default=str(facts.get("default", "")),
        choices=tuple(str(one) for one in choices),
        query=facts.get("query", ""),
    )
    try:
        made.read(made.default)
    except BeijiangError:
        return None
    return made
