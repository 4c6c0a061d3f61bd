"""One search over all that a person may see in the console: things, pages, and what can be done.

Every kind is asked of its own service with the actor of the request; what the actor may not use is not asked for, so no
refusal is recorded and nothing hidden is found. Words are met as they are written, by pinyin, and by initials.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import quote

from beijiang.access import Permission
from beijiang.catalog import SearchQuery, SystemQuery, sounding, syllables
from beijiang.exchange import DemandQuery, GrantQuery, RequestQuery
from beijiang.kit import Find, Text, Wanted, Word, finds_of, normalise, plain_text
from beijiang.opendata import VoiceQuery
from beijiang.quality import TicketQuery
from beijiang.web.help import help_for

if TYPE_CHECKING:
    from beijiang.build import Platform
    from beijiang.console.menu import Section
    from beijiang.kit import Actor, Part

__all__ = ["Found", "FoundKind", "find"]

LONGEST: Final = 100
MOST: Final = 30
EACH: Final = 8
"""Hits of one kind, so that no kind hides the others."""
LOOKED_AT: Final = 500
"""The newest things of a kind that are looked at for the sound of their names, which the database does not know."""
MET: Final = 50
"""Things of a kind, of any age, whose words the database met: those nearest to what was asked."""
R = TypeVar("R")
_LEAST: Final = datetime(1970, 1, 1, tzinfo=UTC)


class FoundKind(Word):
    """What was found."""

    ACTION = "action", "办事", "do"
    PAGE = "page", "页面", "page"
    RESOURCE = "resource", "目录条目", "entry"
    TABLE = "table", "数据表", "table"
    REQUEST = "request", "共享申请", "request"
    GRANT = "grant", "授权", "grant"
    RUN = "run", "汇聚任务", "run"
    SOURCE = "source", "数据源", "source"
    SERVICE = "service", "服务接口", "service"
    LIBRARY = "library", "基础库", "library"
    STREAM = "stream", "数据流", "stream"
    SYSTEM = "system", "系统", "system"
    CONTRACT = "contract", "数据契约", "contract"
    TICKET = "ticket", "校核工单", "ticket"
    DEMAND = "demand", "数据需求", "demand"
    VOICE = "voice", "公众来件", "word of the public"
    FIGURE = "figure", "统计指标", "indicator"
    APP = "app", "应用", "application"
    PERSON = "person", "人员", "person"
    HELP = "help", "帮助", "help"


@dataclass(frozen=True, slots=True)
class Found:
    """One hit."""

    kind: FoundKind
    name: Text
    note: Text
    href: str
    at: datetime | None = None
    """When it was last touched; what is newest stands first among equals."""
    met: bool = False
    """Whether its own search met the words, perhaps in a place that is not shown here."""

    def to_json(self) -> dict[str, Any]:
        """Return the hit for an API answer."""
        return {
            "kind": self.kind.value,
            "kind_text": {"zh": self.kind.text.zh, "en": self.kind.text.en},
            "name": {"zh": self.name.zh, "en": self.name.en},
            "note": {"zh": self.note.zh, "en": self.note.en},
            "href": self.href,
            "at": None if self.at is None else self.at.isoformat(),
        }


_ACTIONS: Final[tuple[tuple[Permission, str, Text], ...]] = (
    (Permission.EXCHANGE_REQUEST_MAKE, "/console/sharing/find", Text("新建共享申请", "Ask for shared data")),
    (Permission.EXCHANGE_REQUEST_MAKE, "/console/demands/new", Text("提出数据需求", "Say what data are needed")),
    (Permission.INGEST_FILE_LAND, "/console/ingest", Text("交数据、注册资源", "Hand in data, register a resource")),
    (Permission.INGEST_SOURCE_MANAGE, "/console/connect", Text("接入数据源", "Connect a source")),
    (Permission.RECIPES_RECIPE_MANAGE, "/console/recipes-new", Text("新建加工配方", "Make a recipe")),
    (Permission.FUSION_LIBRARY_MANAGE, "/console/libraries-new", Text("新建基础库", "Declare a library")),
    (Permission.PROTECTION_SQL_RUN, "/console/sql", Text("写查询", "Write a query")),
    (Permission.ACCESS_PERSON_MANAGE, "/console/people", Text("新建账号", "Make an account")),
    (Permission.ACCESS_ROLE_ASSIGN, "/console/people", Text("分配角色", "Give roles")),
    (Permission.ACCESS_KEY_ISSUE, "/console/keys", Text("签发 API 密钥", "Issue an API key")),
    (Permission.ACCESS_PASSWORD_CHANGE, "/console/password", Text("修改口令", "Change the password")),
    (Permission.CATALOG_RESOURCE_APPROVE, "/console/catalog?_only.turn=mine", Text("审核目录", "Review entries")),
    (Permission.CATALOG_RESOURCE_PUBLISH, "/console/catalog?_only.turn=mine", Text("发布目录", "Publish entries")),
    (Permission.CATALOG_RESOURCE_REGISTER, "/console/systems", Text("登记信息系统", "Add a system")),
    (Permission.CONTRACTS_CONTRACT_MANAGE, "/console/contracts", Text("起草数据契约", "Draft a contract")),
    (Permission.OPENDATA_VOICE_ANSWER, "/console/voices?show=mine", Text("答复公众来件", "Answer the public")),
)


def find(platform: Platform, actor: Actor, menu: Sequence[Section], words: str) -> Sequence[Found]:
    """Return what fits the words, the nearest first; without words, what was touched last and what can be done."""
    typed = plain_text(words[:LONGEST]).strip()
    wanted = normalise(typed)
    found = [*_actions(platform, actor), *_pages(menu)]
    for permission, of_function, make in (*_KINDS, *(_NAMED if wanted else ())):
        org = None if of_function else actor.org_id
        if platform.access.allows(actor, permission, org):
            found += make(platform, actor, typed)
    if not wanted:
        recent = sorted((one for one in found if one.at), key=lambda one: one.at or _LEAST, reverse=True)[:EACH]
        return [*recent, *(one for one in found if one.kind is FoundKind.ACTION)]
    ranked = [(rank, one) for one in found if (rank := _rank(one, wanted)) is not None]
    ranked.sort(key=lambda pair: (pair[0], -(pair[1].at or _LEAST).timestamp()))
    kept: list[Found] = []
    counted, seen = dict.fromkeys(FoundKind, 0), set[tuple[FoundKind, str, str]]()
    for _, one in ranked:
        if (one.kind, one.href, one.name.zh) in seen:  # met by its words, and one of the newest as well
            continue
        seen.add((one.kind, one.href, one.name.zh))
        counted[one.kind] += 1
        if counted[one.kind] <= EACH:
            kept.append(one)
    return kept[:MOST]


def _rank(one: Found, wanted: str) -> int | None:
    """Tell how near a hit is: the name itself, its beginning, somewhere in it, by its sound, or in its second line."""
    names = {normalise(one.name.zh), normalise(one.name.en)}
    if wanted in names:
        return 0
    if any(name.startswith(wanted) for name in names):
        return 1
    if any(wanted in name for name in names):
        return 2
    if wanted.isascii() and sounding(_sounds(one.name.zh), wanted.replace(" ", "")):
        return 3
    note = f"{one.note.zh}\n{one.note.en}\n{one.href.rsplit('/', 1)[-1]}"
    if wanted in normalise(note):
        return 4
    return 5 if one.met else None


@lru_cache(maxsize=20_000)
def _sounds(name: str) -> tuple[str, ...]:
    return tuple(syllables(name))


def _same(words: str) -> Text:
    return Text(words, words)


def _actions(platform: Platform, actor: Actor) -> Iterator[Found]:
    for permission, href, words in _ACTIONS:
        if platform.access.allows(actor, permission, actor.org_id):
            yield Found(FoundKind.ACTION, words, _same(""), href)


def _pages(menu: Sequence[Section]) -> Iterator[Found]:
    for section in menu:
        for link in section.links:
            yield Found(FoundKind.PAGE, link.words, section.title, link.href)
            words = Text(f"帮助：{link.words.zh}", f"Help: {link.words.en}")
            yield Found(FoundKind.HELP, words, section.title, help_for(link.href))


def _resources(platform: Platform, actor: Actor, wanted: str) -> Iterator[Found]:
    if not wanted:
        for one in platform.catalog.list(actor, limit=EACH):
            yield _resource(one.id, one.entry.name, one.entry.provider_name, one.updated_at)
        return
    allows = platform.access.allows
    for hit in platform.catalog.search(actor, SearchQuery(text=wanted, size=20)).hits:
        own = allows(actor, Permission.CATALOG_RESOURCE_READ, hit.provider_id)
        if not own and not hit.is_public:
            continue  # nothing of it could be opened
        name = "".join(span.text for span in hit.name)
        note, href = _same(hit.provider_name), f"/console/catalog/{hit.id}" if own else f"/datasets/{hit.id}"
        yield Found(FoundKind.RESOURCE, _same(name), note, href, hit.data_at or hit.published_at, met=True)


def _resource(resource_id: str, name: str, provider: str, at: datetime) -> Found:
    return Found(FoundKind.RESOURCE, _same(name), _same(provider), f"/console/catalog/{resource_id}", at)


def _tables(platform: Platform, actor: Actor, wanted: str) -> Iterator[Found]:
    del wanted
    for one in platform.tables.list(actor):
        note = Text(f"{one.rows:,} 行", f"{one.rows:,} rows")
        yield Found(FoundKind.TABLE, _same(one.name), note, f"/console/tables/{quote(one.name)}", one.written_at)


def _looked(part: Callable[[Wanted], Part[R]], wanted: str) -> Iterator[tuple[R, bool]]:
    """Yield what the database met, of any age, and then the newest, whose names may sound so; of each, whether it was met.

    Two questions at most, however much there is.
    """
    if wanted:
        near = Find(normalise(wanted), wanted.lower())
        met = part(Wanted(finds=finds_of(wanted), near=near, limit=MET, counted=False, total=False)).rows
        yield from ((row, True) for row in met)
    if not wanted or normalise(wanted).isascii():
        yield from ((row, False) for row in part(Wanted(limit=LOOKED_AT, counted=False, total=False)).rows)


def _requests(platform: Platform, actor: Actor, wanted: str) -> Iterator[Found]:
    part = partial(platform.exchange.request_part, actor, RequestQuery())
    for one, met in _looked(part, wanted):
        state = Text(f"{one.by_name} · {one.state.text.zh}", f"{one.by_name} · {one.state.text.en}")
        at, href = one.decided_at or one.submitted_at or one.created_at, f"/console/sharing/requests/{one.id}"
        yield Found(FoundKind.REQUEST, _same(one.resource_name), state, href, at, met)


def _grants(platform: Platform, actor: Actor, wanted: str) -> Iterator[Found]:
    for one, met in _looked(partial(platform.exchange.grant_part, actor, GrantQuery()), wanted):
        until = Text(f"至 {one.terms.until}", f"until {one.terms.until}")
        yield Found(FoundKind.GRANT, _same(one.resource_name), until, f"/console/grants/{one.id}", one.made_at, met)


def _runs(platform: Platform, actor: Actor, wanted: str) -> Iterator[Found]:
    for one, met in _looked(partial(platform.ingest.run_part, actor), wanted):
        files, at = _same("、".join(name for _, name in one.files[:3])), one.ended_at or one.submitted_at
        yield Found(FoundKind.RUN, _same(one.table), files, f"/console/runs/{one.id}", at, met)


def _sources(platform: Platform, actor: Actor, wanted: str) -> Iterator[Found]:
    del wanted
    for one in platform.sources.sources(actor):
        yield Found(FoundKind.SOURCE, _same(one.name), _same(one.kind), f"/console/sources/{one.id}", one.created_at)


def _services(platform: Platform, actor: Actor, wanted: str) -> Iterator[Found]:
    for one, met in _looked(partial(platform.offered.service_part, actor), wanted):
        href = f"/console/services/{one.id}"
        yield Found(FoundKind.SERVICE, _same(one.name), _same(one.resource_name), href, met=met)


def _libraries(platform: Platform, actor: Actor, wanted: str) -> Iterator[Found]:
    for line, met in _looked(partial(platform.fusion.library_part, actor), wanted):
        one = line.library
        yield Found(FoundKind.LIBRARY, _same(one.name), _same(one.target), f"/console/libraries/{one.id}", met=met)


def _streams(platform: Platform, actor: Actor, wanted: str) -> Iterator[Found]:
    for one, met in _looked(partial(platform.streams.stream_part, actor), wanted):
        yield Found(FoundKind.STREAM, _same(one.name), _same(one.table), f"/console/streams/{one.id}", met=met)


def _systems(platform: Platform, actor: Actor, wanted: str) -> Iterator[Found]:
    for one, met in _looked(partial(platform.inventory.system_part, actor, SystemQuery()), wanted):
        note = one.draft.state.text
        yield Found(FoundKind.SYSTEM, _same(one.draft.name), note, f"/console/systems/{one.id}", met=met)


def _contracts(platform: Platform, actor: Actor, wanted: str) -> Iterator[Found]:
    del wanted
    for one in platform.contracts.contracts(actor):
        tables = _same("、".join(binding.table for binding in one.bindings))
        yield Found(FoundKind.CONTRACT, _same(one.name), tables, f"/console/contracts/{one.id}")


def _tickets(platform: Platform, actor: Actor, wanted: str) -> Iterator[Found]:
    for one, met in _looked(partial(platform.tickets.ticket_part, actor, TicketQuery()), wanted):
        note = Text(f"{one.table} · {one.state.text.zh}", f"{one.table} · {one.state.text.en}")
        yield Found(FoundKind.TICKET, _same(one.title), note, f"/console/tickets/{one.id}", met=met)


def _demands(platform: Platform, actor: Actor, wanted: str) -> Iterator[Found]:
    for one, met in _looked(partial(platform.demands.demand_part, actor, DemandQuery()), wanted):
        yield Found(FoundKind.DEMAND, _same(one.draft.title), one.state.text, f"/console/demands/{one.id}", met=met)


def _voices(platform: Platform, actor: Actor, wanted: str) -> Iterator[Found]:
    for view, met in _looked(partial(platform.voices.voice_part, actor, VoiceQuery()), wanted):
        one = view.voice
        yield Found(FoundKind.VOICE, _same(one.title), one.state.text, f"/console/voices/{one.id}", met=met)


def _figures(platform: Platform, actor: Actor, wanted: str) -> Iterator[Found]:
    del wanted
    for one in platform.figures.in_force(actor):
        yield Found(FoundKind.FIGURE, one.name, _same(one.code), f"/console/figures/{quote(one.code, safe='')}")


def _apps(platform: Platform, actor: Actor, wanted: str) -> Iterator[Found]:
    del wanted
    for one in platform.apps.apps(actor):
        yield Found(FoundKind.APP, one.name, one.purpose, f"/console/apps/{quote(one.id, safe='')}")


def _people(platform: Platform, actor: Actor, wanted: str) -> Iterator[Found]:
    del wanted
    for one in platform.access.people(actor):
        href = f"/console/people?_find={quote(one.login)}"
        yield Found(FoundKind.PERSON, _same(one.name), _same(one.login), href, one.created_at)


_Maker = Callable[["Platform", "Actor", str], "Iterator[Found]"]
_KINDS: Final[tuple[tuple[Permission, bool, _Maker], ...]] = (
    (Permission.CATALOG_RESOURCE_READ, True, _resources),
    (Permission.TABLES_TABLE_READ_METADATA, False, _tables),
    (Permission.EXCHANGE_REQUEST_READ, True, _requests),
    (Permission.EXCHANGE_GRANT_READ, True, _grants),
    (Permission.INGEST_RUN_READ, False, _runs),
    (Permission.INGEST_SOURCE_READ, False, _sources),
    (Permission.EXCHANGE_SERVICE_READ, True, _services),
    (Permission.ACCESS_PERSON_MANAGE, False, _people),
    (Permission.ACCESS_ROLE_ASSIGN, False, _people),
)
"""What is asked of whom: the permission, whether it is asked of the function as such, and the things."""
_NAMED: Final[tuple[tuple[Permission, bool, _Maker], ...]] = (
    (Permission.FUSION_LIBRARY_READ, True, _libraries),
    (Permission.INGEST_SOURCE_READ, False, _streams),
    (Permission.CATALOG_RESOURCE_READ, False, _systems),
    (Permission.CONTRACTS_CONTRACT_READ, True, _contracts),
    (Permission.QUALITY_TICKET_READ, True, _tickets),
    (Permission.EXCHANGE_REQUEST_READ, True, _demands),
    (Permission.OPENDATA_VOICE_ANSWER, True, _voices),
    (Permission.ASSESS_FIGURE_READ, True, _figures),
    (Permission.APPS_APP_OPEN, True, _apps),
)
"""What is asked for by its name alone."""
