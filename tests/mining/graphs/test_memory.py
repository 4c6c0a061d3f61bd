"""What a graph is loaded for takes memory one at a time, a preview too."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from company import DRAFT, Company

from beijiang.mining.service.graphs.base import Loading


def test_previews_load_one_after_another_within_the_memory_of_the_shelf(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    load, lock = Loading.load, threading.Lock()
    now, most = [0], [0]

    def counted(self: Loading, *tables: Any) -> Any:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        try:
            return load(self, *tables)
        finally:
            with lock:
                now[0] -= 1

    monkeypatch.setattr(Loading, "load", counted)
    steward, graphs = company.office.codes["steward"], company.office.platform.graphs
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: graphs.try_out(steward, DRAFT), range(4)))
    assert all(one.counts == found[0].counts for one in found)
    assert most == [1]
