"""Authlib's core with our stores behind it: the only file that knows the library's classes.

Codes are spent at the first use, whatever comes of it; a second use ends the sign-on that the code began. The same holds for
refresh tokens, which change at each use. Access tokens say nothing: what they stand for is looked up at every request.
"""

from __future__ import annotations

import hmac
import secrets
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol

from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Payload, OAuth2Request
from authlib.oauth2.rfc6749.errors import InvalidGrantError, InvalidRequestError, InvalidScopeError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, ClientCredentialsGrant, RefreshTokenGrant
from authlib.oauth2.rfc6749.models import AuthorizationCodeMixin, ClientMixin, TokenMixin
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from authlib.oidc.core import OpenIDCode
from authlib.oidc.core.util import create_half_hash

from beijiang.access import TOKEN_PREFIX
from beijiang.apps.models import (
    IDENTITY_SCOPES,
    Client,
    ClientKind,
    ClientSecret,
    Code,
    ProtocolAnswer,
    ProtocolCall,
    SignOnFamily,
    Token,
    TokenKind,
    digest_of_secret,
)
from beijiang.apps.service.clients.issuing import Issuing
from beijiang.apps.store import ClientStore, TokenStore
from beijiang.crypto import ALGORITHM
from beijiang.db import Remembered
from beijiang.kit import Actor, ActorKind, BeijiangError, new_id

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from beijiang.access import Access
    from beijiang.apps.service.clients.signing_keys import SigningKeys
    from beijiang.db import Database
    from beijiang.evidence import Evidence
    from beijiang.kit import Clock
    from beijiang.settings import Settings

__all__ = ["Provider"]

REFRESH_PREFIX: Final = "bjr_"
_LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)
CODE_SECONDS: Final = 60
IDENTITY_SECONDS: Final = 300
_WITH_SECRET: Final = ["client_secret_basic", "client_secret_post"]


class Desk(Protocol):
    """What the protocol's steps need: where things are kept, who somebody is, and what ends a sign-on."""

    db: Database
    access: Access
    evidence: Evidence
    clock: Clock
    settings: Settings
    keys: SigningKeys

    @property
    def issuer(self) -> str:
        """Return the name of this provider."""
        ...

    def end_family(self, family_id: str, why: str) -> None:
        """End a sign-on whose code or refresh token was used twice."""
        ...

    def revoke(self, token: Token) -> None:
        """Revoke a token."""
        ...

    def facts_of(self, who: Actor, scopes: frozenset[str]) -> dict[str, Any]:
        """Return what may be said of somebody under these scopes."""
        ...


class _Payload(OAuth2Payload):  # type: ignore[misc]  # the library has no types
    def __init__(self, call: ProtocolCall) -> None:
        self._lists: defaultdict[str, list[str]] = defaultdict(list)
        for name, value in call.fields:
            self._lists[name].append(value)

    @property
    def data(self) -> dict[str, str]:
        return {name: values[0] for name, values in self._lists.items()}

    @property
    def datalist(self) -> defaultdict[str, list[str]]:
        return self._lists


class _Request(OAuth2Request):  # type: ignore[misc]
    def __init__(self, call: ProtocolCall, issuer: str) -> None:
        super().__init__(call.method, issuer, headers={"Authorization": call.authorization})
        self.payload = _Payload(call)
        self.call = call
        self.signed_in_at: datetime | None = None

    @property
    def args(self) -> dict[str, str]:
        return dict(self.payload.data)

    @property
    def form(self) -> dict[str, str]:
        return dict(self.payload.data)


class _Face(ClientMixin):  # type: ignore[misc]
    """An application as the library asks about it."""

    def __init__(self, client: Client, living: list[ClientSecret]) -> None:
        self.client = client
        self._digests = [secret.digest for secret in living]

    def get_client_id(self) -> str:
        return self.client.id

    def get_default_redirect_uri(self) -> None:
        """There is none: it has to be said."""

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """Return what may be given of what is asked; all of it where nothing is said, and nothing where that is empty."""
        asked = self.client.facts.scopes if scope is None else frozenset(scope.split())
        return " ".join(sorted(asked)) if asked and asked <= self.client.facts.scopes else None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri in self.client.facts.redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:
        given = digest_of_secret(client_secret)
        return any(hmac.compare_digest(given, known) for known in self._digests)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        del endpoint
        return (method == "none") is (self.client.facts.kind is ClientKind.PUBLIC)

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code" and bool(self.client.facts.redirect_uris)

    def check_grant_type(self, grant_type: str) -> bool:
        if grant_type == "client_credentials":
            return self.client.facts.machine
        return grant_type in {"authorization_code", "refresh_token"} and bool(self.client.facts.redirect_uris)


class _CodeFace(AuthorizationCodeMixin):  # type: ignore[misc]
    def __init__(self, code: Code) -> None:
        self.code = code
        self.code_challenge = code.challenge
        self.code_challenge_method = "S256"

    def get_redirect_uri(self) -> str:
        return self.code.redirect_uri

    def get_scope(self) -> str:
        return " ".join(sorted(self.code.scopes))


class _TokenFace(TokenMixin):  # type: ignore[misc]
    def __init__(self, token: Token, family: SignOnFamily | None, now: datetime) -> None:
        self.token = token
        self.family = family
        self._now = now

    def check_client(self, client: _Face) -> bool:
        return bool(self.token.client_id == client.client.id)

    def get_scope(self) -> str:
        return " ".join(sorted(self.token.scopes))

    def is_expired(self) -> bool:
        return self._now >= self.token.expires_at

    def is_revoked(self) -> bool:
        return self.token.ended_at is not None or (self.family is not None and self.family.ended_at is not None)


class Provider(AuthorizationServer):  # type: ignore[misc]
    """The protocol's steps; ``desk`` holds the database, the keys and the evidence."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self._issuing = Issuing(desk.db)
        self._known: Remembered[tuple[Client | None, tuple[ClientSecret, ...]]] = Remembered(desk.db)
        self.register_token_generator("default", self._tokens)
        self.register_grant(_CodeGrant, [_ProofKey(required=True), _Identity(self.desk)])
        self.register_grant(_RefreshGrant)
        self.register_grant(_MachineGrant)
        self.register_endpoint(_Revocation)
        self.register_endpoint(_Introspection)

    def create_oauth2_request(self, request: ProtocolCall | _Request) -> _Request:
        return request if isinstance(request, _Request) else _Request(request, self.desk.issuer)

    def handle_response(self, status: int, body: Any, headers: Any) -> ProtocolAnswer:
        told = dict(headers)
        location = told.pop("Location", "")
        return ProtocolAnswer(
            status=status, body=body if isinstance(body, dict) else dict(body or ()), headers=told, location=location
        )

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""

    def query_client(self, client_id: str) -> _Face | None:
        found, secrets_ = self._known.get(client_id, lambda connection: _read(connection, client_id))
        if found is None or not found.serves:
            return None
        now = self.desk.clock.now()
        return _Face(found, [one for one in secrets_ if one.ends_at is None or now < one.ends_at])

    def held(self, secret: str) -> _TokenFace | None:
        """Return a token, good or not."""
        with self.desk.db.read() as connection:
            store = TokenStore(connection)
            found = store.find(digest_of_secret(secret))
            family = None if found is None or found.family_id is None else store.family(found.family_id)
        return None if found is None else _TokenFace(found, family, self.desk.clock.now())

    def save_token(self, token: dict[str, Any], request: _Request) -> None:
        """Keep the digests; what the token comes from has to hold still.

        Raises:
            InvalidGrantError: it does not, or was used by somebody faster.

        """
        family_id: str | None = None
        if request.authorization_code is None and request.refresh_token is None:
            self._issuing.keep(_access_token(token, request, None, self.desk.clock.now(), None))
            return
        if request.authorization_code is not None:
            family_id = request.authorization_code.code.family_id
        elif request.refresh_token is not None:
            family_id = request.refresh_token.token.family_id
        with self.desk.db.begin(counted=False) as tx:
            kept = self._keep(TokenStore(tx.connection), token, request, family_id)
            if kept and request.authorization_code is not None:
                detail = {"client": request.client.client.id, "scopes": token["scope"]}
                self.desk.evidence.record(
                    tx, request.user, "apps.client_sign_on", target=request.client.client.id, detail=detail
                )
        if not kept:
            self.desk.end_family(family_id or "", "reuse")
            raise InvalidGrantError

    def _keep(self, store: TokenStore, token: dict[str, Any], request: _Request, family_id: str | None) -> bool:
        now = self.desk.clock.now()
        family = None if family_id is None else store.family(family_id)
        if family_id is not None and (family is None or family.ended_at is not None or family.ends_at <= now):
            return False
        if request.refresh_token is not None and not store.end(request.refresh_token.token.digest, now):
            return False
        tokens = [_access_token(token, request, family_id, now, family.ends_at if family else None)]
        if family is not None and "refresh_token" in token:
            digest = digest_of_secret(token["refresh_token"])
            tokens.append(replace(tokens[0], digest=digest, kind=TokenKind.REFRESH, expires_at=family.ends_at))
        store.add(tokens)
        return True

    def _tokens(
        self,
        grant_type: str,
        client: _Face,
        user: Any = None,
        scope: str | None = None,
        expires_in: int | None = None,
        include_refresh_token: bool = True,
    ) -> dict[str, Any]:
        del user, expires_in
        allowed = client.get_allowed_scope(scope)
        if allowed is None:
            raise InvalidScopeError
        machine = grant_type == "client_credentials"
        settings = self.desk.settings
        token = {
            "token_type": "Bearer",
            "access_token": TOKEN_PREFIX + secrets.token_hex(32),
            "expires_in": settings.token_machine_seconds if machine else settings.token_seconds,
            "scope": allowed,
        }
        if include_refresh_token and not machine:
            token["refresh_token"] = REFRESH_PREFIX + secrets.token_hex(32)
        return token

    def person(self, person_id: str) -> Actor | None:
        """Return somebody as of now; None if the account is closed."""
        try:
            return self.desk.access.current(Actor(person_id, "", ActorKind.PERSON))
        except BeijiangError:
            return None


def _read(connection: Connection, client_id: str) -> tuple[Client | None, tuple[ClientSecret, ...]]:
    """Return an application with every secret that has no end or had one; which of them are good is a matter of the moment."""
    store = ClientStore(connection)
    return store.get(client_id), tuple(store.secrets(client_id, _LONG_AGO))


def _access_token(
    token: dict[str, Any], request: _Request, family_id: str | None, now: datetime, latest: datetime | None
) -> Token:
    ends = now + timedelta(seconds=token["expires_in"])
    return Token(
        digest=digest_of_secret(token["access_token"]),
        kind=TokenKind.ACCESS,
        client_id=request.client.client.id,
        family_id=family_id,
        scopes=frozenset(token["scope"].split()),
        issued_at=now,
        expires_at=ends if latest is None else min(ends, latest),
    )


class _CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = [*_WITH_SECRET, "none"]  # noqa: RUF012 - as the library has it

    def generate_authorization_code(self) -> str:
        return secrets.token_urlsafe(32)

    def save_authorization_code(self, code: str, request: _Request) -> None:
        desk: Desk = self.server.desk
        now, who, client_id = desk.clock.now(), request.user, request.client.client.id
        scopes = frozenset(request.scope.split())
        family = SignOnFamily(
            id=new_id("son"),
            client_id=client_id,
            person_id=who.id,
            session_id=who.session_id,
            scopes=scopes,
            began_at=now,
            ends_at=now + timedelta(hours=desk.settings.sign_on_hours),
        )
        made = Code(
            digest=digest_of_secret(code),
            family_id=family.id,
            client_id=client_id,
            person_id=who.id,
            redirect_uri=request.payload.redirect_uri,
            scopes=scopes,
            nonce=request.payload.data.get("nonce", ""),
            challenge=request.payload.data["code_challenge"],
            signed_in_at=request.signed_in_at or now,
            expires_at=now + timedelta(seconds=CODE_SECONDS),
        )
        with desk.db.begin(counted=False) as tx:
            TokenStore(tx.connection).add_code(made, family)

    def query_authorization_code(self, code: str, client: _Face) -> _CodeFace | None:
        desk: Desk = self.server.desk
        now, digest = desk.clock.now(), digest_of_secret(code)
        with desk.db.begin(counted=False) as tx:
            store = TokenStore(tx.connection)
            found = store.code(digest)
            if found is None or found.client_id != client.client.id:
                return None
            fresh = store.spend_code(digest, now)
        if not fresh:
            desk.end_family(found.family_id, "code_replay")
            return None
        return _CodeFace(found) if now < found.expires_at else None

    def delete_authorization_code(self, authorization_code: _CodeFace) -> None:
        """It was spent when it was looked up."""

    def authenticate_user(self, authorization_code: _CodeFace) -> Actor | None:
        who: Actor | None = self.server.person(authorization_code.code.person_id)
        return who


class _RefreshGrant(RefreshTokenGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = [*_WITH_SECRET, "none"]  # noqa: RUF012
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> _TokenFace | None:
        found: _TokenFace | None = self.server.held(refresh_token)
        if found is None or found.token.kind is not TokenKind.REFRESH or not found.check_client(self.request.client):
            return None
        if found.token.ended_at is not None:
            self.server.desk.end_family(found.token.family_id or "", "refresh_replay")
            return None
        return None if found.is_expired() or found.is_revoked() else found

    def authenticate_user(self, refresh_token: _TokenFace) -> Actor | None:
        if refresh_token.family is None:
            return None
        who: Actor | None = self.server.person(refresh_token.family.person_id)
        return who

    def revoke_old_credential(self, refresh_token: _TokenFace) -> None:
        """It was spent in the transaction that keeps the new one."""


class _MachineGrant(ClientCredentialsGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = _WITH_SECRET

    def validate_token_request(self) -> None:
        super().validate_token_request()
        face: _Face = self.request.client
        asked = (
            frozenset((self.request.payload.scope or "").split()) or face.client.facts.scopes - IDENTITY_SCOPES.keys()
        )
        if not asked or asked & IDENTITY_SCOPES.keys():
            raise InvalidScopeError
        self.request.payload.datalist["scope"] = [" ".join(sorted(asked))]


class _ProofKey(CodeChallenge):  # type: ignore[misc]
    """PKCE for every application, and by S256 only."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ["S256"]  # noqa: RUF012

    def validate_code_challenge(self, grant: _CodeGrant, redirect_uri: str) -> None:
        told = grant.request.payload.data
        if not told.get("code_challenge") or told.get("code_challenge_method") != "S256":
            raise InvalidRequestError("code_challenge with the method S256 is required")
        super().validate_code_challenge(grant, redirect_uri)


class _Identity(OpenIDCode):  # type: ignore[misc]
    def __init__(self, desk: Desk) -> None:
        super().__init__(require_nonce=False)
        self._desk = desk

    def exists_nonce(self, nonce: str, request: _Request) -> bool:
        """A nonce is checked by the application; PKCE and single use keep codes from being replayed here."""
        del nonce, request
        return False

    def encode_id_token(self, token: dict[str, Any], request: _Request) -> str:
        code: Code = request.authorization_code.code
        desk = self._desk
        now = int(desk.clock.now().timestamp())
        claims: dict[str, Any] = {
            "iss": desk.issuer,
            "sub": code.person_id,
            "aud": code.client_id,
            "iat": now,
            "exp": now + IDENTITY_SECONDS,
            "auth_time": int(code.signed_in_at.timestamp()),
            "sid": code.family_id,
            "at_hash": create_half_hash(token["access_token"], ALGORITHM).decode(),
            **({"nonce": code.nonce} if code.nonce else {}),
            **desk.facts_of(request.user, frozenset(token["scope"].split())),
        }
        return desk.keys.sign(claims)


class _Revocation(RevocationEndpoint):  # type: ignore[misc]
    CLIENT_AUTH_METHODS = [*_WITH_SECRET, "none"]  # noqa: RUF012

    def query_token(self, token_string: str, token_type_hint: str | None) -> _TokenFace | None:
        del token_type_hint
        found: _TokenFace | None = self.server.held(token_string)
        return found

    def revoke_token(self, token: _TokenFace, request: _Request) -> None:
        del request
        self.server.desk.revoke(token.token)


class _Introspection(IntrospectionEndpoint):  # type: ignore[misc]
    CLIENT_AUTH_METHODS = _WITH_SECRET

    def query_token(self, token_string: str, token_type_hint: str | None) -> _TokenFace | None:
        del token_type_hint
        found: _TokenFace | None = self.server.held(token_string)
        return found

    def check_permission(self, token: _TokenFace, client: _Face, request: _Request) -> bool:
        del request
        return token.check_client(client)

    def introspect_token(self, token: _TokenFace) -> dict[str, Any]:
        kept = token.token
        return {
            "active": True,
            "client_id": kept.client_id,
            "token_type": "Bearer" if kept.kind is TokenKind.ACCESS else "refresh_token",
            "scope": token.get_scope(),
            "sub": kept.client_id if token.family is None else token.family.person_id,
            "iss": self.server.desk.issuer,
            "iat": int(kept.issued_at.timestamp()),
            "exp": int(kept.expires_at.timestamp()),
        }
