"""The Python client: find data sets, walk and download rows, ask in SQL, and look at grants and receipts, sync or async.

Owns no table and imports nothing of the platform but ``kit``: whoever installs it for a script loads no engine and no web framework.
"""

from beijiang.client.errors import (
    ELSEWHERE,
    ApiError,
    ApiTrouble,
    Conflict,
    Denied,
    InvalidRequest,
    NotFound,
    NotSignedIn,
    ServerFailed,
    Throttled,
    Unreachable,
)
from beijiang.client.models import Column, Dataset, Grant, Hit, RowPage, SearchResult, SqlResult
from beijiang.client.plans import Options
from beijiang.client.waiting import AsyncClient, AsyncRows
from beijiang.client.working import Client, Rows

__all__ = [
    "ELSEWHERE",
    "ApiError",
    "ApiTrouble",
    "AsyncClient",
    "AsyncRows",
    "Client",
    "Column",
    "Conflict",
    "Dataset",
    "Denied",
    "Grant",
    "Hit",
    "InvalidRequest",
    "NotFound",
    "NotSignedIn",
    "Options",
    "RowPage",
    "Rows",
    "SearchResult",
    "ServerFailed",
    "SqlResult",
    "Throttled",
    "Unreachable",
]
