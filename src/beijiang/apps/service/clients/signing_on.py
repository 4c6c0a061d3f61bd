"""Signing people on to applications written elsewhere, and what their tokens prove (OAuth 2.0, OpenID Connect Core 1.0)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from beijiang.access import TOKEN_PREFIX, Permission, TokenProof
from beijiang.apps.errors import no_client, sign_on_refused
from beijiang.apps.models import (
    IDENTITY_SCOPES,
    OWN_MARK,
    Asking,
    Consent,
    Leaving,
    ProtocolAnswer,
    ProtocolCall,
    SignOnFamily,
    Token,
    TokenKind,
    digest_of_secret,
    mark_of,
)
from beijiang.apps.service.clients.consenting import Consenting, may_be_silent
from beijiang.apps.service.clients.leaving import Farewells
from beijiang.apps.service.clients.signing_keys import SigningKeys
from beijiang.apps.store import ClientStore, FarewellStore, TokenStore
from beijiang.crypto import ALGORITHM, verified_claims
from beijiang.evidence import Decision
from beijiang.kit import SYSTEM, Rounds, Unauthenticated

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.apps.service.clients.provider import Provider
    from beijiang.apps.service.viewers import Viewers
    from beijiang.crypto import Vault
    from beijiang.db import Database, UnitOfWork
    from beijiang.evidence import Evidence
    from beijiang.kit import Actor, Clock
    from beijiang.kit.errors import JsonValue
    from beijiang.outbound import Outbound
    from beijiang.settings import Settings

__all__ = ["CLIENT_MARK", "SignOn"]

CLIENT_MARK: Final = "cli_"
"""How the ids of applications begin, and so every proof that stands for one."""


_KEPT: Final = timedelta(days=2)
"""How long codes, tokens and sign-ons are remembered after their end, so that a second use is known as one."""
_AGREED: Final = timedelta(days=365)
"""A consent older than that is asked for again."""
_TOLD: Final = timedelta(days=30)
_SWEEP_SECONDS: Final = 60.0
_SWEPT_AT_ONCE: Final = 2000
_JUST_NOW: Final = timedelta(minutes=2)
"""How long ago at most somebody who comes back from the sign-in page has signed in."""


class SignOn:
    """The platform as an identity provider."""

    def __init__(
        self,
        db: Database,
        access: Access,
        evidence: Evidence,
        vault: Vault,
        outbound: Outbound,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self.db = db
        self.access = access
        self.evidence = evidence
        self.clock = clock
        self.settings = settings
        self.others: Viewers | None = None
        """Who knows the tokens of hosted applications' servers."""
        self.keys = SigningKeys(db, vault, clock, settings)
        self.consenting = Consenting(vault, clock)
        self.farewells = Farewells(db, self.keys, evidence, outbound, clock, self.issuer)
        self._sweeping = Rounds("sign-on-sweep", self.sweep, _SWEEP_SECONDS)

    @property
    def issuer(self) -> str:
        """Return the name of this provider: the configured address, never what a request calls itself."""
        return self.settings.public_url.rstrip("/")

    @cached_property
    def _provider(self) -> Provider:
        from beijiang.apps.service.clients.provider import Provider

        return Provider(self)

    # What a person does in the browser

    def ask(
        self, actor: Actor, call: ProtocolCall, signed_in_at: datetime | None = None, *, returned: bool = False
    ) -> Asking:
        """Hear an application that wants somebody signed on; ``returned``: the person just signed in for it.

        Raises:
            Invalid: the application or its address is not known, so the browser cannot be sent back (``sign_on_refused``).
            Denied: the actor is no person with a password.

        """
        from authlib.oauth2 import OAuth2Error
        from authlib.oidc.core.errors import ConsentRequiredError

        if not actor.is_anonymous:
            self.access.require(actor, Permission.APPS_CLIENT_SIGN_ON)
        try:
            grant = self._provider.get_consent_grant(call, None if actor.is_anonymous else actor)
            client, scopes = grant.request.client.client, tuple(grant.request.scope.split())
            if self._signs_in_first(actor, call, grant.prompt, signed_in_at, returned=returned):
                return Asking(sign_in=True, client=client)
            with self.db.read() as connection:
                agreed = ClientStore(connection).consent(actor.id, client.id)
            silent = may_be_silent(client, grant.redirect_uri) and grant.prompt != "consent"
            if silent and frozenset(scopes) <= agreed:
                return Asking(location=self._answered(grant, actor, signed_in_at))
            if call.value("prompt") == "none":
                raise ConsentRequiredError(redirect_uri=grant.redirect_uri)
        except OAuth2Error as error:
            return Asking(location=self._sent_back(error, call))
        shown = self.consenting.seal(actor, client, scopes, call)
        return Asking(client=client, scopes=scopes, redirect_uri=grant.redirect_uri, shown=shown)

    def decide(self, actor: Actor, shown: str, signed_in_at: datetime | None, *, allow: bool) -> str:
        """Agree to what was shown of an application's wish, or not; return where the browser goes on.

        Raises:
            Conflict: it was shown to somebody else or too long ago, or the application changed since (``consent_stale``).
            Invalid: the application or its address is not known (``sign_on_refused``).
            Denied: the actor is no person with a password.

        """
        from authlib.oauth2 import OAuth2Error

        self.access.require(actor, Permission.APPS_CLIENT_SIGN_ON)
        call, asked = self.consenting.open(actor, shown)
        try:
            grant = self._provider.get_consent_grant(call, actor)
        except OAuth2Error as error:
            return self._sent_back(error, call)
        client, scopes = grant.request.client.client, frozenset(grant.request.scope.split())
        if not allow:
            return self._answered(grant, None, signed_in_at)
        self.consenting.check(asked, client, scopes)
        with self.db.begin() as tx:
            store = ClientStore(tx.connection)
            agreed = store.consent(actor.id, client.id) | scopes
            store.set_consent(actor.id, client.id, agreed, self.clock.now())
            detail: dict[str, JsonValue] = {"scopes": [*sorted(scopes)]}
            self.evidence.record(tx, actor, "apps.client_consent", target=client.id, detail=detail)
        return self._answered(grant, actor, signed_in_at)

    def consents(self, actor: Actor) -> Sequence[Consent]:
        """Return what the actor agreed that applications may have."""
        self.access.require(actor, Permission.APPS_CLIENT_SIGN_ON)
        with self.db.read() as connection:
            return ClientStore(connection).consents(actor.id)

    def take_back(self, actor: Actor, client_id: str) -> None:
        """Take a consent back: the application's tokens for the actor end at once.

        Raises:
            NotFound: the actor agreed to no such application.

        """
        self.access.require(actor, Permission.APPS_CLIENT_SIGN_ON)
        with self.db.begin() as tx:
            if not ClientStore(tx.connection).drop_consent(actor.id, client_id):
                raise no_client()
            ended = self._end_all(tx, actor.id, client_id=client_id)
            self.evidence.record(
                tx, actor, "apps.client_consent_back", target=client_id, detail={"sign_ons": len(ended)}
            )

    def new_signing_key(self, actor: Actor) -> str:
        """Have a new key sign identity tokens from now on; the one before stays published for a day. Return its id."""
        self.access.require(actor, Permission.ACCESS_SECRET_ROTATE)
        with self.db.begin() as tx:
            key = self.keys.follow(tx)
            self.evidence.record(tx, actor, "apps.signing_key", target=key.id)
        return key.id

    # What applications ask, proving themselves by their secrets

    def token(self, call: ProtocolCall) -> ProtocolAnswer:
        """Answer at the token end-point: a code, a refresh token or an application's own secret for tokens."""
        answer: ProtocolAnswer = self._provider.create_token_response(call)
        return answer

    def revocation(self, call: ProtocolCall) -> ProtocolAnswer:
        """Revoke a token of the application that asks (RFC 7009)."""
        answer: ProtocolAnswer = self._provider.create_endpoint_response("revocation", call)
        return answer

    def introspection(self, call: ProtocolCall) -> ProtocolAnswer:
        """Say what a token of the application that asks stands for (RFC 7662)."""
        answer: ProtocolAnswer = self._provider.create_endpoint_response("introspection", call)
        return answer

    def userinfo(self, secret: str) -> Mapping[str, Any]:
        """Return what an access token lets its holder know of the person.

        Raises:
            Unauthenticated: the token is not good, or stands for no person who agreed to that.

        """
        proof = self.proof(secret)
        if proof is None or proof.person_id is None or "openid" not in proof.scopes:
            raise Unauthenticated(
                "访问令牌无效、已过期，或没有 openid 权限。",
                "The access token is not good, or has no openid scope.",
                code="invalid_token",
            )
        who = self.access.actor_for({}, f"Bearer {secret}")
        return {"sub": proof.person_id, **self.facts_of(who, proof.scopes)}

    def discovery(self) -> Mapping[str, Any]:
        """Return where everything is and what is supported (OpenID Connect Discovery 1.0, RFC 8414)."""
        at, with_secret = self.issuer, ["client_secret_basic", "client_secret_post"]
        return {
            "issuer": at,
            "authorization_endpoint": f"{at}/oauth/authorize",
            "token_endpoint": f"{at}/oauth/token",
            "userinfo_endpoint": f"{at}/oauth/userinfo",
            "jwks_uri": f"{at}/oauth/jwks",
            "revocation_endpoint": f"{at}/oauth/revoke",
            "introspection_endpoint": f"{at}/oauth/introspect",
            "end_session_endpoint": f"{at}/oauth/logout",
            "scopes_supported": [*IDENTITY_SCOPES],
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
            "token_endpoint_auth_methods_supported": [*with_secret, "none"],
            "revocation_endpoint_auth_methods_supported": [*with_secret, "none"],
            "introspection_endpoint_auth_methods_supported": with_secret,
            "code_challenge_methods_supported": ["S256"],
            "claims_supported": [
                "iss",
                "sub",
                "aud",
                "exp",
                "iat",
                "auth_time",
                "nonce",
                "sid",
                "name",
                "org",
                "org_name",
            ],
            "prompt_values_supported": ["none", "login", "consent"],
            "authorization_response_iss_parameter_supported": True,
            "backchannel_logout_supported": True,
            "backchannel_logout_session_supported": True,
            "request_parameter_supported": False,
            "request_uri_parameter_supported": False,
        }

    def leaving(self, hint: str, client_id: str, after: str) -> Leaving:
        """Find who asks that somebody signs out; the browser goes on only to an address that was registered for that."""
        told = verified_claims(hint, self.keys.published()) if hint else None
        named = str(told.get("aud")) if told is not None else client_id
        with self.db.read() as connection:
            found = ClientStore(connection).get(named)
        if found is None or not found.serves or (client_id and client_id != found.id):
            return Leaving(client=None, after="")
        return Leaving(client=found, after=after if after in found.facts.after_uris else "")

    # What the platform's own parts ask

    def proof(self, secret: str) -> TokenProof | None:
        """Return what an access token proves now."""
        if not secret.startswith(TOKEN_PREFIX):
            return None
        with self.db.read() as connection:
            found = TokenStore(connection).good(digest_of_secret(secret), self.clock.now())
        if found is None:
            return None if self.others is None else self.others.proof(secret)
        proof_id = f"{found.client_id}.{found.family_id or mark_of(digest_of_secret(secret))}"
        return TokenProof(
            id=proof_id,
            person_id=found.person_id,
            client_id=found.client_id,
            client_name=found.client_name,
            org_id=found.org_id,
            scopes=found.scopes,
        )

    def standing(self, proof_id: str) -> TokenProof | None:
        """Return what began under a token as of now; it may go on when the token itself is over, not when it was revoked."""
        if not proof_id.startswith(CLIENT_MARK):
            return None if self.others is None else self.others.standing(proof_id)
        client_id, _, rest = proof_id.partition(".")
        with self.db.read() as connection:
            client, store = ClientStore(connection).get(client_id), TokenStore(connection)
            own = store.marked(rest.removeprefix(OWN_MARK), client_id) if rest.startswith(OWN_MARK) else None
            family = None if own is not None else store.family(rest)
        holds = family is not None and family.client_id == client_id and self._lives(family)
        if client is None or not client.serves or not (holds or own is not None):
            return None
        given = own.scopes if own is not None else family.scopes if family is not None else frozenset()
        return TokenProof(
            id=proof_id,
            person_id=None if family is None else family.person_id,
            client_id=client_id,
            client_name=client.facts.name,
            org_id=client.org_id,
            scopes=given & client.facts.scopes,
        )

    def _lives(self, family: SignOnFamily) -> bool:
        return family.ended_at is None and self.clock.now() < family.ends_at

    def said_farewell(self, tx: UnitOfWork, person_id: str, session_id: str | None) -> None:
        """End what applications hold of a session that ends, or of all of somebody's, and have them told."""
        self._end_all(tx, person_id, session_id=session_id)

    def end_family(self, family_id: str, why: str) -> None:
        """End a sign-on whose code or refresh token was used twice: one of the two who have it is a thief."""
        with self.db.begin(counted=False) as tx:
            store = TokenStore(tx.connection)
            family = store.family(family_id)
            ended = family is not None and store.end_family(family_id, self.clock.now())
        if ended and family is not None:
            detail: dict[str, JsonValue] = {"person": family.person_id, "why": why}
            self.evidence.note(
                SYSTEM, "apps.client_replay", target=family.client_id, decision=Decision.DENY, detail=detail
            )

    def revoke(self, token: Token) -> None:
        """Revoke one token, or with a refresh token the whole sign-on."""
        with self.db.begin(counted=False) as tx:
            store = TokenStore(tx.connection)
            if token.kind is TokenKind.REFRESH and token.family_id is not None:
                store.end_family(token.family_id, self.clock.now())
            store.end(token.digest, self.clock.now())

    def facts_of(self, who: Actor, scopes: frozenset[str]) -> dict[str, Any]:
        """Return what may be said of somebody under these scopes."""
        if "profile" not in scopes:
            return {}
        organisation = None if who.org_id is None else self.access.organisation(who.org_id)
        named = {} if organisation is None else {"org": organisation.id, "org_name": organisation.name_zh}
        return {"name": who.name, **named}

    def renew(self, tx: UnitOfWork) -> int:
        """Seal the signing keys anew under the present root key; return how many."""
        return self.keys.renew(tx)

    def start(self) -> None:
        """Begin to tell applications of ended sign-ons, and to sweep what is over. Again is a no-op."""
        self.farewells.start()
        self._sweeping.start()

    def stop(self) -> None:
        """Stop within a second; what waits is told after the next start."""
        self._sweeping.stop()
        self.farewells.stop()

    def sweep(self) -> int:
        """Forget codes, tokens, sign-ons, consents and farewells that were over long before; return how many."""
        now, swept = self.clock.now(), 0
        while not self._sweeping.stopping:
            with self.db.begin(counted=False) as tx:  # in small parts, so that nobody waits for it
                gone = TokenStore(tx.connection).sweep(now - _KEPT, _SWEPT_AT_ONCE)
            swept += gone
            if not gone:
                break
        with self.db.begin(counted=False) as tx:
            swept += ClientStore(tx.connection).sweep_consents(now - _AGREED)
            return swept + FarewellStore(tx.connection).sweep(now - _TOLD)

    def _signs_in_first(
        self, actor: Actor, call: ProtocolCall, prompt: str | None, signed_in_at: datetime | None, *, returned: bool
    ) -> bool:
        if actor.is_anonymous:
            return True
        if returned and signed_in_at is not None and self.clock.now() - signed_in_at < _JUST_NOW:
            return False  # anybody may say that he comes from the sign-in page
        longest = call.value("max_age")
        old = (
            longest.isdecimal()
            and signed_in_at is not None
            and (self.clock.now() - signed_in_at).total_seconds() > int(longest[:9])
        )
        return prompt in {"login", "select_account"} or old

    def _answered(self, grant: Any, who: Actor | None, signed_in_at: datetime | None) -> str:
        """Return the address with a code, or with the refusal; it says who answers (RFC 9207)."""
        grant.request.signed_in_at = signed_in_at
        answer: ProtocolAnswer = self._provider.create_authorization_response(grant.request, who, grant)
        return self._signed(answer.location)

    def _sent_back(self, error: Any, call: ProtocolCall) -> str:
        """Return the address with an error, where there is one that may be gone to."""
        if not error.redirect_uri:
            raise sign_on_refused(str(error.error)) from error
        error.state = call.value("state")
        _, _, headers = error(None)
        return self._signed(dict(headers)["Location"])

    def _signed(self, location: str) -> str:
        return f"{location}&{urlencode({'iss': self.issuer})}"

    def _end_all(
        self, tx: UnitOfWork, person_id: str, client_id: str | None = None, session_id: str | None = None
    ) -> Sequence[SignOnFamily]:
        store, now = TokenStore(tx.connection), self.clock.now()
        found = store.living(person_id, now, client_id, session_id)
        ended = [family for family in found if store.end_family(family.id, now)]
        self.farewells.queue(tx, ended)
        return ended
