"""What the database narrows is what its reader may see: nothing of another department is shown, counted or found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from beijiang.access import PersonDraft, Role
from beijiang.build import Platform, build
from beijiang.console.listing import ONLY, Ask, Listing, Table
from beijiang.console.lists import library_table, notice_table, stream_table
from beijiang.fusion.store import LibraryStore
from beijiang.kit import ANONYMOUS, SYSTEM, Denied, Language, Unauthenticated, Wanted
from beijiang.notices import NoticeKind, NoticeQuery
from beijiang.settings import Settings

from .filled import make_libraries, make_notices, make_streams, name


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    built = build(Settings.for_tests(tmp_path_factory.mktemp("lists")))
    built.first_start()
    for login, org, role in (
        ("mine", "education", Role.STEWARD),
        ("theirs", "health", Role.STEWARD),
        ("admin", "education", Role.SYS_ADMIN),
    ):
        built.access.add_person(SYSTEM, PersonDraft(login=login, name=login, org_id=org, roles=frozenset({role})))
    yield built
    built.close()


def seen(table: Table[Any], *pairs: tuple[str, str]) -> Listing[Any]:
    return Listing.of(table, Ask(path="/", pairs=pairs, language=Language.ZH, zone=ZoneInfo("Asia/Shanghai")))


def test_streams_are_of_one_s_own_department(office: Platform) -> None:
    make_streams(office, 0, 30, "education")
    make_streams(office, 30, 50, "health")
    mine, theirs = (stream_table(office, office.access.actor_for_person(who), {}) for who in ("mine", "theirs"))
    assert seen(mine).found == 30
    assert {line.row.org_id for line in seen(mine).lines} == {"education"}
    assert {line.row.org_id for line in seen(theirs).lines} == {"health"}
    assert all(code != "health" for choice in seen(mine).choices for code, _, _ in choice.options)
    assert (
        sum(number for choice in seen(mine).choices if choice.name == "_only.kind" for *_, number in choice.options)
        == 30
    )
    for pairs in ((ONLY + "org", "health"),), (("_find", name(31)),), (("_find", "stm_health"),):
        assert seen(mine, *pairs).found == 0, pairs
        assert len(seen(mine, *pairs).file_lines()) == 1, pairs
        assert seen(theirs, *pairs).found > 0, pairs
    assert len(seen(mine, ("_page", "9")).lines) == 30
    with pytest.raises(Denied):
        office.streams.stream_part(office.access.actor_for_person("admin"), Wanted())
    with pytest.raises(Unauthenticated):
        office.streams.stream_part(ANONYMOUS, Wanted())


def test_streams_that_are_ill_can_be_asked_for(office: Platform) -> None:
    table = stream_table(office, office.access.actor_for_person("mine"), {})
    ill = seen(table, (ONLY + "state", "trouble"))
    assert ill.found == sum(n % 11 == 3 or (n % 9 == 4 and n % 3 > 0) for n in range(30))
    assert all(cell.level == "bad" for line in ill.lines for cell in line.cells if cell.words == "有问题")
    assert [row[-1] for row in seen(table, (ONLY + "state", "trouble"), ("_col", "why")).file_lines()[1:]] == [
        "连接中断"
    ] * ill.found


def test_notices_are_one_s_own(office: Platform) -> None:
    make_notices(office, 0, 40, "mine")
    make_notices(office, 0, 7, "theirs")
    mine, theirs = (office.access.actor_for_person(who) for who in ("mine", "theirs"))
    assert seen(notice_table(office, mine, NoticeQuery())).found == 40
    other = seen(notice_table(office, theirs, NoticeQuery()))
    assert (other.found, {line.row.notice.person_id for line in other.lines}) == (7, {theirs.id})
    assert sum(number for choice in other.choices if choice.name == "_only.kind" for *_, number in choice.options) == 7
    unread = seen(notice_table(office, mine, NoticeQuery(unread_only=True)))
    assert unread.found == sum(office.notices.unread(mine).values()) == 26
    tasks = seen(notice_table(office, mine, NoticeQuery(kind=NoticeKind.TASK)))
    assert {line.row.notice.kind for line in tasks.lines} == {NoticeKind.TASK}
    assert [line.key for line in seen(notice_table(office, mine, NoticeQuery())).lines] == [
        one.notice.id for one in office.notices.notices(mine, NoticeQuery(limit=100))
    ]
    with pytest.raises(Unauthenticated):
        office.notices.notice_part(ANONYMOUS, NoticeQuery(), Wanted())


def test_one_thing_of_many_notices_is_looked_up_once(office: Platform) -> None:
    who, asked = office.access.actor_for_person("mine"), list[str]()
    before = dict(office.notices.looks)

    def look(_actor: Any, thing: str) -> Any:
        asked.append(thing)
        return before["request"](_actor, thing)

    office.notices.looks = {**before, "older": look}
    found = office.notices.notice_part(who, NoticeQuery(), Wanted(limit=20))
    office.notices.looks = before
    assert sorted(asked) == sorted({one.notice.thing for one in found.rows})


def test_libraries_are_seen_by_who_may_read_them_until_they_end(office: Platform) -> None:
    make_libraries(office, 0, 20)
    mine, theirs = (library_table(office, office.access.actor_for_person(who), {}) for who in ("mine", "theirs"))
    assert seen(mine).found == seen(theirs).found == 20 == len(office.fusion.libraries(SYSTEM))
    first = next(line.row for line in seen(mine).lines if line.row.library.id == "lib_000002")
    told = office.fusion.runs(SYSTEM, "lib_000002")
    assert (first.subjects, first.records) == next((run.subjects, run.records) for run in told if run.version)
    assert first.sources == sum(link.works for link in office.fusion.links(SYSTEM, "lib_000002"))
    assert first.waiting == office.fusion.queue(SYSTEM, "lib_000002")[1] == 2
    with office.db.begin() as tx:
        store = LibraryStore(tx.connection)
        store.add(replace(first.library, revision=2, retired=True))
        assert store.filling("赤峰学校0002库") is None
        assert store.filling("赤峰学校0008库_关联") == store.get("lib_000008")
    assert seen(mine).found == 19
    assert seen(mine, ("_find", first.library.name)).found == 0
    assert office.fusion.kinds(SYSTEM) == {one.kind for one in office.fusion.libraries(SYSTEM)}
    with pytest.raises(Denied):
        office.fusion.library_part(office.access.actor_for_person("admin"), Wanted())
    with pytest.raises(Unauthenticated):
        office.fusion.kinds(ANONYMOUS)
