"""The parameters of the row API: what is written back reads as the same query."""

from __future__ import annotations

from urllib.parse import parse_qsl

from hypothesis import given
from hypothesis import strategies as st

from beijiang.protection.models.rowquery import MAX_PAGE, RowQuery, parse
from beijiang.tables import Filter, FilterOp, Sort

plain = st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
values = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20)
WITHOUT = {FilterOp.ISNULL, FilterOp.NOTNULL}
LISTS = {FilterOp.IN_, FilterOp.NOTIN}


@st.composite
def filters(draw: st.DrawFn) -> Filter:
    op = draw(st.sampled_from(list(FilterOp)))
    if op in WITHOUT:
        return Filter(draw(plain), op, None)
    if op in LISTS:
        return Filter(draw(plain), op, tuple(draw(st.lists(values, min_size=1, max_size=4))))
    return Filter(draw(plain), op, draw(values))


queries = st.builds(
    RowQuery,
    filters=st.lists(filters(), max_size=5).map(tuple),
    sort=st.none() | st.builds(Sort, plain, descending=st.booleans()),
    columns=st.lists(plain, max_size=3).map(tuple),
    size=st.integers(1, MAX_PAGE),
    after=st.none() | plain,
    count=st.booleans(),
)


@given(queries)
def test_a_query_written_back_reads_the_same(query: RowQuery) -> None:
    assert parse(query.pairs()) == query
    address = query.encoded()
    assert parse(parse_qsl(address.removeprefix("?"), keep_blank_values=True)) == query


@given(queries)
def test_sorting_and_removing_start_at_the_first_page(query: RowQuery) -> None:
    again = query.sorted_by("列")
    assert (again.after, again.sort, again.filters) == (
        None,
        Sort("列", descending=query.sort == Sort("列")),
        query.filters,
    )
    for position in range(len(query.filters)):
        assert query.without(position).filters == query.filters[:position] + query.filters[position + 1 :]


def test_a_column_whose_name_looks_like_a_word_or_operator_can_be_filtered() -> None:
    assert parse([("_size__exact", "5"), ("a__gt__exact", "1")]).filters == (
        Filter("_size", FilterOp.EQ, "5"),
        Filter("a__gt", FilterOp.EQ, "1"),
    )
