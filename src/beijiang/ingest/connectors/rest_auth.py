"""How a web service is shown who asks: keys, passwords, tokens, and the national exchange platform's signed headers."""

from __future__ import annotations

import base64
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import quote_plus, urlencode

from beijiang.ingest.connectors import rest_troubles as troubles
from beijiang.ingest.connectors.documents import find, parse
from beijiang.ingest.connectors.rest_exchange import ExchangeKeys
from beijiang.ingest.connectors.troubles import source_refuses
from beijiang.outbound import Credentials

if TYPE_CHECKING:
    from beijiang.ingest.connectors.rest_options import RestOptions
    from beijiang.outbound import Http

__all__ = ["Auth"]

_EARLY: Final = 30.0
"""Seconds before its end in which a token is not used any more."""
_OK: Final = 200
_BUSY: Final = 500
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}


class Auth:
    """The credentials of one source, with a token that is kept for as long as this object lives."""

    def __init__(self, options: RestOptions) -> None:
        self._options = options
        self._secret = options.secret.get_secret_value()
        self._token = ""
        self._until = 0.0
        self._exchange = ExchangeKeys(options)

    def credentials(self, http: Http, service: str) -> Credentials:
        """Return what goes with a request to an end-point."""
        given = self._options
        if given.auth == "key":
            pair = {given.key_name: self._secret}
            return Credentials(pair) if given.key_in == "header" else Credentials(query=pair)
        if given.auth == "basic":
            return Credentials({"Authorization": _basic(f"{given.user}:{self._secret}")})
        if given.auth == "bearer":
            return Credentials({"Authorization": f"Bearer {self._secret}"})
        if given.auth == "oauth2":
            return Credentials({"Authorization": f"Bearer {self._fresh(http)}"})
        if given.auth == "exchange":
            return Credentials(self._exchange.headers(http, service))
        return Credentials()

    def renew(self) -> bool:
        """Forget a token that was refused; tell whether another one can be had."""
        had, self._token = bool(self._token), ""
        return self._exchange.forget() or had

    def _fresh(self, http: Http) -> str:
        if self._token and time.monotonic() < self._until:
            return self._token
        given = self._options
        form = {"grant_type": "client_credentials", **({"scope": given.scope} if given.scope else {})}
        shown = None
        if given.client_auth == "basic":
            shown = Credentials({"Authorization": _basic(f"{quote_plus(given.user)}:{quote_plus(self._secret)}")})
        else:
            form |= {"client_id": given.user, "client_secret": self._secret}
        content = urlencode(form).encode("ascii")
        answer = http.fetch("POST", given.token_url, headers=_FORM, credentials=shown, content=content)
        if answer.status >= _BUSY:
            raise troubles.busy(answer.status)
        if answer.status != _OK:
            raise source_refuses("source_login_failed", str(answer.status))
        body = parse(answer.body, answer.headers.get("content-type", ""))
        token, life = find(body, ("access_token",)), find(body, ("expires_in",))
        if not isinstance(token, str) or not token:
            raise source_refuses("source_login_failed", "no access_token")
        seconds = float(life[:9]) if isinstance(life, str) and life[:9].isdigit() else 300.0
        self._token, self._until = str(token), time.monotonic() + max(seconds - _EARLY, 0.0)
        return self._token


def _basic(pair: str) -> str:
    return "Basic " + base64.b64encode(pair.encode("utf-8")).decode("ascii")
