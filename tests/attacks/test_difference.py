"""What a visitor, or another department, is told does not change by one byte when something private comes to be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from zoneinfo import ZoneInfo

import httpx
import pytest

from .conftest import OPEN_TABLE, Caller, Region, as_csv
from .test_exits import get_paths

PRIVATES = ("密档台账", "密档台账续")
"""The second is made only where the day ended in China while the first was: what is counted by days changes then."""
ASKED = ("", "?q=密档", "?q=mdtz", "?q=密挡台账", "?size=100&sort=newest")
CHANGING = {"x-beijiang-receipt", "x-request-id", "date", "content-length"}
OWN_READS = {"/api/v1/evidence/receipts", "/console/receipts"}
"""Lists of what somebody has read: asking makes them longer."""
USE = re.compile(r"(?:/statistics(?:\.csv)?|/api/v1/portal/statistics)(?:\?.*)?")
"""Counts of use of what is public: asking makes them higher; whose they are has tests of its own (opendata/test_telling.py)."""
NOT_TOLD = re.compile(
    r'(_next=|"(?:next|receipt|ticket)":"|request_id":"|name="(?:_csrf|ticket)" value=")[A-Za-z0-9_%.=-]+|[0-9]+ ?(?:秒|分钟)前|刚刚|unknown [0-9a-f]{16}'
)
"""Marks of the next page, tickets, receipts and numbers of requests are made anew each time, and time goes by."""


def _questions(region: Region, private: str) -> Iterator[str]:
    """Ask for everything, for what is there and for what is going to be."""
    made_up = {"run_id": "run_9999999999", "job_id": "job_9999999999", "sha256": "0" * 64, "person_id": "steward"}
    fills = (
        {"name": OPEN_TABLE, "dataset_id": region.ids["open"], "resource_id": region.ids["open"]},
        {"name": private, "dataset_id": private, "resource_id": private},
    )
    for path in get_paths(region):
        for fill in fills:
            places = {**made_up, **fill, "column": "盟市", "org_id": "market"}
            shown = re.sub(r"\{(\w+)(?::\w+)?\}", lambda m, p=places: p.get(m[1], "x"), path)  # type: ignore[misc]
            if shown.endswith("/live"):
                yield f"{shown}?once=true"  # it stays open otherwise
                continue
            yield from (shown + question for question in (ASKED if shown == path else ASKED[:1]))
    yield from (f"/api/v1/datasets/{region.ids['open']}/download?format={form}" for form in ("csv", "json", "parquet"))


def _told(answer: httpx.Response) -> tuple[int, str, bytes]:
    said = sorted((k, NOT_TOLD.sub(r"\1", v)) for k, v in answer.headers.items() if k not in CHANGING)
    written = answer.headers.get("content-type", "").startswith(("text/", "application/json", "application/xml"))
    return answer.status_code, repr(said), NOT_TOLD.sub(r"\1", answer.text).encode() if written else answer.content


def _answers(caller: Caller, questions: list[str]) -> dict[str, tuple[int, str, bytes]]:
    return {question: _told(caller.look(question)) for question in questions}


def _today() -> date:
    return datetime.now(ZoneInfo("Asia/Shanghai")).date()


@pytest.mark.timeout(900)  # it asks at every address there is, twice
@pytest.mark.threat("TM-07")
def test_a_private_object_changes_no_answer_to_an_outsider(region: Region) -> None:
    """A new table, its draft in the catalog, its quarantine, its runs and jobs: all of it is there, and unseen."""
    for private in PRIVATES:
        day = _today()
        changed, seen = _changed_by(region, private)
        if _today() == day:
            break
    assert not any(changed.values()), {who: some[:10] for who, some in changed.items()}
    assert seen > 5, "nothing changed for its owner either"


def _changed_by(region: Region, private: str) -> tuple[dict[str, list[str]], int]:
    """Make a private table; return whose answers to what changed, and how many of its owner's did."""
    questions = sorted(
        one for one in {*_questions(region, private)} - {"/health", *OWN_READS} if not USE.fullmatch(one)
    )
    plain = [question for question in questions if "?" not in question]
    outsiders = {"visitor": questions, "neighbour": plain, "analyst": plain}
    before = {who: _answers(region[who], asked) for who, asked in outsiders.items()}
    control = _answers(region["steward"], plain)

    rows = [[f"密档{i}", "1" if i % 10 else "不是数"] for i in range(60)]
    region.take_in(private, "密档.csv", as_csv(("密档名", "密档量"), rows), checks=["密档量=regex:[0-9]+"])

    assert len(questions) > 150
    after = {who: _answers(region[who], asked) for who, asked in outsiders.items()}
    changed = {who: [one for one in asked if after[who][one] != before[who][one]] for who, asked in outsiders.items()}
    seen = _answers(region["steward"], plain)
    return changed, sum(seen[question] != control[question] for question in plain)
