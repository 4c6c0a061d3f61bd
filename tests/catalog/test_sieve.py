"""What a sieve says of an entry at hand is what the index says of it."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING

from beijiang.catalog import (
    AllOf,
    AnyOf,
    Between,
    Everything,
    Facet,
    Has,
    Mark,
    Moment,
    Named,
    OpenType,
    PickQuery,
    Spoken,
    Unlike,
    Wanted,
)
from beijiang.kit import ANONYMOUS

if TYPE_CHECKING:
    from conftest import Office
NAMES = ("空气质量监测", "空气监测站点", "质量监督", "GDP 2024 growth", "水库水位", "草原 grass index")
WORDS = (
    "空气",
    "空气质量",
    "监测站",
    "质量",
    "gd",
    "GDP",
    "2024",
    "grass",
    "水",
    "水库水",
    "气监",
    "草原 index",
    "，。",
    "站点空气",
)


def conditions(ids: list[str], seed: int) -> list[Wanted]:
    """Return every plain condition on the words and facets, and random joints of them."""
    chance = random.Random(seed)  # noqa: S311 - repeatable
    plain: list[Wanted] = [Everything(), Named(frozenset(ids[:2])), Named(frozenset({f"{ids[0][:6]}*"}))]
    plain += [
        Spoken(word, in_name=named, together=together) for word in WORDS for named in (0, 1) for together in (0, 1)
    ]
    for facet, values in (
        (Facet.UPDATE_CYCLE, {"2"}),
        (Facet.UPDATE_CYCLE, {"?"}),
        (Facet.DEPARTMENT, {"envir*"}),
        (Facet.REGION, {"x"}),
    ):
        plain.append(Has(facet, frozenset(values)))
    plain += [Has(Mark.TAG, frozenset({"空气"})), Has(Facet.OPEN_TYPE, frozenset({"not_open", "unconditional_open"}))]
    for _ in range(300):
        one, other = chance.choice(plain), chance.choice(plain)
        plain.append(chance.choice((AllOf((one, other)), AnyOf((one, other)), Unlike(one))))
    return plain


def test_a_sieve_and_the_index_agree_on_every_condition(office: Office) -> None:
    for number, name in enumerate(NAMES):
        opening = OpenType.UNCONDITIONAL if number % 2 else OpenType.NOT_OPEN
        office.published(name, open_type=opening, open_condition="尚在评估", update_cycle="2" if number < 4 else "4")
    office.write("空气草稿")
    catalog = office.catalog
    shown = catalog.pick(ANONYMOUS, PickQuery(size=100)).entries
    ids = sorted(one.id for one in shown)
    sieve = catalog.sift(ANONYMOUS, [*ids, "made-up"])
    assert sieve.ids == {*ids}
    assert len(ids) == len(NAMES)
    found = 0
    for wanted in conditions(ids, 7):
        picked = {*catalog.pick(ANONYMOUS, PickQuery(wanted=wanted, size=100, bare=True)).ids}
        assert sieve.meets(wanted) == picked, wanted
        found += bool(picked)
    assert found > 100
    for one in shown:
        assert one.created_at is not None
        for moment, at in ((Moment.CREATED, one.created_at), (Moment.MODIFIED, one.modified_at)):
            assert at is not None
            for span in (
                Between(moment, low=at),
                Between(moment, low=at, low_open=True),
                Between(moment, high=at),
                Between(moment, high=at, high_open=True),
                Between(moment, at - timedelta(1), at + timedelta(1)),
            ):
                assert sieve.meets(span) == {*catalog.pick(ANONYMOUS, PickQuery(wanted=span, size=100, bare=True)).ids}


def test_what_is_not_published_is_in_no_sieve(office: Office) -> None:
    hidden = office.write("空气草稿")
    gone = office.published("空气撤回")
    assert office.catalog.sift(ANONYMOUS, [gone.id]).ids == {gone.id}
    office.catalog.withdraw(office.publisher, gone.id, "有误")
    assert office.catalog.sift(ANONYMOUS, [hidden.id, gone.id]).ids == frozenset()
