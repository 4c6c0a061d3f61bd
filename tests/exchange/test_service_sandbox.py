"""A service in the sandbox: its shape without a grant and without a call, its parameters held to what was declared."""

from __future__ import annotations

import pytest
from exchange_bureau import Bureau, People
from service_bureau import FIELDS, granted, offered
from unruly import Unruly

from beijiang.kit import Invalid, NotFound


def test_a_service_is_tried_without_a_grant_and_nobody_is_asked(bureau: Bureau, unruly: Unruly) -> None:
    service = offered(bureau, unruly)
    asked = len(unruly.seen)
    sandbox, consumer = bureau.platform.sandbox, bureau["consumer"]
    with pytest.raises(NotFound):
        bureau.platform.offered.call(consumer, service.id, {})
    found = sandbox.answer(consumer, f"service:{service.id}", {"city": "包头市"})
    assert found.columns == tuple(one["column"] for one in FIELDS)
    assert {row["盟市"] for row in found.body["rows"]} == {"包头市"}, "what was asked for is what comes"
    assert all(row["企业名称"] for row in found.body["rows"]), "a required field is never empty"
    assert {type(row["注册资本"]) for row in found.body["rows"]} <= {float, type(None)}
    assert {type(row["在营"]) for row in found.body["rows"]} <= {bool, type(None)}
    assert (found.body["receipt"], found.body["grant"]) == ("", "")
    assert [one.name for one in found.parameters] == ["city", "since", "limit"]
    assert found.parameters[0].choices[0] == "呼和浩特市"
    for given in ({"city": "北京市"}, {"other": "1"}, {"since": "yesterday"}):
        with pytest.raises(Invalid):
            sandbox.answer(consumer, f"service:{service.id}", given)
    assert len(unruly.seen) == asked, "nobody was asked"
    assert "/call" in found.curl("https://x.example")
    assert '"parameters": {"city": "包头市"}' in found.curl("https://x.example")
    compile(found.python("https://x.example"), "sample", "exec")
    assert f"service:{service.id}" in dict(sandbox.choices(consumer))


def test_its_answer_has_the_keys_of_the_real_one(bureau: Bureau, unruly: Unruly) -> None:
    service = offered(bureau, unruly)
    granted(bureau, service)
    consumer = People(bureau)["consumer"]
    real = consumer.post(f"/api/v1/exchange/services/{service.id}/call", json={"parameters": {}})
    made = consumer.post(f"/api/v1/sandbox/services/{service.id}/call", json={"parameters": {}})
    assert (real.status_code, made.status_code) == (200, 200), real.text + made.text
    assert made.headers["x-beijiang-synthetic"] == "true"
    assert set(made.json()) - {"synthetic"} == set(real.json())
    for answer in (real, made):
        assert {"name", "type", "grade", "masked", "mask"} == set(answer.json()["columns"][0])
