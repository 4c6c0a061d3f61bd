"""Chains and circles over a million enterprises and three million holdings, beside bare rustworkx for the same question.

Processor time of all threads: what a clock shows on a machine that does nothing else, or more.

``PYTHONPATH=src python benchmarks/bench_graphs.py [enterprises] [holdings]``
"""

from __future__ import annotations

import gc
import resource
import sys
import time
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import rustworkx

from beijiang.mining.models.control import rule_at
from beijiang.mining.models.graphs import Relation
from beijiang.mining.models.network.arrays import ALWAYS, NEVER, Clockwork, Network
from beijiang.mining.models.network.circles import circles, members
from beijiang.mining.models.network.control import controller
from beijiang.mining.models.network.shares import region, shares
from beijiang.mining.models.network.walking import communities, shortest

TODAY = 20_000
RULE = rule_at(date(2026, 11, 1))
ASKED = 60


def made(firms: int, holds: int) -> tuple[pa.Table, pa.Table]:
    """Return two registers: chains that mostly lead to older enterprises, one in two thousand on a planted circle of three."""
    rng = np.random.default_rng(7)
    held = rng.integers(1, firms, holds)
    by_firm = rng.random(holds) < 0.35
    older = (held * rng.random(holds) ** 0.5).astype(np.int64)
    rings = holds // 6000
    base = rng.integers(1, firms - 3, rings)
    held[: 3 * rings] = np.concatenate((base, base + 1, base + 2))
    older[: 3 * rings] = np.concatenate((base + 1, base + 2, base))
    by_firm[: 3 * rings] = True
    person = (rng.random(holds) ** 2 * firms * 1.5).astype(np.int64)
    share = rng.random(holds) * 60 / max(1.0, holds / firms)
    code = np.char.add("91150102", np.char.zfill(np.arange(firms).astype(str), 10))
    number = np.char.add("150102", np.char.zfill(person.astype(str), 12))
    register = pa.table({"code": code, "name": np.char.add("内蒙古企业", np.arange(firms).astype(str))})
    holder = pa.array(code[older], mask=~by_firm)
    return register, pa.table(
        {"held": code[held], "firm": holder, "person": pa.array(number, mask=by_firm), "share": share}
    )


def network(register: pa.Table, holdings: pa.Table) -> Network:
    """Assemble through the very code that a reader's rows go through, without the gate before it."""
    from beijiang.mining.service.graphs.loading import Loading
    from beijiang.mining.service.graphs.reading import fractions, keys_of

    count = holdings.num_rows
    firm, person = keys_of(holdings["firm"]), keys_of(holdings["person"])
    people = pa.compute.binary_join_element_wise(pa.scalar("\x01"), person, pa.scalar(""))
    nobody = pa.nulls(register.num_rows, pa.string())
    firms = {"key": keys_of(register["code"]), "name": register["name"].combine_chunks()}
    firms |= {"representative": nobody, "representative_key": None, "address": None, "phone": None}
    holds: dict[str, Any] = {
        "holder": pa.compute.coalesce(firm, people),
        "holder_name": pa.nulls(count, pa.string()),
        "held": keys_of(holdings["held"]),
        "held_name": pa.nulls(count, pa.string()),
        "share": fractions(holdings["share"]),
        "since": np.full(count, ALWAYS, dtype=np.int32),
        "until": np.full(count, NEVER, dtype=np.int32),
    }
    return Loading(None, 1 << 40, 600, b"")._network(firms, holds)  # type: ignore[arg-type]  # noqa: SLF001


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    gc.collect()
    began = time.process_time()
    found = work()
    return found, time.process_time() - began


def spread(net: Network, firms: int, work: Callable[[int], Any]) -> tuple[float, float]:
    """Return the median and the longest of many questions, in milliseconds."""
    rng = np.random.default_rng(11)
    nodes = rng.integers(0, firms, ASKED)
    degree = np.bincount(net.tail, minlength=net.count)
    nodes[:20] = np.argsort(-degree)[:20]
    took = [timed(lambda node=int(node): work(node))[1] * 1000 for node in nodes]  # type: ignore[misc]
    return float(np.median(took)), max(took)


def memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(firms: int = 1_000_000, holds: int = 3_000_000) -> None:
    clock = Clockwork(3600)
    register, holdings = made(firms, holds)
    before = memory()
    net, load = timed(lambda: network(register, holdings))
    print(f"{firms:,} enterprises, {holds:,} holdings: {net.count:,} nodes, {len(net.tail):,} edges")
    print(
        f"load from rows               {load:8.2f} s    in memory {net.size / 1e6:,.0f} MB (peak + {memory() - before:,.0f} MB)"
    )

    def up(node: int) -> Any:
        return shares(region(net, node, TODAY, up=True, most=200_000, clock=clock), clock)

    def down(node: int) -> Any:
        return shares(region(net, node, TODAY, up=False, most=200_000, clock=clock), clock)

    def ruled(node: int) -> Any:
        return controller(region(net, node, TODAY, up=True, most=200_000, clock=clock), net.kinds, RULE, clock)

    def path(node: int) -> Any:
        return shortest(net, node, firms // 2, TODAY, by=(Relation.HOLDING,), most=12, clock=clock)

    for name, work in (
        ("chain upward", up),
        ("chain downward", down),
        ("real controller", ruled),
        ("shortest chain", path),
    ):
        median, longest = spread(net, firms, work)
        print(
            f"{name:28} median {median:7.2f} ms, longest of {ASKED} {longest:7.1f} ms    bar 200 ms: {longest / 200:.2f}"
        )
    found, ours = timed(lambda: members(circles(net.count, net.tail, net.head)))
    print(
        f"circles of the whole graph   {ours:8.2f} s    {len(found):,} circles, largest {max(map(len, found), default=0):,}    bar 30 s: {ours / 30:.3f}"
    )
    labels, took = timed(lambda: communities(net, TODAY, seed=1, clock=clock))
    print(f"communities                  {took:8.2f} s    {int(labels.max()) + 1:,}")
    before = memory()

    def bare() -> rustworkx.PyDiGraph[None, None]:
        graph: rustworkx.PyDiGraph[None, None] = rustworkx.PyDiGraph()
        graph.add_nodes_from([None] * net.count)
        graph.add_edges_from_no_data(list(zip(net.tail.tolist(), net.head.tolist(), strict=True)))
        return graph

    graph, built = timed(bare)
    parts, theirs = timed(lambda: [one for one in rustworkx.strongly_connected_components(graph) if len(one) > 1])
    print(
        f"bare rustworkx: build        {built:8.2f} s    peak + {memory() - before:,.0f} MB, without names, shares, days"
    )
    print(
        f"bare rustworkx: circles      {theirs:8.2f} s    {len(parts):,} circles    ratio ours / bare {ours / theirs:.2f}, with build {ours / (built + theirs):.2f}"
    )
    median, longest = spread(net, firms, lambda node: rustworkx.ancestors(graph, node))
    print(f"bare rustworkx: ancestors    median {median:7.2f} ms, longest {longest:7.1f} ms    (no shares)")


if __name__ == "__main__":
    main(*(int(one) for one in sys.argv[1:]))
