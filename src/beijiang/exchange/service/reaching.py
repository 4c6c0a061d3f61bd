"""Going out to a service of a department: checked addresses, no redirects, signed, within its time, repeated only where that is safe."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from beijiang.crypto import call_headers
from beijiang.exchange.models import CallOutcome, ServiceAuth
from beijiang.exchange.models.calling import Fitted, fitted
from beijiang.ingest import json_document, json_find, json_text, service_signer
from beijiang.kit import BeijiangError, Invalid, TooLarge, Unavailable
from beijiang.outbound import Use

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from beijiang.exchange.models import ServiceSpec
    from beijiang.exchange.models.calling import Bound
    from beijiang.outbound import Credentials, Http, HttpAnswer, Outbound

__all__ = ["Came", "Reach", "check_place", "place_of"]

_PAUSES: Final = (0.1, 0.3, 0.9)
_BUSY: Final = frozenset({408, 425, 429})
_LOGIN: Final = frozenset({401, 403})
_CLIENT: Final = 400
_ERRORS: Final = 500
_OK: Final = range(200, 300)
_EMPTY: Final = 204
_KEPT: Final = 256
_BY_PARAMETERS: Final = frozenset({"outbound_bad_header", "outbound_bad_url"})
"""What is wrong with an address that was good when it was declared: parameters made it so."""
_SIGNED_BY_CONNECTOR: Final = frozenset({ServiceAuth.KEY, ServiceAuth.BASIC, ServiceAuth.BEARER, ServiceAuth.EXCHANGE})


@dataclass(frozen=True, slots=True)
class Came:
    """What came of a call: its outcome, the records that fit, and why it went wrong."""

    outcome: CallOutcome
    millis: int
    fit: Fitted
    reason: str = ""
    error: BeijiangError | None = None
    """What went wrong in the words of the platform; it may name the address, so only the provider reads it."""
    attempts: int = 1

    @property
    def breaks(self) -> bool:
        """Tell whether it speaks against the service itself; what parameters of a consumer cause does not."""
        return self.outcome in {CallOutcome.FAILED, CallOutcome.TIMEOUT}


class Reach:
    """Makes the calls; keeps the keys that key services gave, nothing else."""

    def __init__(self, outbound: Outbound, zone: ZoneInfo) -> None:
        self._outbound = outbound
        self._zone = zone
        self._signers: dict[tuple[str, str], Any] = {}

    def call(self, spec: ServiceSpec, secret: str, asked: Bound, org_id: str) -> Came:
        """Ask a service and hold its answer against what was declared; it never raises for what the service does."""
        begun = time.monotonic()
        attempts, outbound = 0, self._outbound.bound(Use.CALL, org_id)
        while True:
            attempts += 1
            left = spec.seconds - (time.monotonic() - begun)
            came = self._once(spec, secret, asked, (begun, left), outbound)
            repeat = came.breaks and spec.method == "GET" and attempts <= spec.retries
            pause = _PAUSES[min(attempts, len(_PAUSES)) - 1]
            if not repeat or time.monotonic() - begun + pause >= spec.seconds or _is_final(came):
                return Came(came.outcome, came.millis, came.fit, came.reason, came.error, attempts)
            time.sleep(pause)

    def _once(
        self, spec: ServiceSpec, secret: str, asked: Bound, times: tuple[float, float], outbound: Outbound
    ) -> Came:
        begun, left = times
        try:
            answer = self._answer(spec, secret, asked, left, outbound)
            outcome, reason, fit = self._judged(spec, answer)
            error = None
        except BeijiangError as caught:
            outcome, reason, fit, error = _outcome_of(caught), caught.reason, Fitted(), caught
        return Came(outcome, round((time.monotonic() - begun) * 1000), fit, reason, error)

    def _answer(self, spec: ServiceSpec, secret: str, asked: Bound, left: float, outbound: Outbound) -> HttpAnswer:
        from beijiang.outbound import Http, HttpLimits

        limits = HttpLimits(body=spec.body_kib * 1024, seconds=left, idle=left, redirects=0)
        headers = {"Accept": "application/json", **asked.headers}
        if asked.body is not None:
            headers["Content-Type"] = "application/json"
        with Http(outbound, limits, spec.authority) as http:
            shown = self._credentials(http, spec, secret, asked)
            answer = http.fetch(spec.method, asked.url, headers=headers, credentials=shown, content=asked.body)
            signer = self._signers.get(_key(spec, secret))
            if answer.status in _LOGIN and signer is not None and signer.renew():
                shown = self._credentials(http, spec, secret, asked)
                answer = http.fetch(spec.method, asked.url, headers=headers, credentials=shown, content=asked.body)
        return answer

    def _credentials(self, http: Http, spec: ServiceSpec, secret: str, asked: Bound) -> Credentials:
        from beijiang.outbound import Credentials, parsed

        if spec.auth is ServiceAuth.SIGNED:
            call = (spec.method, str(parsed(asked.url)), asked.body or b"")
            return Credentials(call_headers(secret, spec.user, time.time(), secrets.token_hex(16), call))
        if spec.auth not in _SIGNED_BY_CONNECTOR:
            return Credentials()
        key = _key(spec, secret)
        signer = self._signers.get(key)
        if signer is None:
            options = {**spec.model_dump(include=_OPTIONS), "secret": secret}
            base = str(options.pop("base_url"))
            if len(self._signers) >= _KEPT:
                self._signers.clear()
            signer = self._signers[key] = service_signer(base, options)
        shown: Credentials = signer.credentials(http, spec.code)
        return shown

    def _judged(self, spec: ServiceSpec, answer: HttpAnswer) -> tuple[CallOutcome, str, Fitted]:
        outcome, reason = _of_status(answer.status)
        if outcome is not CallOutcome.OK or answer.status == _EMPTY:
            return outcome, reason, Fitted()
        try:
            document = json_document(answer.body, answer.headers.get("content-type", ""))
            code = json_find(document, spec.ok)[1] if spec.ok else None
            if spec.ok and json_text(code)[1] not in spec.ok_values:
                return CallOutcome.DECLINED, "service_code", Fitted()
            fit = fitted(spec, document, json_find, json_text, self._zone)
        except Invalid as error:
            return CallOutcome.BREACH, error.reason, Fitted(unfit=1, problems={f"/: {error.reason}": 1})
        if not fit.unfit:
            return CallOutcome.OK, "", fit
        partly = spec.severity == "quarantine" and fit.records > 0
        return (CallOutcome.PARTLY if partly else CallOutcome.BREACH), "service_contract", fit


_OPTIONS: Final = {"base_url", "auth", "user", "key_name", "key_in", "key_url", "key_cipher", "key_made_by"}


def _of_status(status: int) -> tuple[CallOutcome, str]:
    """Say what a status means: what a consumer's parameters bring about is not held against the service."""
    if status in _OK:
        return CallOutcome.OK, ""
    failed = status >= _ERRORS or status in _BUSY or status in _LOGIN or status < _CLIENT
    return (CallOutcome.FAILED if failed else CallOutcome.DECLINED), f"status_{status}"


def _key(spec: ServiceSpec, secret: str) -> tuple[str, str]:
    return spec.model_dump_json(include=_OPTIONS), secret


def _outcome_of(error: BeijiangError) -> CallOutcome:
    if isinstance(error, TooLarge):
        return CallOutcome.BREACH
    if error.reason in _BY_PARAMETERS:
        return CallOutcome.DECLINED
    timed_out = isinstance(error, Unavailable) and error.reason == "outbound_timeout"
    return CallOutcome.TIMEOUT if timed_out else CallOutcome.FAILED


def _is_final(came: Came) -> bool:
    """Tell whether another try cannot help: an address that may not be reached, a redirect, a wrong certificate."""
    return came.error is not None and not came.error.transient


def check_place(spec: ServiceSpec) -> None:
    """Return if the addresses of a service may be asked for at all; whether they may be reached is seen at every call.

    Raises:
        Invalid: no http(s) address, or one with a query or a password.

    """
    from beijiang.outbound import parsed

    for url in (spec.base_url, *([spec.key_url] if spec.key_url else [])):
        found = parsed(url)
        if found.query or "#" in url:
            raise Invalid(
                "基础地址不能带查询参数；请把参数写入参数清单。",
                "The address has no query; declare parameters instead.",
                code="service_address",
            )


def place_of(spec: ServiceSpec) -> str:
    """Return the host and port that calls of a service go to."""
    from beijiang.outbound import parsed

    found = parsed(spec.base_url)
    return f"{found.host}:{found.port or (443 if found.scheme == 'https' else 80)}"
