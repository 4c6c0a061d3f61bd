"""Names of firms in documents are linked to the library of legal entities: rightly or not at all, as the reader sees the library."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

import pytest
from asking import Office, open_office
from filled_library import filled

from beijiang.kit import Actor
from beijiang.mining import DocumentDraft, Mention

FIRMS = (
    ("包头市鹿鸣贸易有限责任公司", "911502037566671801"),
    ("赤峰市鹿鸣贸易有限公司", "911504027566671802"),
    ("内蒙古金沙滩化工有限责任公司", "911501027566671803"),
    ("乌海市龙源建材厂", "911503027566671804"),
)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Office, Actor]]:
    office = open_office(tmp_path_factory.mktemp("linking"))
    yield office, filled(office.platform, FIRMS, "commerce_admin")
    office.close()


def linked(office: Office, reader: Actor, text: str, org: str = "bigdata") -> Sequence[Mention]:
    """Return what may be firms in a text."""
    made = office.platform.texts.add(reader, org, DocumentDraft(name="文.txt"), io.BytesIO(text.encode()))
    found, _ = office.platform.texts.mentions(reader, made.id)
    assert all(text[one.start : one.start + len(one.words)] == one.words for one in found)
    return [one for one in found if one.choices[0].kind.value == "company"]


def meant(one: Mention) -> str:
    """Return the code of the firm that is meant, empty where nobody decided."""
    return next((choice.note[:18] for choice in one.choices if choice.id == one.chosen), "")


@pytest.mark.parametrize(
    ("text", "words", "code"),
    [
        ("委托金沙滩化工公司处理。", "金沙滩化工公司", "911501027566671803"),
        ("由金沙滩化工处理。", "金沙滩化工", "911501027566671803"),
        ("检查了乌海龙源建材厂。", "乌海龙源建材厂", "911503027566671804"),
        ("约谈包头鹿鸣贸易公司。", "包头鹿鸣贸易公司", "911502037566671801"),
        ("约谈赤峰市鹿鸣贸易。", "赤峰市鹿鸣贸易", "911504027566671802"),
        ("约谈鹿鸣贸易公司。", "鹿鸣贸易公司", ""),
        ("约谈通辽市鹿鸣贸易公司。", "通辽市鹿鸣贸易公司", ""),
        ("检查了新金沙滩化工公司。", "金沙滩化工公司", ""),
        ("检查金沙滩化工公司东胜加油站。", "金沙滩化工公司", ""),
    ],
)
def test_a_short_name_is_linked_where_something_tells(
    small: tuple[Office, Actor], text: str, words: str, code: str
) -> None:
    office, keeper = small
    (one,) = linked(office, keeper, text)
    assert (one.words, meant(one)) == (words, code), one.why
    assert one.choices, "what is not decided is offered"
    assert all(choice.page.startswith("/console/libraries/") for choice in one.choices)
    assert bool(code) or "人工" in one.why.zh


def test_a_short_name_after_the_full_one_means_that_one(small: tuple[Office, Actor]) -> None:
    office, keeper = small
    found = linked(office, keeper, "包头市鹿鸣贸易有限责任公司提出申请。经查，鹿鸣贸易公司具备条件。")
    assert [(one.words, meant(one)) for one in found] == [
        ("包头市鹿鸣贸易有限责任公司", "911502037566671801"),
        ("鹿鸣贸易公司", "911502037566671801"),
    ]


def test_who_does_not_see_the_library_gets_no_link(small: tuple[Office, Actor]) -> None:
    office, _ = small
    assert linked(office, office["steward"], "委托内蒙古金沙滩化工有限责任公司处理。", "education") == []


def test_the_page_shows_links_and_leaves_the_doubtful_to_a_person(small: tuple[Office, Actor]) -> None:
    office, keeper = small
    text = "页面：由金沙滩化工处理，约谈鹿鸣贸易公司。"
    made = office.platform.texts.add(keeper, "bigdata", DocumentDraft(name="页.txt"), io.BytesIO(text.encode()))
    page = office.browser("librarian").get(f"/console/texts/{made.id}?tab=mentions").text
    assert page.count('<a href="/console/libraries/') == 3
    assert "简称相同的有 2 个" in page
    assert page.count("<b><a") == 1, "the one that is meant stands out"
