"""Effective shares, circles, control and chains: by hand, and against oracles that work another way."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
import rustworkx
from hypothesis import given, settings
from hypothesis import strategies as st

from beijiang.kit import Invalid, Unavailable
from beijiang.mining.models.control import control_rules, rule_at
from beijiang.mining.models.graphs import ControlState, Relation
from beijiang.mining.models.network.arrays import ALWAYS, NEVER, Clockwork, Edges, Network
from beijiang.mining.models.network.circles import _core, circles, members
from beijiang.mining.models.network.control import controlled_by, controller
from beijiang.mining.models.network.shares import DENSE, region, shares
from beijiang.mining.models.network.walking import communities, shortest

Holding = tuple[int, int, int]
"""Holder, enterprise, per cent."""
TODAY = 20_000
NOW = rule_at(date(2026, 11, 1))
BEFORE = rule_at(date(2020, 1, 1))


def clock() -> Clockwork:
    return Clockwork(60)


def network(count: int, holds: Sequence[Sequence[float]], people: Sequence[int] = ()) -> Network:
    columns = list(zip(*holds, strict=True)) or [(), (), ()]
    names = pa.array([str(one) for one in range(count)])
    kinds = np.zeros(count, dtype=np.uint8)
    kinds[list(people)] = 2
    size = len(holds)
    edges = Edges(
        np.array(columns[0], dtype=np.int32),
        np.array(columns[1], dtype=np.int32),
        np.zeros(size, dtype=np.uint8),
        np.array(columns[2], dtype=float) / 100,
        np.full(size, ALWAYS, dtype=np.int32),
        np.full(size, NEVER, dtype=np.int32),
    )
    return Network(names, names, kinds, edges)


def effective(net: Network, node: int, *, up: bool) -> dict[int, float]:
    found = region(net, node, TODAY, up=up, most=10_000, clock=clock())
    return dict(zip(found.nodes.tolist(), shares(found, clock()).values.tolist(), strict=True))


def by_walks(count: int, holds: Sequence[Holding], holder: int, target: int) -> Fraction:
    """Sum all walks from holder to target that never come back to the holder, solved exactly."""
    inner = [(tail, head, share) for tail, head, share in holds if head != holder]
    matrix = [[Fraction(int(i == j)) for j in range(count)] + [Fraction(0)] for i in range(count)]
    for tail, head, share in inner:
        matrix[tail][head] -= Fraction(share, 100)
    for node in range(count):
        matrix[node][count] = Fraction(int(node == target))
    return _solved(matrix)[holder]


def _solved(matrix: list[list[Fraction]]) -> list[Fraction]:
    rows, count = [list(row) for row in matrix], len(matrix)
    for at in range(count):
        pivot = next((row for row in range(at, count) if rows[row][at]), None)
        if pivot is None:
            return []
        rows[at], rows[pivot] = rows[pivot], rows[at]
        rows[at] = [value / rows[at][at] for value in rows[at]]
        for row in range(count):
            if row != at and rows[row][at]:
                rows[row] = [a - rows[row][at] * b for a, b in zip(rows[row], rows[at], strict=True)]
    return [row[count] for row in rows]


def test_products_along_paths_are_summed_over_paths() -> None:
    # 4 -60-> 3 -60-> 2 -40-> 1 -40-> 0, and beside it 4 -10-> 2, 3 -20-> 1, 4 -11-> 0.
    net = network(5, [(4, 3, 60), (3, 2, 60), (4, 2, 10), (2, 1, 40), (3, 1, 20), (1, 0, 40), (4, 0, 11)])
    up = effective(net, 0, up=True)
    by_hand = {1: 0.4, 2: 0.16, 3: 0.4 * (0.2 + 0.6 * 0.4), 4: 0.11 + 0.16 * 0.1 + 0.6 * 0.176}
    assert {node: share for node, share in up.items() if node} == pytest.approx(by_hand, abs=1e-14)
    down = effective(net, 4, up=False)
    assert down[0] == pytest.approx(by_hand[4], abs=1e-14)
    assert down[1] == pytest.approx(0.46 * 0.4 + 0.12, abs=1e-14)


def test_cross_holdings_are_a_linear_system_and_owners_together_have_the_whole() -> None:
    # Two enterprises hold half of each other, person 2 the other halves.
    net = network(3, [(0, 1, 50), (1, 0, 50), (2, 0, 50), (2, 1, 50)], people=[2])
    up = effective(net, 0, up=True)
    assert up[2] == pytest.approx(1.0, abs=1e-14)
    assert up[1] == pytest.approx(0.5, abs=1e-14), "walks that come back to the holder are not counted"
    assert up[0] == pytest.approx(0.25, abs=1e-14), "what it holds of itself, around the corner"
    assert effective(net, 2, up=False)[1] == pytest.approx(1.0, abs=1e-14)


def test_who_holds_himself_and_circles_without_an_owner() -> None:
    own = network(2, [(0, 0, 20), (1, 0, 80)], people=[1])
    assert effective(own, 0, up=True) == pytest.approx({0: 0.2, 1: 1.0}, abs=1e-14)
    closed = network(3, [(0, 1, 100), (1, 0, 100), (2, 0, 10)])
    found = region(closed, 0, TODAY, up=True, most=99, clock=clock())
    solved = shares(found, clock())
    assert not solved.settled
    assert np.isnan(solved.values).all(), "no number is better than a wrong one"


def test_a_large_circle_is_approached_step_by_step() -> None:
    size = DENSE + 200
    holds = [(one, (one + 1) % size, 40) for one in range(size)] + [(size, one, 60) for one in range(size)]
    found = region(network(size + 1, holds), 0, TODAY, up=True, most=9_999, clock=clock())
    solved = shares(found, clock())
    assert (solved.settled, solved.exact) == (True, False)
    assert dict(zip(found.nodes.tolist(), solved.values.tolist(), strict=True))[size] == pytest.approx(1.0, abs=1e-9)


@st.composite
def holdings(draw: st.DrawFn) -> tuple[int, list[Holding]]:
    """Up to seven nodes; nobody is held by more than 95 % in all, so that every circle has an outside."""
    count = draw(st.integers(2, 7))
    holds = []
    for head in range(count):
        left = 95
        for tail in draw(st.lists(st.integers(0, count - 1), max_size=4, unique=True)):
            share = draw(st.integers(1, max(1, left // 2)))
            if share <= left:
                holds.append((tail, head, share))
                left -= share
    return count, holds


@settings(max_examples=150, deadline=None)
@given(holdings())
def test_shares_agree_with_exact_fractions_in_both_directions(graph: tuple[int, list[Holding]]) -> None:
    count, holds = graph
    net = network(count, holds)
    for target in range(count):
        up = effective(net, target, up=True)
        for holder in set(range(count)) - {target}:
            exact = float(by_walks(count, holds, holder, target))
            assert up.get(holder, 0.0) == pytest.approx(exact, abs=1e-11)
            assert effective(net, holder, up=False).get(target, 0.0) == pytest.approx(exact, abs=1e-11)


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 12), st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=40))
def test_circles_are_those_of_the_library_on_the_whole_graph(count: int, pairs: list[tuple[int, int]]) -> None:
    pairs = [(a % count, b % count) for a, b in pairs]
    graph: rustworkx.PyDiGraph[None, None] = rustworkx.PyDiGraph()
    graph.add_nodes_from([None] * count)
    graph.add_edges_from_no_data(pairs)
    loops = {a for a, b in pairs if a == b}
    expected = {frozenset(part) for part in rustworkx.strongly_connected_components(graph) if len(part) > 1}
    expected |= {frozenset([one]) for one in loops if not any(one in part for part in expected)}
    tail, head = np.array([a for a, _ in pairs], dtype=int), np.array([b for _, b in pairs], dtype=int)
    found = members(circles(count, tail, head))
    assert {frozenset(part.tolist()) for part in found} == expected
    assert [len(part) for part in found] == sorted((len(part) for part in found), reverse=True)


def control(net: Network, node: int, rule: object = NOW) -> tuple[ControlState, int]:
    found = region(net, node, TODAY, up=True, most=999, clock=clock())
    ended = controller(found, net.kinds, rule, clock())  # type: ignore[arg-type]
    return ended.state, int(found.nodes[ended.at])


def test_votes_add_up_over_what_the_same_hand_controls() -> None:
    # 5 has 60 % of 1 and 40 % of 2; 1 has 20 % of 2; so 5 controls 2, and by 1 and 2 together 3.
    net = network(7, [(5, 1, 60), (5, 2, 40), (1, 2, 20), (1, 3, 30), (2, 3, 25), (6, 3, 45)], people=[5, 6])
    assert control(net, 3) == (ControlState.MAJORITY, 5)
    assert controlled_by(net, 5, TODAY, NOW, clock()).tolist() == [1, 2, 3]
    assert controlled_by(net, 6, TODAY, NOW, clock()).tolist() == []


def test_the_rule_of_the_day_decides() -> None:
    half = network(3, [(1, 0, 50), (2, 0, 30)], people=[1, 2])
    assert control(half, 0, BEFORE) == (ControlState.MAJORITY, 1), "half was enough until the law was revised"
    assert control(half, 0) == (ControlState.LARGEST, 1)
    both = network(3, [(1, 0, 50), (2, 0, 50)], people=[1, 2])
    assert control(both, 0)[0] is ControlState.JOINT
    assert control(both, 0, BEFORE)[0] is ControlState.JOINT
    spread = network(5, [(one, 0, 25) for one in range(1, 5)], people=[1, 2, 3, 4])
    assert control(spread, 0)[0] is ControlState.NONE
    assert control(network(3, [(1, 0, 60), (2, 1, 35)], people=[2]), 0) == (ControlState.LARGEST, 2)
    assert control(network(2, [(1, 0, 60)]), 0) == (ControlState.UNKNOWN, 1)
    assert control(network(1, []), 0)[0] is ControlState.UNKNOWN
    ring = network(3, [(0, 1, 60), (1, 0, 60), (2, 0, 40), (2, 1, 40)], people=[2])
    assert control(ring, 0)[0] is ControlState.CIRCLE
    dates = [(rule.since, rule.until) for rule in control_rules()]
    assert all(earlier[1] == later[0] for earlier, later in pairwise(dates)), "no day without a rule, none with two"
    with pytest.raises(Invalid):
        rule_at(date(2005, 12, 31))


@settings(max_examples=100, deadline=None)
@given(holdings())
def test_control_agrees_with_the_definition_taken_by_its_word(graph: tuple[int, list[Holding]]) -> None:
    """Who controls: the least set that holds what the holder and the set itself have a majority of."""
    count, holds = graph
    net = network(count, holds)
    for holder in range(count):
        inside = {holder}
        while True:
            votes = {h: sum(s for t, e, s in holds if e == h and t in inside and t != h) for h in range(count)}
            more = {h for h, share in votes.items() if share > 50} - inside
            if not more:
                break
            inside |= more
        assert set(controlled_by(net, holder, TODAY, NOW, clock()).tolist()) == inside - {holder}


@settings(max_examples=100, deadline=None)
@given(st.integers(2, 10), st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=20))
def test_the_shortest_chain_is_as_short_as_the_librarys(count: int, pairs: list[tuple[int, int]]) -> None:
    pairs = [(a % count, b % count) for a, b in pairs]
    net = network(count, [(a, b, 10) for a, b in pairs])
    graph: rustworkx.PyGraph[None, None] = rustworkx.PyGraph()
    graph.add_nodes_from([None] * count)
    graph.add_edges_from_no_data(pairs)
    expected = rustworkx.dijkstra_shortest_path_lengths(graph, 0, lambda _: 1.0)
    for end in range(1, count):
        found = shortest(net, 0, end, TODAY, by=(Relation.HOLDING,), most=20, clock=clock())
        assert (found is None) == (end not in expected)
        if found is not None:
            assert len(found.edges) == expected[end]
            for (one, other), edge in zip(pairwise(found.nodes), found.edges, strict=True):
                assert {one, other} == {int(net.tail[edge]), int(net.head[edge])}


def test_communities_are_the_planted_ones_and_the_same_for_the_same_seed() -> None:
    rng = np.random.default_rng(3)
    holds = []
    for group in range(5):
        nodes = range(group * 20, group * 20 + 20)
        holds += [(a, b, 10) for a in nodes for b in nodes if a < b and rng.random() < 0.5]
        holds.append((group * 20, (group * 20 + 20) % 100, 1))
    net = network(101, holds)
    labels = communities(net, TODAY, seed=1, clock=clock())
    assert [len(set(labels[group * 20 : group * 20 + 20].tolist())) for group in range(5)] == [1] * 5
    assert len(set(labels[:100].tolist())) == 5
    assert labels[100] == -1
    assert (labels == communities(net, TODAY, seed=1, clock=clock())).all()


def test_one_node_with_a_hundred_thousand_edges_and_a_chain_as_long_are_answered() -> None:
    many = 100_000
    hub = network(many + 1, [(many, one, 60) for one in range(many)], people=[many])
    down = region(hub, many, TODAY, up=False, most=200_000, clock=clock())
    assert len(down.nodes) == many + 1
    assert shares(down, clock()).values[1:] == pytest.approx(0.6)
    assert len(controlled_by(hub, many, TODAY, NOW, clock())) == many
    part = region(hub, many, TODAY, up=False, most=500, clock=clock())
    assert (len(part.nodes), part.cut) == (500, True)
    assert len(members(circles(hub.count, hub.tail, hub.head))) == 0
    long = network(3000, [(one, one + 1, 100) for one in range(2999)])
    assert effective(long, 2999, up=True)[0] == pytest.approx(1.0)
    ring = [(one, (one + 1) % 3000, 100) for one in range(3000)]
    assert [len(one) for one in members(circles(3000, *(np.array(c) for c in list(zip(*ring, strict=True))[:2])))] == [
        3000
    ]


def test_work_that_takes_too_long_is_stopped() -> None:
    with pytest.raises(Unavailable):
        region(network(3, [(0, 1, 10)]), 0, TODAY, up=False, most=9, clock=Clockwork(-1))


def test_what_lies_on_no_circle_is_taken_off_before_circles_are_looked_for() -> None:
    """A long chain with a circle of three in it: the three edges are left, though nobody holds shares of itself."""
    tail, head = np.array([*range(9), 5]), np.array([*range(1, 10), 3])
    left = [np.sort(one).tolist() for one in _core(10, tail, head)]
    assert left == [[3, 4, 5], [3, 4, 5]]
    assert members(circles(10, tail, head))[0].tolist() == [3, 4, 5]
