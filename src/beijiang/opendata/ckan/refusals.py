"""Our errors in the words of CKAN, whose clients tell them apart by ``__type`` and status."""

from __future__ import annotations

from typing import Any, Final

from beijiang.kit import BeijiangError, Conflict, Denied, Invalid, NotFound, Refused, Unauthenticated

__all__ = ["told"]

_VALIDATION: Final = "Validation Error"


def told(status: int, error: BaseException) -> tuple[int, dict[str, Any]]:  # noqa: PLR0911 - one line for each kind of error
    """Return status and ``error`` of an answer; what is not ours tells nothing of itself."""
    if not isinstance(error, BeijiangError):
        kind = "Internal Server Error" if status >= 500 else "Request Error"  # noqa: PLR2004 - the server's own
        return status, {"__type": kind, "message": kind}
    zh, en = error.text.zh, error.text.en
    said = f"{en} {zh}"
    reason = {"reason": error.reason}
    if isinstance(error, NotFound):
        return 404, {"__type": "Not Found Error", "message": f"Not found: {said}", **reason}
    if isinstance(error, Denied | Unauthenticated):
        return 403, {"__type": "Authorization Error", "message": f"Access denied: {said}", **reason}
    if error.reason in {"bad_query", "unknown_parameter"}:
        return 400, {"__type": "Search Query Error", "message": f"Search Query is invalid: {said}", **reason}
    if error.reason == "search_too_wide":
        return 409, {"__type": "Search Error", "message": f"Search error: {said}", **reason}
    if isinstance(error, Conflict) and error.reason == "name_taken":
        return 400, {"__type": "Integrity Error", "message": said, **reason}
    if isinstance(error, Refused | Conflict | Invalid):
        return 409, _validation(error, said) | reason
    return error.status, {"__type": type(error).__name__, "message": said, **reason}


def _validation(error: BeijiangError, said: str) -> dict[str, Any]:
    if error.reason in {"sql_not_allowed", "query_unbound", "query_failed", "query_timeout", "query_memory"}:
        return {"__type": _VALIDATION, "query": [said], "info": {"orig": [error.text.en]}}
    field = str(error.detail.get("field") or error.detail.get("column") or "message")
    return {"__type": _VALIDATION, field: [error.text.en, error.text.zh]}
