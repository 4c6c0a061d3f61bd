"""Keys that sign identity tokens: ES256 (RFC 7518), as JSON Web Keys. The secret is text, which the vault seals."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

__all__ = ["ALGORITHM", "new_token_key", "public_half", "sign_claims", "verified_claims"]

ALGORITHM = "ES256"
"""The only algorithm: what a token's own header says of one is never believed."""


def new_token_key() -> str:
    """Return a new private key as the text of a JSON Web Key."""
    from joserfc.jwk import ECKey

    return json.dumps(
        ECKey.generate_key("P-256", {"use": "sig", "alg": ALGORITHM}, auto_kid=True).as_dict(private=True)
    )


def public_half(secret: str) -> dict[str, Any]:
    """Return what others check signatures with."""
    from joserfc.jwk import ECKey

    return dict(ECKey.import_key(json.loads(secret)).as_dict(private=False))


def sign_claims(secret: str, claims: Mapping[str, Any], kind: str = "JWT") -> str:
    """Return a signed token."""
    from joserfc import jwt
    from joserfc.jwk import ECKey

    key = ECKey.import_key(json.loads(secret))
    return jwt.encode({"alg": ALGORITHM, "kid": key.kid, "typ": kind}, dict(claims), key, [ALGORITHM])


def verified_claims(token: str, public: list[dict[str, Any]]) -> Mapping[str, Any] | None:
    """Return what a token says, if one of these keys signed it; whether it is over is the caller's question."""
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet

    try:
        return dict(jwt.decode(token, KeySet.import_key_set({"keys": public}), [ALGORITHM]).claims)
    except (JoseError, ValueError):
        return None
