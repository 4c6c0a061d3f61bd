"""The people of the demo region: made-up names, generated passwords, one role each."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from beijiang.access import PersonDraft, Role
from beijiang.demo.exchanging import BELOW
from beijiang.demo.models import APPROVER, OWNER
from beijiang.demo.sharing import LEAD, PROVIDER
from beijiang.kit import SYSTEM, Actor

if TYPE_CHECKING:
    from beijiang.access import Access

BUREAU = "bigdata"
TOGETHER = 2
_ALPHABET = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One generated account; the password is known to the first-login file and nobody else."""

    login: str
    name: str
    role: str
    org_id: str
    password: str


def wanted(org_ids: Iterable[str]) -> list[tuple[str, str, Role, str]]:
    """Return login, name, role and organisation of everybody the tour needs."""
    stewards = [(f"steward.{org}", "演示专员", Role.STEWARD, org) for org in sorted(set(org_ids))]
    return [
        *stewards,
        *((f"steward.{name}", "演示专员", Role.STEWARD, org) for name, org in BELOW.items()),
        (LEAD, "演示部门审核员", Role.ORG_REVIEWER, PROVIDER),
        (APPROVER, "演示部门审核员", Role.ORG_REVIEWER, OWNER),
        ("reviewer", "演示审核员", Role.BUREAU_REVIEWER, BUREAU),
        ("publisher", "演示发布员", Role.BUREAU_PUBLISHER, BUREAU),
        ("analyst", "演示分析员", Role.ANALYST, BUREAU),
        ("sysadmin", "演示系统管理员", Role.SYS_ADMIN, BUREAU),
        ("secadmin", "演示安全管理员", Role.SEC_ADMIN, BUREAU),
        ("auditor", "演示审计管理员", Role.AUDIT_ADMIN, BUREAU),
    ]


class People:
    """The accounts of the demo, kept in a file that only the operator can read until everybody has signed in."""

    def __init__(self, access: Access, path: Path) -> None:
        self._access = access
        self._path = path
        self.accounts = self._load()

    def ensure(self, org_ids: Iterable[str]) -> None:
        """Add whoever is missing: a one-time code is exchanged for a generated password, as a person would."""
        known = {account.login for account in self.accounts}
        existing = {person.login: person.id for person in self._access.people(SYSTEM)}
        missing = [one for one in wanted(org_ids) if one[0] not in known]
        with ThreadPoolExecutor(TOGETHER) as pool:  # hashing a password is slow on purpose
            for account in pool.map(lambda one: self._open(one, existing.get(one[0])), missing):
                self.accounts.append(account)
                self._save()

    def _open(self, who: tuple[str, str, Role, str], person_id: str | None) -> Account:
        login, name, role, org_id = who
        if person_id is not None:  # the last start was killed between making the account and keeping its password
            code = self._access.reset_person(SYSTEM, person_id).code
        else:
            draft = PersonDraft(login=login, name=name, org_id=org_id, roles=frozenset({role}))
            _, code = self._access.add_person(SYSTEM, draft)
        return Account(login=login, name=name, role=role.value, org_id=org_id, password=self._opened(login, code))

    def take_in(self, login: str, name: str, code: str) -> Actor:
        """Open the account of a member of the public with the code of the registration, and keep its password."""
        password = self._opened(login, code)
        self.accounts.append(Account(login=login, name=name, role=Role.MEMBER.value, org_id="", password=password))
        self._save()
        return self.actor(login)

    def _opened(self, login: str, code: str) -> str:
        password = _password()
        fresh = self._access.sign_in(login, code, "demo")
        changed = self._access.change_password(fresh.actor, code, password)
        self._access.sign_out(changed.token)
        return password

    def actor(self, login: str) -> Actor:
        """Return somebody as the one who acts."""
        return self._access.actor_for_person(login)

    def _load(self) -> list[Account]:
        if not self._path.exists():
            return []
        return [Account(**row) for row in json.loads(self._path.read_text(encoding="utf-8"))]

    def _save(self) -> None:
        draft = self._path.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps([asdict(a) for a in self.accounts], ensure_ascii=False, indent=1), encoding="utf-8")
        draft.replace(self._path)


def _password() -> str:
    """Return 20 characters in four groups, about 115 bits."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(4))
