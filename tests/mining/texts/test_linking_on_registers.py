"""On a library filled from the real registers no link of a firm is wrong, and few are missed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from asking import Office, open_office
from filled_library import REGISTERS, filled, registered, some
from labelled import Labelled, Writer, judged
from test_linking import linked, meant

from beijiang.kit import Actor

pytestmark = pytest.mark.skipif(not REGISTERS.exists(), reason="the real registers are not beside this checkout")
FIRMS = some(registered()) if REGISTERS.exists() else []


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Office, Actor]]:
    office = open_office(tmp_path_factory.mktemp("registers"))
    yield office, filled(office.platform, FIRMS, "commerce_admin")
    office.close()


def test_on_the_real_registers_no_link_is_wrong_and_few_are_missed(library: tuple[Office, Actor]) -> None:
    right, made, wanted = _judged(*library, Writer(FIRMS, seed=11).write(140))
    assert made == right, "what was linked was linked rightly"
    assert right >= 0.9 * wanted, (right, wanted)


def _judged(office: Office, keeper: Actor, rows: Sequence[Labelled]) -> tuple[int, int, int]:
    found = linked(office, keeper, "\n".join(row.text for row in rows))
    at, sums = 0, [0, 0, 0]
    for row in rows:
        here = [one for one in found if at <= one.start < at + len(row.text) and one.chosen]
        counts = judged(row, [(one.words, meant(one)) for one in here])
        sums = [a + b for a, b in zip(sums, counts, strict=True)]
        at += len(row.text) + 1
    return sums[0], sums[1], sums[2]
