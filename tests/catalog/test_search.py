"""Search equals the plain truth of substrings, alike on both databases, and tells nobody more than they may know."""

from __future__ import annotations

import gc
import random
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from beijiang.catalog import (
    Entry,
    Facet,
    Item,
    MatchKind,
    OpenType,
    PickQuery,
    ResourceEdit,
    SearchPage,
    SearchQuery,
    ShareType,
    Sort,
)
from beijiang.kit import ANONYMOUS, Invalid, NotFound, bigrams, normalise

if TYPE_CHECKING:
    from beijiang.db import Database
    from conftest import Office

LETTERS = "人口库企业登记数据0a1b"


def find(office: Office, words: str, actor: object = None, **more: object) -> SearchPage:
    query = SearchQuery(text=words, **more)  # type: ignore[arg-type]
    return office.catalog.search(actor or office.reviewer, query)  # type: ignore[arg-type]


def titles(page: SearchPage) -> list[str]:
    return [hit.title for hit in page.hits]


def _registered(office: Office, name: str, **facts: object) -> str:
    entry = Entry(name=name, provider_id="environment", **facts)  # type: ignore[arg-type]
    return office.catalog.register(office.steward, entry).id


def _contains(text: str, word: str) -> bool:
    """The plain truth: the word stands in the text; a Latin word or number from its beginning."""
    start = r"(?<![0-9a-z])" if word[0].isascii() else ""
    return re.search(start + re.escape(word), normalise(text)) is not None


def _texts(seed: int, count: int) -> list[tuple[str, str, str]]:
    rng = random.Random(seed)  # noqa: S311 - the same words in every run

    def word(longest: int) -> str:
        return "".join(rng.choices(LETTERS, k=rng.randint(1, longest)))

    return [(f"{word(9)}{n}号", word(14), word(5)) for n in range(count)]


@pytest.fixture
def library(office: Office) -> tuple[Office, dict[str, tuple[str, ...]]]:
    """Eighty entries of random words, and what stands in each."""
    truth: dict[str, tuple[str, ...]] = {}
    for name, summary, field in _texts(7, 80):
        item = Item(column=field, name=field)
        entry = Entry(name=name, summary=summary, provider_id="environment", items=(item,))
        found = office.catalog.register(office.steward, entry)
        truth[found.id] = (name, summary, field, found.entry.provider_name)
    return office, truth


def test_phrase_search_equals_substring_truth(library: tuple[Office, dict[str, tuple[str, ...]]]) -> None:
    office, truth = library
    everything = [value for values in truth.values() for value in values]
    checked: list[int] = []

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def check(data: st.DataObject) -> None:
        if data.draw(st.booleans()):
            source = data.draw(st.sampled_from(everything))
            start = data.draw(st.integers(0, len(source) - 1))
            word = source[start : start + data.draw(st.integers(1, 6))]
        else:
            word = data.draw(st.text(alphabet=LETTERS, min_size=1, max_size=5))
        expected = {key for key, values in truth.items() if any(_contains(value, word) for value in values)}
        page = find(office, word, size=100)
        by_text = {hit.id for hit in page.hits if any(_contains(v, word) for v in truth[hit.id])}
        if page.kind is MatchKind.PHRASE:
            assert by_text == expected
            assert {hit.id for hit in page.hits} == expected or word.isalpha()
        else:
            assert not expected
        checked.append(len(expected))

    check()
    assert sum(1 for hits in checked if hits) > 50
    assert sum(1 for hits in checked if not hits) > 10


def test_both_databases_answer_alike(both: Callable[[], tuple[Office, Office]]) -> None:
    sqlite, postgres = both()
    ids: dict[int, list[str]] = {0: [], 1: []}
    for name, summary, field in _texts(3, 60):
        for number, office in enumerate((sqlite, postgres)):
            item = Item(column=field, name=field)
            ids[number].append(_registered(office, name, summary=summary, items=(item,)))
    rng = random.Random(1)  # noqa: S311 - the same words in every run
    kinds = set()
    for _ in range(120):
        word = "".join(rng.choices(LETTERS, k=rng.randint(1, 6)))
        if rng.random() < 0.3:
            word += " " + rng.choice(LETTERS)
        pages = [find(office, word, size=100) for office in (sqlite, postgres)]
        assert pages[0].kind is pages[1].kind
        assert titles(pages[0]) == titles(pages[1])
        assert pages[0].facets == pages[1].facets
        kinds.add(pages[0].kind)
    assert {MatchKind.PHRASE, MatchKind.LOOSE} <= kinds


def test_fields_code_meanings_pinyin_and_initials_are_searched(office: Office) -> None:
    found = office.published()
    office.publish(office.complete(office.write("医疗机构名录", columns=["机构名称", "QYMC"], types=["text", "text"])))
    for word in (
        "站点名称",
        "女性",
        "GB 未说明",
        "PM2.5",
        "ｐｍ２",
        "kongqi",
        "kqzl",
        "shengtai",
        "211001/1",
        "生态环保",
    ):
        page = find(office, word, ANONYMOUS)
        assert found.id in {hit.id for hit in page.hits}, word
    fields = find(office, "站点").hits[0].fields
    assert [(span.text, span.hit) for span in fields[0]] == [("站点", True), ("名称", False)]
    assert titles(find(office, "qymc"))[0] == "医疗机构名录"


def test_matches_are_marked(office: Office) -> None:
    office.write("内蒙古自治区空气质量")
    assert [(s.text, s.hit) for s in find(office, "空气 质量").hits[0].name] == [
        ("内蒙古自治区", False),
        ("空气质量", True),
    ]
    assert [(s.text, s.hit) for s in find(office, "zzq").hits[0].name] == [
        ("内蒙古", False),
        ("自治区", True),
        ("空气质量", False),
    ]


def test_the_search_reaches_further_only_when_nothing_is_found(office: Office) -> None:
    for name in ("企业登记信息", "企业年度报告", "人口基础信息", "森林防火瞭望点"):
        _registered(office, name)
    for word, kind, first in (
        ("企业登记", MatchKind.PHRASE, "企业登记信息"),
        ("登记企业", MatchKind.LOOSE, "企业登记信息"),
        ("企叶登记", MatchKind.SOUND, "企业登记信息"),
        ("企业登计信息", MatchKind.SOUND, "企业登记信息"),
        ("企业等级信息", MatchKind.SOUND, "企业登记信息"),
        ("人口基本信息", MatchKind.TYPO, "人口基础信息"),
        ("人口基信息", MatchKind.TYPO, "人口基础信息"),
        ("人口基础的信息", MatchKind.TYPO, "人口基础信息"),
        ("人口础基信息", MatchKind.TYPO, "人口基础信息"),
        ("森林的防火", MatchKind.TYPO, "森林防火瞭望点"),
        ("防火森林瞭望", MatchKind.LOOSE, "森林防火瞭望点"),
    ):
        page = find(office, word)
        assert (page.kind, titles(page)[:1]) == (kind, [first]), word
    assert find(office, "人口基本信息").suggestion == "人口基础信息"
    assert find(office, "完全没有的词").kind is MatchKind.NOTHING
    assert find(office, "，。！").kind is MatchKind.NOTHING
    assert find(office, "").kind is MatchKind.ALL


def test_names_come_before_everything_else(office: Office) -> None:
    _registered(office, "监测站点", summary="含空气质量")
    _registered(office, "全区空气质量小时数据")
    _registered(office, "空气质量")
    assert titles(find(office, "空气质量")) == ["空气质量", "全区空气质量小时数据", "监测站点"]


def _stock(office: Office) -> None:
    for number in range(6):
        opening = OpenType.UNCONDITIONAL if number % 2 else OpenType.NOT_OPEN
        office.published(
            f"空气监测{number}", open_type=opening, open_condition="尚在评估", update_cycle="2" if number < 4 else "4"
        )
    office.write("空气草稿")


def test_facets_count_what_the_reader_may_see(office: Office) -> None:
    _stock(office)
    page = find(office, "空气", ANONYMOUS, size=2)
    assert (page.total, len(page.hits)) == (6, 2)
    counts = {(facet, c.value): c.count for facet, values in page.facets.items() for c in values}
    assert counts[Facet.OPEN_TYPE, "unconditional_open"] == 3
    assert counts[Facet.OPEN_TYPE, "not_open"] == 3
    assert (counts[Facet.UPDATE_CYCLE, "2"], counts[Facet.UPDATE_CYCLE, "4"]) == (4, 2)
    assert counts[Facet.THEME, "211"] == counts[Facet.DEPARTMENT, "environment"] == counts[Facet.REGION, "150000"] == 6
    assert counts[Facet.FORMAT, "csv"] == 6
    assert counts[Facet.GRADE, "L4"] == 6
    labels = {c.value: c.label.zh for values in page.facets.values() for c in values}
    assert (labels["environment"], labels["211"], labels["2"]) == ("生态环境厅", "生态环保", "每日")
    english = {c.value: c.label.en for values in page.facets.values() for c in values}
    assert (english["environment"], english["2"]) == ("Department of Ecology", "Daily")
    insider = find(office, "空气", office.steward)
    assert insider.total == 7


def test_choices_narrow_but_leave_their_own_facet_open(office: Office) -> None:
    _stock(office)
    chosen = {Facet.UPDATE_CYCLE: frozenset({"4"}), Facet.OPEN_TYPE: frozenset({"not_open"})}
    page = find(office, "空气", ANONYMOUS, facets=chosen)
    assert titles(page) == ["空气监测4"]
    cycles = {c.value: (c.count, c.selected) for c in page.facets[Facet.UPDATE_CYCLE]}
    assert cycles == {"2": (2, False), "4": (1, True)}
    nothing = find(office, "空气", ANONYMOUS, facets={Facet.THEME: frozenset({"999"})})
    assert nothing.total == 0
    assert [(c.value, c.count, c.selected) for c in nothing.facets[Facet.THEME]] == [
        ("211", 6, False),
        ("999", 0, True),
    ]


@pytest.mark.threat("TM-07")
def test_a_hidden_entry_leaves_no_trace_for_strangers(office: Office) -> None:
    office.published("公开的空气数据")
    before = [
        find(office, word, actor) for word in ("秘密", "空气", "", "mimi") for actor in (ANONYMOUS, office.neighbour)
    ]
    office.write("秘密空气草稿", columns=["秘密列"], types=["text"])
    after = [
        find(office, word, actor) for word in ("秘密", "空气", "", "mimi") for actor in (ANONYMOUS, office.neighbour)
    ]
    for old, new in zip(before, after, strict=True):
        assert (old.total, old.hits, old.facets, old.kind, old.suggestion) == (
            new.total,
            new.hits,
            new.facets,
            new.kind,
            new.suggestion,
        )
    assert find(office, "秘密", office.steward).total == 1
    assert find(office, "秘密", office.reviewer).total == 1
    assert find(office, "秘密", office.security).total == 0


def test_unfinished_changes_of_a_published_entry_stay_inside(office: Office) -> None:
    found = office.published()
    office.catalog.edit(office.steward, found.id, ResourceEdit(name="改成了臭氧名录"))
    assert find(office, "臭氧", ANONYMOUS).total == 0
    assert titles(find(office, "空气质量", ANONYMOUS)) == ["空气质量小时数据"]
    assert titles(find(office, "臭氧", office.steward)) == ["改成了臭氧名录"]
    assert titles(find(office, "空气质量小时", ANONYMOUS)) == ["空气质量小时数据"]
    assert find(office, "", office.reviewer).total == find(office, "", ANONYMOUS).total == 1
    office.publish(found)
    assert titles(find(office, "臭氧", ANONYMOUS)) == ["改成了臭氧名录"]
    office.catalog.withdraw(office.publisher, found.id, "停用")
    assert find(office, "臭氧", ANONYMOUS).total == 0
    assert find(office, "臭氧", office.steward).total == 1


def test_the_index_changes_with_the_entry_or_not_at_all(office: Office) -> None:
    found = office.write("水质监测")

    def renamed_but_stopped() -> None:
        with office.db.begin() as tx:
            entry = replace(found.entry, name="土壤监测", summary="土壤")
            office.catalog._save(tx, found, replace(found, entry=entry))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        renamed_but_stopped()
    assert titles(find(office, "水质监测")) == ["水质监测"]
    assert find(office, "土壤").total == 0


def test_sorting_and_paging_cover_everything_once(office: Office) -> None:
    for number in range(9):
        office.later(1)
        office.published(f"空气监测{number}")
    newest = [
        title
        for page in (1, 2, 3)
        for title in titles(find(office, "", ANONYMOUS, page=page, size=4, sort=Sort.NEWEST))
    ]
    assert newest == [f"空气监测{n}" for n in range(8, -1, -1)]
    assert titles(find(office, "空气", ANONYMOUS, sort=Sort.NAME, size=3)) == ["空气监测0", "空气监测1", "空气监测2"]
    assert titles(find(office, "空气", ANONYMOUS, sort=Sort.UPDATED, size=1)) == ["空气监测8"]
    assert find(office, "", ANONYMOUS, page=4, size=4).hits == ()


def test_limits(office: Office) -> None:
    for query in (SearchQuery(size=0), SearchQuery(size=101), SearchQuery(page=0), SearchQuery(text="长" * 201)):
        with pytest.raises(Invalid):
            office.catalog.search(ANONYMOUS, query)
    for hostile in (
        '"',
        "a AND b OR c NOT",
        "name:x",
        "x*",
        "(((",
        "'; DROP TABLE catalog_search; --",
        "NEAR(a b)",
        "\x00人口",
    ):
        assert find(office, hostile).total == 0


def test_searches_and_changes_at_the_same_time(office: Office) -> None:
    for number in range(5):
        office.published(f"空气监测{number}")
    errors: list[Exception] = []

    def search() -> None:
        try:
            for _ in range(25):
                page = find(office, "空气", ANONYMOUS)
                assert page.total == sum(c.count for c in page.facets[Facet.DEPARTMENT]) >= 5
        except Exception as error:  # noqa: BLE001 - told below, in the main thread
            errors.append(error)

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(5, 9):
        office.published(f"空气监测{number}")
    for thread in threads:
        thread.join()
    assert not errors
    assert find(office, "空气", ANONYMOUS).total == 9


def test_a_remembered_page_is_its_readers_own_and_ends_with_the_next_change(office: Office) -> None:
    office.published("公开的空气数据")
    office.write("空气草稿", columns=["秘密列"], types=["text"])
    for _ in range(2):  # made, then remembered
        assert titles(find(office, "空气", ANONYMOUS)) == ["公开的空气数据"]
        assert titles(find(office, "空气", office.neighbour)) == ["公开的空气数据"]
        assert find(office, "空气", office.steward).total == 2
        assert find(office, "空气", ANONYMOUS, size=1, page=2).hits == ()
        assert find(office, "空气", ANONYMOUS, facets={Facet.THEME: frozenset({"999"})}).total == 0
    office.published("空气月报")
    assert sorted(titles(find(office, "空气", ANONYMOUS))) == ["公开的空气数据", "空气月报"]
    assert find(office, "空气", office.steward).total == 3


def test_what_is_set_aside_is_looked_through_no_more() -> None:
    from beijiang.catalog.search.standing import set_aside, undisturbed

    assert gc.isenabled()
    with undisturbed():
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(NotFound), undisturbed():
        raise NotFound("没有。", "There is none.")
    assert gc.isenabled()
    before = gc.get_freeze_count()
    kept = [[number] for number in range(1000)]
    try:
        set_aside()
        assert gc.get_freeze_count() >= before + len(kept)
    finally:
        gc.unfreeze()


@given(st.lists(st.integers(1, 3000), max_size=200))
def test_sets_are_read_as_they_are_written(positions: list[int]) -> None:
    from beijiang.catalog.search.bits import bits_of, bits_written, each

    assert bits_written(",".join(map(str, positions))) == bits_of(positions)
    assert list(each(bits_of(positions))) == sorted(set(positions))


@given(st.text(alphabet="空气AbＡｂ①ﬁİß 1", max_size=30))
def test_every_comparable_character_has_its_place(text: str) -> None:
    from beijiang.catalog.search.marking import folded

    plain, places = folded(text)
    assert len(plain) == len(places)
    assert "".join(normalise(text).split()) == "".join(plain.split())
    assert list(places) == sorted(places)
    assert set(places) <= set(range(len(text)))


def test_another_process_sees_changes_at_once(tmp_path: Path, office: Office) -> None:
    from beijiang.catalog import Catalog
    from beijiang.standards import Standards

    other = Catalog(office.db, office.access, office.evidence, Standards(), office.clock)
    found = office.published()
    assert other.search(ANONYMOUS, SearchQuery(text="空气")).total == 1
    office.catalog.withdraw(office.publisher, found.id, "停用")
    assert other.search(ANONYMOUS, SearchQuery(text="空气")).total == 0
    assert office.catalog.reindex(office.publisher) == 1
    assert other.search(office.steward, SearchQuery(text="空气")).total == 1


@contextmanager
def rows_taken(db: Database) -> Iterator[list[str]]:
    """Collect, for as long as this lasts, the statements by which rows of the index are taken into a process."""
    taken: list[str] = []

    def note(connection: object, cursor: object, statement: str, *more: object) -> None:
        del connection, cursor, more
        if "catalog_search.seq >" in " ".join(statement.split()):
            taken.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield taken
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def test_what_was_made_ready_is_not_made_by_who_asks(office: Office) -> None:
    from beijiang.catalog import Catalog
    from beijiang.standards import Standards

    for number in range(5):
        office.published(f"空气监测{number}")
    other = Catalog(office.db, office.access, office.evidence, Standards(), office.clock)
    with rows_taken(office.db) as taken:
        other.warm()
        assert len(taken) == 2  # the shelf of facets, and the register that programs pick by
        assert other.search(ANONYMOUS, SearchQuery(text="空气")).total == 5
        assert other.pick(ANONYMOUS, PickQuery()).total == 5
        assert len(taken) == 2
        office.published("空气监测5")
        other.warm()
        assert len(taken) == 4
        assert other.search(ANONYMOUS, SearchQuery(text="空气")).total == 6
        assert len(taken) == 4
        office.published("空气监测6")
        assert other.search(ANONYMOUS, SearchQuery(text="空气")).total == 7
        assert other.pick(ANONYMOUS, PickQuery()).total == 7


def test_however_many_ask_first_it_is_made_once(office: Office) -> None:
    from beijiang.catalog import Catalog
    from beijiang.standards import Standards

    for number in range(5):
        office.published(f"空气监测{number}")
    other = Catalog(office.db, office.access, office.evidence, Standards(), office.clock)
    totals: list[int] = []
    ready = threading.Barrier(4)

    def ask() -> None:
        ready.wait(90)
        totals.append(other.search(ANONYMOUS, SearchQuery(text="空气")).total)

    with rows_taken(office.db) as taken:
        other.warming.start()
        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        other.warming.nudge()
        for thread in threads:
            thread.join()
        other.warming.stop()
        assert totals == [5, 5, 5, 5]
        other.warm()
        assert len(taken) == 2


def test_terms_cut_text_exactly_as_the_kit_does() -> None:
    from beijiang.catalog.models.terms import Phrase, phrase, pieces, words_of

    assert words_of("  人口 库  GDP！ ，") == ("人口", "库", "gdp!")
    assert phrase("人口库").terms == tuple(bigrams("人口库"))[:-1]
    assert phrase("库") == Phrase(("库",), open_end=True)
    assert phrase("2023年企业").terms == ("2023", "年企", "企业")
    assert [p.terms[0] for p in pieces("人口库gdp")] == ["人口", "口库", "gdp"]
    assert ShareType("conditional").text.zh == "有条件共享"
