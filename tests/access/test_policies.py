"""Who may do what: the packaged policies, and what happens when policies are wrong."""

from dataclasses import replace
from importlib import resources

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beijiang.access import ADMINISTRATORS, Access, Permission, Role, watch_questions
from beijiang.access.errors import PolicyFault
from beijiang.access.service import Policies
from beijiang.evidence import EvidenceQuery
from beijiang.kit import ANONYMOUS, SYSTEM, Actor, ActorKind, Denied, Unauthenticated
from beijiang.settings import Settings

from .conftest import World

FOLDER = resources.files("beijiang.access") / "policies"
TEXTS = "\n".join((FOLDER / name).read_text("utf-8") for name in ("roles.cedar", "limits.cedar"))
SCHEMA = (FOLDER / "schema.cedarschema").read_text("utf-8")

OPERATOR_ONLY = {Permission.ACCESS_ADMINISTRATOR_MANAGE, Permission.TABLES_TABLE_DROP}
EVERYONE = {
    Permission.ACCESS_ORGANISATION_READ,
    Permission.APPS_APP_OPEN,
    Permission.CATALOG_RESOURCE_SEARCH,
    Permission.EVIDENCE_RECEIPT_READ,
    Permission.OPENDATA_DATASET_READ,
    Permission.OPENDATA_VOICE_RAISE,
    Permission.PROTECTION_ROWS_READ_OPEN,
    Permission.STANDARDS_RULE_READ,
}
BEYOND_OWN_ORGANISATION = (
    EVERYONE
    | {
        Permission.ACCESS_KEY_ISSUE,
        Permission.ACCESS_PASSWORD_CHANGE,
        Permission.CATALOG_TASK_READ,
        Permission.FUSION_LIBRARY_READ,
        Permission.MINING_GRAPH_READ,  # each question opens the gate for its tables, and graphs that are not shared are not there
        Permission.OPENDATA_OWN_KEEP,
        Permission.PROTECTION_PRIVATE_ASK,
        Permission.PROTECTION_ROWS_READ_GRANTED,
        Permission.PROTECTION_ROWS_READ_SHARED,
        Permission.PROTECTION_SQL_RUN,
        Permission.QUALITY_TICKET_RAISE,
        Permission.STANDARDS_PROPOSAL_READ,
    }
)
DATA_WORK = {p for p in Permission if p.split(":")[0] in ("exchange", "ingest", "tables")} | {
    Permission.APPS_APP_BUILD,
    Permission.APPS_APP_RELEASE,
    Permission.APPS_APP_REVIEW,
    Permission.PROTECTION_PRIVATE_APPROVE,
    Permission.PROTECTION_PRIVATE_ASK,
    Permission.PROTECTION_PRIVATE_OFFER,
    Permission.PROTECTION_ROWS_READ_GRANTED,
    Permission.PROTECTION_ROWS_READ_OWN,
    Permission.PROTECTION_ROWS_READ_SHARED,
    Permission.PROTECTION_ROWS_REVIEW,
    Permission.PROTECTION_SQL_RUN,
    Permission.CATALOG_RESOURCE_APPROVE,
    Permission.CATALOG_RESOURCE_EDIT,
    Permission.CATALOG_RESOURCE_PUBLISH,
}


def person(*roles: str, org: str | None = "bigdata") -> Actor:
    return Actor(id="per_x", name="某人", kind=ActorKind.PERSON, org_id=org, roles=frozenset(roles))


def granted(world: World, actor: Actor, org: str | None) -> set[Permission]:
    return {p for p in Permission if world.access.allows(actor, p, org)}


def test_permissions_are_alphabetised_of_one_form_and_described() -> None:
    assert list(Permission) == sorted(Permission)
    for permission in Permission:
        scope, resource, action = permission.split(":")
        assert permission.name == f"{scope}_{resource}_{action}".upper()
        assert permission.text.zh != permission.text.en
        assert len(permission.text.zh) > 2


def test_every_permission_is_held_by_some_role_or_kept_for_the_operator(embedded: World) -> None:
    held = {
        p for role in Role for p in granted(embedded, person(role), "bigdata") | granted(embedded, person(role), None)
    }
    held |= granted(embedded, replace(person(Role.MEMBER), org_id=None), None)  # the public is of no department
    assert set(Permission) - held == OPERATOR_ONLY


def test_the_platform_itself_may_do_everything(embedded: World) -> None:
    assert granted(embedded, SYSTEM, None) == granted(embedded, SYSTEM, "bigdata") == set(Permission)


def test_visitors_may_only_look_at_what_is_open_and_say_what_they_think(embedded: World) -> None:
    assert granted(embedded, ANONYMOUS, None) == granted(embedded, ANONYMOUS, "bigdata") == EVERYONE


def test_a_person_without_a_role_may_do_what_a_visitor_may_and_change_the_password(embedded: World) -> None:
    assert granted(embedded, person(), "bigdata") == EVERYONE | {Permission.ACCESS_PASSWORD_CHANGE}


@pytest.mark.parametrize("role", [Role.STEWARD, Role.ORG_REVIEWER, Role.ANALYST])
def test_roles_of_one_organisation_have_no_rights_over_another(embedded: World, role: Role) -> None:
    mine, theirs = granted(embedded, person(role), "bigdata"), granted(embedded, person(role), "education")
    assert theirs <= BEYOND_OWN_ORGANISATION
    assert Permission.PROTECTION_ROWS_READ_OWN in mine - theirs


def test_a_steward_writes_nothing_platform_wide(embedded: World) -> None:
    writing = {Permission.TABLES_TABLE_WRITE, Permission.INGEST_RUN_SUBMIT, Permission.CATALOG_RESOURCE_EDIT}
    assert writing <= granted(embedded, person(Role.STEWARD), "bigdata")
    assert not writing & granted(embedded, person(Role.STEWARD), None)


def test_a_steward_without_organisation_has_no_organisation_rights(embedded: World) -> None:
    assert granted(embedded, person(Role.STEWARD, org=None), "bigdata") <= BEYOND_OWN_ORGANISATION


@pytest.mark.threat("TM-13")
@pytest.mark.parametrize("role", sorted(ADMINISTRATORS))
def test_administrators_hold_no_data_right_even_beside_data_roles(embedded: World, role: Role) -> None:
    forbidden = DATA_WORK - {Permission.INGEST_RUN_READ, Permission.INGEST_RUN_CANCEL}
    reading = {Permission.TABLES_TABLE_READ_METADATA, Permission.TABLES_TABLE_COMPACT}
    for org in (None, "bigdata"):
        assert not granted(embedded, person(role), org) & DATA_WORK
        assert not granted(embedded, person(role, *(set(Role) - ADMINISTRATORS)), org) & (forbidden - reading)


@pytest.mark.threat("TM-13")
def test_the_three_administrators_share_no_power(embedded: World) -> None:
    powers = {role: granted(embedded, person(role), None) for role in ADMINISTRATORS}
    assert Permission.ACCESS_PERSON_MANAGE in powers[Role.SYS_ADMIN]
    assert Permission.ACCESS_PERSON_MANAGE not in powers[Role.SEC_ADMIN] | powers[Role.AUDIT_ADMIN]
    assert Permission.ACCESS_ROLE_ASSIGN in powers[Role.SEC_ADMIN]
    assert Permission.ACCESS_ROLE_ASSIGN not in powers[Role.SYS_ADMIN] | powers[Role.AUDIT_ADMIN]
    assert Permission.EVIDENCE_LOG_READ in powers[Role.AUDIT_ADMIN]
    assert Permission.EVIDENCE_LOG_READ not in powers[Role.SYS_ADMIN] | powers[Role.SEC_ADMIN]


def test_require_tells_visitors_to_sign_in_and_others_what_they_lack(world: World) -> None:
    with pytest.raises(Unauthenticated):
        world.access.require(ANONYMOUS, Permission.TABLES_TABLE_WRITE, "bigdata")
    with pytest.raises(Denied, match="write to a table") as refused:
        world.access.require(world.actor("bao"), Permission.TABLES_TABLE_WRITE, "bigdata")
    assert "写入数据表" in refused.value.text.zh
    assert refused.value.detail == {"permission": "tables:table:write"}
    world.access.require(world.actor("wang"), Permission.TABLES_TABLE_WRITE, "bigdata")


def test_a_refusal_is_recorded_with_the_policy_in_force(world: World) -> None:
    with pytest.raises(Denied):
        world.access.require(world.actor("bao"), Permission.TABLES_TABLE_WRITE, "bigdata")
    world.evidence.flush()
    record = world.evidence.page(EvidenceQuery(action="access.denied")).records[0]
    assert (record.actor_id, record.target, record.decision) == (world.id("bao"), "tables:table:write", "deny")
    assert record.detail["org"] == "bigdata"
    assert record.detail["policy"] == world.access.policy


def test_an_unknown_permission_is_an_error_not_an_answer(embedded: World) -> None:
    with pytest.raises(ValueError, match="tables:table:invented"):
        embedded.access.allows(SYSTEM, "tables:table:invented")


def test_questions_are_seen_by_whoever_watches(embedded: World) -> None:
    with watch_questions() as questions:
        embedded.access.allows(ANONYMOUS, Permission.OPENDATA_DATASET_READ)
    embedded.access.allows(SYSTEM, Permission.OPENDATA_DATASET_READ)
    assert [(q.actor_id, q.permission, q.allowed) for q in questions] == [
        ("anonymous", Permission.OPENDATA_DATASET_READ, True)
    ]


MISSPELT = 'permit (principal, action, resource) when { principal.rolls.contains("steward") };'
UNSAFE = "permit (principal, action, resource) when { resource == principal.org };"
UNKNOWN_ACTION = 'permit (principal, action == Action::"tables:table:invented", resource);'


@pytest.mark.threat("TM-14")
@pytest.mark.parametrize("wrong", [MISSPELT, UNSAFE, UNKNOWN_ACTION, "permit ("])
def test_wrong_policies_do_not_start(wrong: str) -> None:
    with pytest.raises(PolicyFault):
        Policies(f"{TEXTS}\n{wrong}", SCHEMA)


@pytest.mark.threat("TM-14")
def test_a_permission_missing_from_the_schema_does_not_start() -> None:
    lacking = SCHEMA.replace('  "tables:table:drop",\n', "")
    texts = TEXTS.replace('    Action::"tables:table:drop",\n', "")
    with pytest.raises(PolicyFault, match="tables:table:drop"):
        Policies(texts, lacking)


FAILING_FORBID = """
@id("fails-when-asked")
forbid (principal, action == Action::"tables:table:write", resource)
when { principal.kind == "person" && 9223372036854775807 + 1 > 0 };
"""


@pytest.mark.threat("TM-14")
def test_a_forbid_that_fails_while_it_is_evaluated_refuses(world: World) -> None:
    """The engine skips a failing forbid and says Allow; the error beside it must weigh more."""
    import cedarpy

    entity = {
        "uid": {"type": "Subject", "id": "s"},
        "attrs": {
            "kind": "person",
            "roles": ["steward"],
            "org": {"__entity": {"type": "Organisation", "id": "bigdata"}},
        },
        "parents": [],
    }
    request = {
        "principal": {"type": "Subject", "id": "s"},
        "action": {"type": "Action", "id": "tables:table:write"},
        "resource": {"type": "Organisation", "id": "bigdata"},
        "context": {"permission": "tables:table:write"},
    }
    bare = cedarpy.is_authorized(request, TEXTS + FAILING_FORBID, [entity], SCHEMA)
    assert bare.allowed  # The trap is real.
    assert bare.diagnostics.errors

    options = Settings.for_tests(world.folder)
    access = Access(world.db, world.evidence, world.clock, options, Policies(TEXTS + FAILING_FORBID, SCHEMA))
    with pytest.raises(Denied):
        access.require(world.actor("wang"), Permission.TABLES_TABLE_WRITE, "bigdata")
    access.require(world.actor("wang"), Permission.TABLES_TABLE_ROLLBACK, "bigdata")
    world.evidence.flush()
    assert world.evidence.page(EvidenceQuery(action="access.policy_error")).records[0].decision == "deny"


@pytest.mark.threat("TM-14")
def test_a_subject_that_does_not_fit_the_schema_is_refused(embedded: World) -> None:
    broken = Actor(id="x", name="x", kind=ActorKind.PERSON, org_id="bigdata", roles=frozenset({1}))  # type: ignore[arg-type]
    with pytest.raises(Denied):
        embedded.access.require(broken, Permission.OPENDATA_DATASET_READ)


@given(st.lists(st.tuples(st.sampled_from(sorted(Role)), st.sampled_from(["bigdata", "education", None])), max_size=8))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_answer_remembered_for_one_standing_is_never_given_to_another(
    embedded: World, standings: list[tuple[Role, str | None]]
) -> None:
    """Roles come and go between the questions; every answer is what policies that were never asked anything say."""
    fresh, asked = Policies(TEXTS, SCHEMA), Permission.TABLES_TABLE_WRITE
    for role, org in [*standings, *reversed(standings)]:
        actor = Actor(id="p", name="p", kind=ActorKind.PERSON, org_id=org, roles=frozenset({str(role)}))
        bare = replace(actor, roles=frozenset())
        assert embedded.access.allows(actor, asked, "bigdata") == fresh.decide(actor, asked, "bigdata").allowed
        assert not embedded.access.allows(bare, asked, "bigdata")


def test_names_from_outside_cannot_break_out_of_the_question(embedded: World) -> None:
    for org in ('bigdata" || true', "education\n", 'x"}', "", "\x00"):
        hostile = person(Role.STEWARD, org=org)
        assert Permission.TABLES_TABLE_WRITE not in granted(embedded, hostile, "bigdata")
        assert Permission.TABLES_TABLE_WRITE not in granted(embedded, person(Role.STEWARD), org)
