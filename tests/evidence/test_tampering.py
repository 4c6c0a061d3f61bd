"""Whatever is done to the stored log behind the platform's back is found, and its place is named."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from beijiang.db import Database
from beijiang.evidence import Evidence, ProblemKind
from beijiang.evidence.models import commitment_of, digest_of
from beijiang.kit import SystemClock

from .conftest import STEWARD, Log

COUNT = 9


def _run(log: Log, sql: str, **values: object) -> None:
    with log.db.begin() as tx:
        tx.execute(text(sql), values)


def _rows(log: Log) -> list[dict[str, object]]:
    with log.db.read() as connection:
        query = text("SELECT sequence, body, salt, commitment, digest FROM evidence_record ORDER BY sequence")
        return [dict(row._mapping) for row in connection.execute(query)]


def _edited(body: object) -> str:
    facts = json.loads(str(body))
    facts["detail"] = {"行": 999_999}
    return json.dumps(facts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def change_the_json(log: Log) -> None:
    _run(log, "UPDATE evidence_record SET body = :body WHERE sequence = 5", body=_edited(_rows(log)[4]["body"]))


def change_the_json_and_its_commitment(log: Log) -> None:
    row = _rows(log)[4]
    body = _edited(row["body"])
    new = commitment_of(str(row["salt"]), body)
    _run(log, "UPDATE evidence_record SET body = :body, commitment = :new WHERE sequence = 5", body=body, new=new)


def change_the_json_and_its_own_digests(log: Log) -> None:
    rows = _rows(log)
    body = _edited(rows[4]["body"])
    new = commitment_of(str(rows[4]["salt"]), body)
    digest = digest_of(str(rows[3]["digest"]), 5, new)
    sql = "UPDATE evidence_record SET body = :body, commitment = :new, digest = :digest WHERE sequence = 5"
    _run(log, sql, body=body, new=new, digest=digest)


def change_who_did_it_in_the_search_column(log: Log) -> None:
    _run(log, "UPDATE evidence_record SET actor_id = 'per_other' WHERE sequence = 5")


def change_the_salt(log: Log) -> None:
    _run(log, "UPDATE evidence_record SET salt = '00000000000000000000000000000000' WHERE sequence = 5")


def change_the_time_in_the_search_column(log: Log) -> None:
    _run(log, "UPDATE evidence_record SET at = (SELECT max(at) FROM evidence_record) WHERE sequence = 5")


def break_the_json(log: Log) -> None:
    _run(log, "UPDATE evidence_record SET body = 'not json' WHERE sequence = 5")


def remove_one(log: Log) -> None:
    _run(log, "DELETE FROM evidence_record WHERE sequence = 5")


def remove_the_first(log: Log) -> None:
    _run(log, "DELETE FROM evidence_record WHERE sequence = 1")


def remove_the_last(log: Log) -> None:
    _run(log, "DELETE FROM evidence_record WHERE sequence >= 8")


def remove_all(log: Log) -> None:
    _run(log, "DELETE FROM evidence_record")


_COPY = """INSERT INTO evidence_record
    (sequence, id, at, actor_id, org_id, action, target, decision, body, salt, commitment, digest)
    SELECT {to}, 'ev_forged', at, actor_id, org_id, action, target, decision, body, salt, commitment, digest
    FROM evidence_record WHERE sequence = 2"""


def insert_after_the_end(log: Log) -> None:
    _run(log, _COPY.format(to=10))


def insert_before_the_beginning(log: Log) -> None:
    _run(log, _COPY.format(to=0))


def insert_in_place_of_another(log: Log) -> None:
    _run(log, "DELETE FROM evidence_record WHERE sequence = 5")
    _run(log, _COPY.format(to=5))


def swap_two(log: Log) -> None:
    for old, new in ((4, -1), (5, 4), (-1, 5)):
        _run(log, "UPDATE evidence_record SET sequence = :new WHERE sequence = :old", old=old, new=new)


def remove_one_and_close_the_gap(log: Log) -> None:
    _run(log, "DELETE FROM evidence_record WHERE sequence = 5")
    for old in range(6, COUNT + 1):
        _run(log, "UPDATE evidence_record SET sequence = :new WHERE sequence = :old", old=old, new=old - 1)
    _run(log, "UPDATE evidence_head SET sequence = sequence - 1")


def move_the_head_back(log: Log) -> None:
    _run(log, "UPDATE evidence_head SET sequence = 7, digest = :digest", digest=_rows(log)[6]["digest"])


def forge_the_head(log: Log) -> None:
    _run(log, "UPDATE evidence_head SET digest = :digest", digest="ab" * 32)


def cut_the_tail_and_move_the_head(log: Log) -> None:
    move_the_head_back(log)
    _run(log, "DELETE FROM evidence_record WHERE sequence > 7")


def empty_everything(log: Log) -> None:
    _run(log, "DELETE FROM evidence_record")
    _run(log, "DELETE FROM evidence_head")


def rewrite_the_whole_chain(log: Log) -> None:
    """Forge record 5 and recompute every digest after it: only the head file still knows better."""
    rows = _rows(log)
    before = str(rows[3]["digest"])
    for row in rows[4:]:
        number = int(str(row["sequence"]))
        body = _edited(row["body"]) if number == 5 else str(row["body"])
        new = commitment_of(str(row["salt"]), body)
        before = digest_of(before, number, new)
        sql = "UPDATE evidence_record SET body = :body, commitment = :new, digest = :digest WHERE sequence = :n"
        _run(log, sql, body=body, new=new, digest=before, n=number)
    _run(log, "UPDATE evidence_head SET digest = :digest", digest=before)


def remove_the_head_file(log: Log) -> None:
    log.head_file.unlink()


def empty_the_head_file(log: Log) -> None:
    log.head_file.write_text("")


def cut_the_beginning_of_the_head_file(log: Log) -> None:
    log.head_file.write_text("".join(log.head_file.read_text().splitlines(keepends=True)[1:]))


def scribble_in_the_head_file(log: Log) -> None:
    with log.head_file.open("a") as file:
        file.write("nothing\n")


DRILLS: list[tuple[Callable[[Log], None], int, ProblemKind]] = [
    (change_the_json, 5, ProblemKind.CHANGED),
    (change_the_json_and_its_commitment, 5, ProblemKind.UNLINKED),
    (change_the_json_and_its_own_digests, 6, ProblemKind.UNLINKED),
    (change_who_did_it_in_the_search_column, 5, ProblemKind.CHANGED),
    (change_the_salt, 5, ProblemKind.CHANGED),
    (change_the_time_in_the_search_column, 5, ProblemKind.CHANGED),
    (break_the_json, 5, ProblemKind.CHANGED),
    (remove_one, 5, ProblemKind.REMOVED),
    (remove_the_first, 1, ProblemKind.REMOVED),
    (remove_the_last, 8, ProblemKind.TRUNCATED),
    (remove_all, 1, ProblemKind.TRUNCATED),
    (insert_after_the_end, 10, ProblemKind.INSERTED),
    (insert_before_the_beginning, 0, ProblemKind.INSERTED),
    (insert_in_place_of_another, 5, ProblemKind.UNLINKED),
    (swap_two, 4, ProblemKind.UNLINKED),
    (remove_one_and_close_the_gap, 5, ProblemKind.UNLINKED),
    (move_the_head_back, 8, ProblemKind.INSERTED),
    (forge_the_head, 9, ProblemKind.UNLINKED),
    (cut_the_tail_and_move_the_head, 9, ProblemKind.TRUNCATED),
    (empty_everything, 9, ProblemKind.TRUNCATED),
    (rewrite_the_whole_chain, 9, ProblemKind.CHANGED),
    (remove_the_head_file, 0, ProblemKind.HEAD_FILE),
    (empty_the_head_file, 0, ProblemKind.HEAD_FILE),
    (cut_the_beginning_of_the_head_file, 0, ProblemKind.HEAD_FILE),
    (scribble_in_the_head_file, 0, ProblemKind.HEAD_FILE),
]


@pytest.mark.threat("TM-17")
@pytest.mark.parametrize(("drill", "sequence", "kind"), DRILLS, ids=[drill.__name__ for drill, _, _ in DRILLS])
def test_tampering_is_found_and_its_place_named(
    log: Log, drill: Callable[[Log], None], sequence: int, kind: ProblemKind
) -> None:
    for _ in range(COUNT):
        log.clock.at = log.clock.at.replace(minute=log.clock.at.minute + 1)
        log.write(1)
    log.evidence.note_head()
    assert log.evidence.check().ok
    drill(log)
    report = log.evidence.check()
    assert (sequence, kind) in {(p.sequence, p.kind) for p in report.problems}, report.problems
    for problem in report.problems:
        assert problem.what.zh
        assert problem.what.en


def test_an_untouched_log_has_no_problems_even_while_it_is_being_written(log: Log) -> None:
    log.write(COUNT)
    log.evidence.note_head()
    log.write(COUNT)
    report = log.evidence.check()
    assert report.ok, report.problems
    assert report.records == 2 * COUNT


def test_one_damaged_place_is_reported_once_and_the_rest_is_still_checked(log: Log) -> None:
    log.write(COUNT)
    for number in (3, 7):
        _run(log, "UPDATE evidence_record SET target = 'x' WHERE sequence = :n", n=number)
    problems = log.evidence.check().problems
    assert [(p.sequence, p.kind) for p in problems] == [(3, ProblemKind.CHANGED), (7, ProblemKind.CHANGED)]


def test_the_head_file_outlives_a_restart(log: Log) -> None:
    log.write(3)
    log.evidence.close()
    again = Evidence(log.db, log.clock, log.folder)
    with log.db.begin() as tx:
        again.record(tx, STEWARD, "x", target="y")
    again.close()
    noted = [json.loads(line)["sequence"] for line in log.head_file.read_text().splitlines()]
    assert noted[0] == 0
    assert noted[-1] == 4
    assert again.check().ok


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Database, Evidence]:
    folder: Path = tmp_path_factory.mktemp("log")
    db = Database(f"sqlite:///{folder / 'metadata.db'}")
    db.create_all()
    evidence = Evidence(db, SystemClock(), folder / "evidence")
    for number in range(6):
        with db.begin() as tx:
            evidence.record(tx, STEWARD, "table.write", target=f"表{number}", detail={"n": number})
    return db, evidence


def _same_moment(old: str, new: str) -> bool:
    """Whether two texts are read as one moment: another separator, a comma before the fraction, a zone of no hours."""
    try:
        return datetime.fromisoformat(new).replace(tzinfo=None) == datetime.fromisoformat(old)
    except ValueError:
        return False


COLUMNS = ("id", "at", "actor_id", "org_id", "action", "target", "decision", "body", "salt", "commitment", "digest")


@pytest.mark.threat("TM-17")
@settings(max_examples=150, deadline=None)
@given(
    sequence=st.integers(1, 6),
    column=st.sampled_from(COLUMNS),
    place=st.integers(0, 10_000),
    replacement=st.characters(min_codepoint=33, max_codepoint=126),
)
def test_no_single_changed_character_goes_unseen(
    small: tuple[Database, Evidence], sequence: int, column: str, place: int, replacement: str
) -> None:
    db, evidence = small
    get = text(f"SELECT {column} FROM evidence_record WHERE sequence = :n")
    put = text(f"UPDATE evidence_record SET {column} = :value WHERE sequence = :n")
    with db.read() as connection:
        old = str(connection.execute(get, {"n": sequence}).scalar_one())
    at = place % len(old)
    new = old[:at] + replacement + old[at + 1 :]
    if new == old or (column == "at" and _same_moment(old, new)):
        assert evidence.check().ok
        return
    with db.begin() as tx:
        tx.execute(put, {"value": new, "n": sequence})
    try:
        assert not evidence.check().ok
    finally:
        with db.begin() as tx:
            tx.execute(put, {"value": old, "n": sequence})
    assert evidence.check().ok
