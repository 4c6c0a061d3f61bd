"""The HTTP kit: the door every request passes, the pages' templates and look, errors in one shape. Knows no domain."""

from beijiang.kit import guard_formula
from beijiang.web.app import Addresses, CallWatch, IdentityProvider, describe, description, entered, new_app
from beijiang.web.security import (
    check_origin,
    content_disposition,
    embeddable,
    form_may_go_to,
    local_path,
    request_line,
)
from beijiang.web.templating import Pages

__all__ = [
    "Addresses",
    "CallWatch",
    "IdentityProvider",
    "Pages",
    "check_origin",
    "content_disposition",
    "describe",
    "description",
    "embeddable",
    "entered",
    "form_may_go_to",
    "guard_formula",
    "local_path",
    "new_app",
    "request_line",
]
