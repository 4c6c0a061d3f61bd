"""What the connector of web services knows, for others who ask such a service: who asks, and how its JSON is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from beijiang.ingest.connectors.rest_calls import CallAuth

__all__ = ["json_document", "json_find", "json_text", "service_signer"]


def service_signer(base_url: str, options: Mapping[str, Any]) -> CallAuth:
    """Return what shows a service who asks, by the options of the connector ``rest``; tokens are kept in it.

    Raises:
        Invalid: the options do not fit (``bad_options``); no value is told.

    """
    from pydantic import ValidationError

    from beijiang.ingest.connectors.rest_auth import Auth
    from beijiang.ingest.connectors.rest_options import RestOptions
    from beijiang.kit import Invalid

    try:
        made = RestOptions.model_validate({"base_url": base_url, "endpoints": ({"name": "call"},), **options})
    except ValidationError as error:
        names = ", ".join(sorted({str(e["loc"][0]) for e in error.errors() if e["loc"]}))
        raise Invalid(
            f"身份验证选项有误：{names}。", f"Options of authentication are wrong: {names}.", code="bad_options"
        ) from None
    return Auth(made)


def json_document(body: bytes, content_type: str = "") -> Any:
    """Return a JSON document whose numbers keep every digit.

    Raises:
        Invalid: it is none (``service_no_json``).

    """
    from beijiang.ingest.connectors.documents import parse

    return parse(body, content_type)


def json_find(value: Any, path: str) -> tuple[bool, Any]:
    """Tell whether a path (JSON pointer, or names with dots) leads somewhere, and what stands there."""
    from beijiang.ingest.connectors.documents import MISSING, find, steps

    found = find(value, steps(path))
    return found is not MISSING, None if found is MISSING else found


def json_text(value: Any) -> tuple[str, str | None]:
    """Return of which JSON type a value is (number, string, boolean, null, nested), and the value as text."""
    from beijiang.ingest.connectors.documents import Number, text_of

    if isinstance(value, bool):
        return "boolean", "true" if value else "false"
    if value is None:
        return "null", None
    if isinstance(value, Number):
        return "number", str(value)
    return ("string" if isinstance(value, str) else "nested"), text_of(value)
