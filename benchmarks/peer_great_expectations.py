"""Thirteen of the rules of ``bench_quality.py`` in Great Expectations, over the first rows of some Parquet files.

Run by that benchmark with a Python that has great_expectations and pyarrow: ``peer_great_expectations.py ROWS FILE...``. The
last line of its output is the seconds that the validation took, by the clock and of the processor.
"""

from __future__ import annotations

import sys
import time

import great_expectations as gx
import pyarrow.dataset as ds


def seconds(rows: int, files: list[str]) -> tuple[float, float]:
    """Validate once and return how long it took by the clock and of the processor, reading not counted."""
    frame = ds.dataset(files).head(rows).to_pandas()
    context = gx.get_context(mode="ephemeral")
    batch = context.data_sources.add_pandas("p").add_dataframe_asset("a").add_batch_definition_whole_dataframe("b")
    e = gx.expectations
    suite = gx.ExpectationSuite(
        name="s",
        expectations=[
            e.ExpectColumnValuesToNotBeNull(column="企业名称"),
            e.ExpectColumnValuesToNotBeNull(column="盟市"),
            e.ExpectColumnValuesToNotBeNull(column="成立日期"),
            e.ExpectColumnValuesToNotBeNull(column="统一社会信用代码"),
            e.ExpectColumnValuesToMatchRegex(column="统一社会信用代码", regex="^[0-9A-HJ-NPQRTUWXY]{18}$"),
            e.ExpectColumnValuesToMatchRegex(column="法定代表人证件号码", regex="^[1-9][0-9]{16}[0-9X]$"),
            e.ExpectColumnValuesToBeInSet(column="性别", value_set=["0", "1", "2", "9"]),
            e.ExpectColumnValuesToBeInSet(column="区划代码", value_set=["150102", "150105", "150781"]),
            e.ExpectColumnValuesToMatchRegex(column="联系电话", regex="^1[3-9][0-9]{9}$"),
            e.ExpectColumnValueLengthsToBeBetween(column="企业名称", min_value=2, max_value=100),
            e.ExpectColumnValuesToBeBetween(column="注册资本", min_value=0, max_value=1_000_000),
            e.ExpectColumnValuesToBeBetween(column="员工人数", min_value=0),
            e.ExpectColumnValuesToBeUnique(column="统一社会信用代码"),
        ],
    )
    context.suites.add(suite)
    found = batch.get_batch(batch_parameters={"dataframe": frame})
    started, used = time.monotonic(), time.process_time()
    found.validate(suite)
    return time.monotonic() - started, time.process_time() - used


if __name__ == "__main__":
    print(*seconds(int(sys.argv[1]), sys.argv[2:]))
