"""The gap on the distributed engine, declared: Splink speaks to a Spark session in the same process, not to Spark Connect.

The platform talks to Spark Connect only and ships no Spark of its own, so linking is the embedded engine's work. What a plan
makes and tests (forms, levels) is the same on both engines, and is tested on both.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NoReturn

from beijiang.kit import Refused

if TYPE_CHECKING:
    import pyarrow as pa

    from beijiang.engine.linking.plan import LinkPlan
    from beijiang.engine.linking.results import Weights

__all__ = ["SparkLinker"]


class SparkLinker:
    """Has the verbs of ``Linker`` and refuses them, with the reason."""

    dialect: ClassVar[str] = "databricks"

    def link(
        self,
        records: pa.Table | Sequence[Path],
        plan: LinkPlan,
        *,
        new: Collection[str] | None = None,
        weights: Weights | None = None,
        seconds: float = 3600.0,
        step: Callable[[str], None] = lambda _: None,
    ) -> NoReturn:
        """Refuse: ``no_classic_spark`` where no Spark of its own is installed, else ``not_on_this_engine``."""
        raise _gap()

    def explain(self, records: pa.Table | Sequence[Path], plan: LinkPlan, *, seconds: float = 600.0) -> NoReturn:
        """Refuse as ``link`` does."""
        raise _gap()


def _gap() -> Refused:
    if importlib.util.find_spec("py4j") is None:
        return Refused(
            "在 Spark 上匹配需要本进程内的完整 Spark（含 Java），这里只装了 Spark Connect 客户端。请用内嵌引擎匹配。",
            "Linking on Spark needs a whole Spark (with Java) in this process; only a Spark Connect client is installed. Link with the embedded engine.",
            code="no_classic_spark",
        )
    return Refused(
        "平台目前不在 Spark 上做记录匹配。请用内嵌引擎匹配。",
        "The platform does not link records on Spark yet. Link with the embedded engine.",
        code="not_on_this_engine",
    )
