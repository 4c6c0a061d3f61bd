"""The policies: parsed and strictly validated once, asked at every access. Any doubt is a refusal."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from beijiang.access.errors import PolicyFault
from beijiang.access.models import Permission
from beijiang.kit import SYSTEM, Actor

if TYPE_CHECKING:
    import cedarpy

log = logging.getLogger(__name__)

_SUBJECTS = 4096
_VERDICTS = 65_536


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer of the policies: the ids of those that decided, and what failed while they were evaluated."""

    allowed: bool
    reasons: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


class Policies:
    """One epoch of the policies: parsed handles that answer a question in some 300 microseconds, and once.

    An answer depends on nothing but the facts in the question, roles and scopes and organisation included: whoever loses one asks
    another question. So answers are remembered for as long as these policies are in force; a failure is not.

    Raises:
        PolicyFault: a policy does not fit the schema, or schema and permissions differ.

    """

    def __init__(self, policies: str, schema: str) -> None:
        import cedarpy

        self._cedar = cedarpy
        self.digest = hashlib.sha256(f"{schema}\x00{policies}".encode()).hexdigest()
        faults = [str(error) for error in cedarpy.validate_policies(policies, schema).errors]
        if faults:
            raise PolicyFault("; ".join(faults))
        self._policies = cedarpy.PolicySet.from_str(policies)
        self._schema = cedarpy.Schema.from_str(schema)
        self._subject = lru_cache(_SUBJECTS)(self._make_subject)
        self._verdict = lru_cache(_VERDICTS)(self._answer)
        unknown = [p for p in Permission if not self.decide(SYSTEM, p, None).allowed]
        if unknown:
            raise PolicyFault(f"not in the schema, or not open to the platform itself: {', '.join(unknown)}")

    def decide(self, actor: Actor, permission: str, org_id: str | None) -> Verdict:
        """Answer one question; an error in any policy, even in one that forbids, is a refusal."""
        try:
            return self._verdict(str(actor.kind), actor.org_id, actor.roles, actor.scopes, str(permission), org_id)
        except Exception as exc:
            log.exception("the policy engine failed on %s; refused", permission)
            return Verdict(allowed=False, errors=(type(exc).__name__,))

    def _answer(
        self,
        kind: str,
        own_org: str | None,
        roles: frozenset[str],
        scopes: frozenset[str] | None,
        permission: str,
        org_id: str | None,
    ) -> Verdict:
        request = {
            "principal": {"type": "Subject", "id": "subject"},
            "action": {"type": "Action", "id": permission},
            "resource": {"type": "Platform", "id": "beijiang"}
            if org_id is None
            else {"type": "Organisation", "id": org_id},
            "context": {"permission": permission},
        }
        subject = self._subject(kind, own_org, roles, scopes)
        return _verdict(self._cedar.is_authorized(request, self._policies, subject, self._schema))

    def _make_subject(
        self, kind: str, org_id: str | None, roles: frozenset[str], scopes: frozenset[str] | None
    ) -> cedarpy.Entities:
        facts: dict[str, Any] = {"kind": kind, "roles": sorted(roles)}
        if org_id is not None:
            facts["org"] = {"__entity": {"type": "Organisation", "id": org_id}}
        if scopes is not None:
            facts["scopes"] = sorted(scopes)
        entity = {"uid": {"type": "Subject", "id": "subject"}, "attrs": facts, "parents": []}
        return self._cedar.Entities.from_json_str(json.dumps([entity]), self._schema)


def _verdict(answer: cedarpy.AuthzResult) -> Verdict:
    errors = tuple(str(error) for error in answer.diagnostics.errors)
    names = answer.diagnostics.id_annotations_by_reason
    reasons = tuple(sorted(names.get(reason, reason) for reason in answer.diagnostics.reasons))
    return Verdict(allowed=answer.allowed and not errors, reasons=reasons, errors=errors)


@cache
def packaged_policies() -> Policies:
    """Return the policies that ship with the platform."""
    folder = resources.files("beijiang.access") / "policies"
    texts = [(folder / name).read_text("utf-8") for name in ("roles.cedar", "limits.cedar")]
    return Policies("\n".join(texts), (folder / "schema.cedarschema").read_text("utf-8"))
