"""Documents through their doors: kept, graded, seen by their department; keywords, likes, classes, names."""

from __future__ import annotations

import io
import json
import random
import zipfile
from typing import Any

import pytest
from asking import Office
from typer.testing import CliRunner

from beijiang import terminal
from beijiang.evidence import EvidenceQuery
from beijiang.kit import BeijiangError, Conflict, Invalid, NotFound, Refused, TooLarge
from beijiang.mining import Document, DocumentDraft
from beijiang.mining.commands import texts_commands
from beijiang.mining.models.texts.documents import Sentence
from beijiang.mining.models.texts.likeness import COMPARED_MOST, passages

WATER = ("水库", "灌溉", "防汛", "河道", "水质", "节水", "堤坝", "水位", "蓄水", "泄洪")
SCHOOL = ("学校", "教师", "招生", "课程", "学籍", "教材", "幼儿园", "考试", "校舍", "家长")
FRAME = ("本年度要抓好{}和{}，重点检查{}。", "各地反映{}与{}之间缺少衔接，需要完善{}。", "围绕{}建立台账，{}每月通报，{}纳入考核。", "对{}存在的短板逐项整改，{}要按期验收，{}定期公开。")  # fmt: skip


def story(words: tuple[str, ...], seed: int, sentences: int = 12) -> str:
    """Write a document about something, in sentences of our own."""
    pick = random.Random(seed)  # noqa: S311 - no secret is made
    return "\n".join(pick.choice(FRAME).format(*pick.sample(words, 3)) for _ in range(sentences))


def docx(paragraphs: list[str], extra: str = "") -> bytes:
    body = "".join(f"<w:p><w:r><w:t>{one}</w:t></w:r></w:p>" for one in paragraphs)
    xml = f'<?xml version="1.0"?>{extra}<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>{body}</w:body></w:document>'
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", xml)
    return packed.getvalue()


def keep(office: Office, login: str, text: str | bytes, name: str, **words: Any) -> Document:
    content = text if isinstance(text, bytes) else text.encode()
    who = office[login]
    return office.platform.texts.add(who, who.org_id or "", DocumentDraft(name=name, **words), io.BytesIO(content))


def test_a_document_is_kept_unchanged_graded_and_seen_by_its_department_alone(office: Office) -> None:
    texts = office.platform.texts
    raw = "全区防汛会议纪要。水库水位每日报送。".encode("gb18030")
    made = keep(office, "steward", raw, "纪要.txt", title="防汛纪要")
    assert (made.grade, made.sentences, made.label) == ("L2", 2, "")
    assert office.platform.texts.landing.path(made.sha256).read_bytes() == raw
    assert texts.text(office["colleague"], made.id) == "全区防汛会议纪要。水库水位每日报送。"
    for login in ("first", "reviewer"):
        with pytest.raises(NotFound) as hidden:
            texts.text(office[login], made.id)
        with pytest.raises(NotFound) as absent:
            texts.text(office[login], "txt_made_up")
        assert str(hidden.value) == str(absent.value)
        assert made.id not in {one.id for one in texts.documents(office[login])}
    with pytest.raises(Conflict, match="same document"):
        keep(office, "steward", raw, "又一份.txt")
    with pytest.raises(BeijiangError) as refused:
        keep(office, "colleague", "分析员不收存文档。", "甲.txt")
    assert refused.value.status == 403
    texts.remove(office["steward"], made.id)
    with pytest.raises(NotFound):
        texts.document(office["steward"], made.id)


def test_personal_numbers_lift_a_document_to_l3_and_reading_it_is_on_record(office: Office) -> None:
    made = keep(office, "steward", "联系人电话13812345678，请尽快回复。", "来电.md", grade="L1")
    assert made.grade == "L3"
    assert office.platform.texts.text(office["steward"], made.id).startswith("联系人")
    with pytest.raises(NotFound):
        office.platform.texts.text(office["colleague"], made.id)
    office.platform.evidence.flush()
    found = office.platform.evidence.page(EvidenceQuery(action="mining.text_read")).records
    assert [one.target for one in found] == [made.id]
    with pytest.raises(Refused):
        keep(office, "steward", "密级很高的内容。", "密.txt", grade="L4")


def test_word_documents_are_read_and_bombs_and_entities_are_refused(office: Office) -> None:
    made = keep(office, "steward", docx(["第一段说明来意。", "第二段列出安排。"]), "方案.docx")
    assert office.platform.texts.text(office["steward"], made.id) == "第一段说明来意。\n第二段列出安排。"
    entities = '<!DOCTYPE x [<!ENTITY a "哈">]>'
    with pytest.raises(Invalid) as unsafe:
        keep(office, "steward", docx(["&a;"], f"<!--{'x' * 9000}-->{entities}"), "实体.docx")
    assert unsafe.value.reason == "unsafe_document"
    with pytest.raises(TooLarge):
        keep(office, "steward", docx(["啊" * 90_000_000]), "炸弹.docx")
    for name, content, code in (
        ("坏.docx", b"PK\x03\x04broken", "broken_file"),
        ("图.pdf", b"%PDF-1.7", "document_form"),
        ("图.txt", b"\x89PNG\r\n\x1a\n" + bytes(200), "binary_file"),
        ("空.txt", b"", "empty_file"),
        ("标点.txt", "。。。！！".encode(), "document_empty"),
    ):
        with pytest.raises(Invalid) as wrong:
            keep(office, "steward", content, name)
        assert wrong.value.reason == code, name


def test_keywords_are_what_this_document_says_and_others_do_not(office: Office) -> None:
    everywhere = "台账要按月通报。"
    for seed in range(4):
        keep(office, "first_keeper", everywhere + story(SCHOOL, seed), f"校{seed}.txt")
    made = keep(office, "first_keeper", everywhere + story(WATER, 1, 30), "水.txt")
    who = office["first_keeper"]
    found = office.platform.texts.keywords(who, made.id)
    assert found.corpus >= 4
    top = [one.word for one in found.words[:8]]
    assert len(set(top) & set(WATER)) >= 6, top
    assert all(a.weight >= b.weight for a, b in zip(found.words, found.words[1:], strict=False))
    ranked = office.platform.texts.keywords(who, made.id, "textrank")
    assert len({one.word for one in ranked.words[:8]} & set(WATER)) >= 3
    text = office.platform.texts.text(who, made.id)
    assert found.sentences
    assert all(text[s.start : s.end] == s.text for s, _ in found.sentences)


def test_near_duplicates_are_found_and_shown_passage_beside_passage(office: Office) -> None:
    first = story(WATER, 77, 30)
    lines = first.split("\n")
    lines[3], lines[9] = "这一句是另写的，和原文毫无关系。", "这一段也换成了别的话。"
    one, other = (
        keep(office, "first_keeper", first, "原稿.txt"),
        keep(office, "first_keeper", "\n".join(lines), "改稿.txt"),
    )
    far = keep(office, "first_keeper", story(SCHOOL, 99, 30), "无关.txt")
    who = office["first_keeper"]
    found = {a.document.id: a for a in office.platform.texts.alike(who, one.id)}
    assert other.id in found
    assert far.id not in found
    assert 0.6 < found[other.id].share < 1
    passages, grade = office.platform.texts.compare(who, one.id, other.id)
    assert grade == "L2"
    assert [p.there is not None for p in passages].count(True) >= 26
    assert all(p.there.text == p.here.text for p in passages if p.share == 1 and p.there is not None)


def test_classes_are_learned_judged_on_what_was_kept_out_and_say_which_words_decided(office: Office) -> None:
    texts, who = office.platform.texts, office["steward"]
    with pytest.raises(Conflict) as few:
        texts.classes(who)
    assert few.value.reason == "too_few_labels"
    for seed in range(8):
        keep(office, "steward", story(WATER, 200 + seed), f"水{seed}.txt", label="水利")
        keep(office, "steward", story(SCHOOL, 300 + seed), f"学{seed}.txt", label="教育")
    new = keep(office, "steward", story(WATER, 999), "未标注.txt")
    found = texts.classes(who, new.id)
    assert found.learned_from == 16
    assert {s.label for s in found.scores} == {"水利", "教育"}
    assert found.accuracy > found.baseline
    guess = found.guesses[0]
    assert guess.label == "水利"
    assert guess.probability > 0.6
    assert {word for word, _ in guess.words} & set(WATER)
    assert texts.classes(who, new.id) == found, "the same labels teach the same"
    texts.label(who, new.id, "水利")
    assert texts.document(who, new.id).label == "水利"
    assert texts.classes(who).digest != found.digest


def test_names_are_linked_with_the_doubt(office: Office) -> None:
    text = "包头市东河区和赤峰市开展试点。教育厅牵头，市场监督管理局配合。新城区另行安排。"
    made = keep(office, "steward", text, "名称.txt")
    found, _ = office.platform.texts.mentions(office["steward"], made.id)
    named = {one.words: one for one in found}
    assert named["包头市"].chosen == "150200"
    assert named["教育厅"].chosen == "education"
    doubtful = named["市场监督管理局"]
    assert {c.id for c in doubtful.choices} >= {"commerce_admin", "quality", "food_drug"}
    assert doubtful.chosen == ""
    assert "人工" in doubtful.why.zh
    assert all(text[one.start : one.start + len(one.words)] == one.words for one in found)


def test_the_api_and_the_terminal_say_the_same(office: Office) -> None:
    client = office.browser_json("steward")
    made = client.post("/api/v1/texts", params={"name": "接口.txt", "label": "水利"}, content=story(WATER, 5).encode())
    assert made.status_code == 201, made.text
    document = made.json()["id"]
    assert client.get(f"/api/v1/texts/{document}").json()["text"] == story(WATER, 5)
    words = client.get(f"/api/v1/texts/{document}/keywords").json()["keywords"]
    app = texts_commands(lambda: office.platform.texts, lambda: office.platform.access)
    terminal.set_style(as_json=True, language=terminal.language())
    answer = CliRunner().invoke(app, ["keywords", document, "--as", "steward"])
    assert answer.exit_code == 0, answer.output
    told = json.loads(answer.output.splitlines()[0])
    assert [one["word"] for one in told] == [one["word"] for one in words]
    assert client.put(f"/api/v1/texts/{document}/label", json={"label": "其他"}).json()["label"] == "其他"
    for name in ("alike", "mentions", "tasks", "keywords?way=textrank"):
        assert client.get(f"/api/v1/texts/{document}/{name}").status_code == 200, name
    assert client.delete(f"/api/v1/texts/{document}").status_code == 204
    assert client.get(f"/api/v1/texts/{document}").status_code == 404


def test_tables_in_tables_are_read_once_however_deep(office: Office) -> None:
    def nested(depth: int) -> str:
        open_, close = "<w:tbl><w:tr><w:tc>", "</w:tc></w:tr></w:tbl>"
        return open_ * depth + "<w:p><w:r><w:t>防汛预案。</w:t></w:r></w:p>" + close * depth

    row = "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>单位</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>任务</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
    inside = f"</w:t></w:r></w:p>{row}{nested(800)}<w:p><w:r><w:t>结尾。"
    made = keep(office, "steward", docx(["开头。" + inside]), "深.docx")
    text = office.platform.texts.text(office["colleague"], made.id)
    assert text.split("\n") == ["开头。", "单位\t任务", "防汛预案。", "结尾。"]


def test_words_that_stand_everywhere_make_no_passage_and_long_documents_are_cut() -> None:
    same = [
        (Sentence(place=n, paragraph=0, start=n, end=n + 1, text="甲"), ("甲",)) for n in range(COMPARED_MOST + 500)
    ]
    found = passages(same, same)
    assert len(found) == COMPARED_MOST
    assert all(one.there is None for one in found)
