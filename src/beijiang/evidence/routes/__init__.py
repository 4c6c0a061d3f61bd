"""The JSON API of evidence: the log, receipts, witnesses; and the public face of the tree below ``/tlog`` and ``/witness``."""

from beijiang.evidence.routes.holds import holds_router
from beijiang.evidence.routes.keys import keys_router
from beijiang.evidence.routes.receipts import receipts_router
from beijiang.evidence.routes.search import router
from beijiang.evidence.routes.tlog import tlog_router

__all__ = ["holds_router", "keys_router", "receipts_router", "router", "tlog_router"]
