"""Every verb that a person can reach asks for access, itself or through the verb it hands the actor to."""

import ast
import inspect
import textwrap

from beijiang.build import Platform

MACHINERY: dict[str, set[str]] = {
    "Access": {
        "actor_for",
        "actor_for_person",
        "csrf",
        "current",
        "member_code",
        "member_digest",
        "organisation",
        "organisations",
        "session",
        "sign_in",
        "sign_out",
    },
    "Bench": {"work"},
    "Apps": {
        "bundle_of",
        "check_audience",
        "check_filled",
        "check_statements",
        "opened",
        "own_grants",
        "reading",
        "spoken",
    },
    "AppServers": {"pid", "start", "stop", "watch"},
    "AppJobs": {"watch", "work"},
    "Alerts": {"clear", "open", "renew", "say"},
    "Assess": {"indicators", "watch"},
    "Cascade": {"afar", "on_entry_moved", "version", "watch"},
    "Catalog": {
        "candidate",
        "advance_release",
        "apply_grades",
        "cycle_of",
        "earlier",
        "hold_count",
        "last_release",
        "on_table_written",
        "release_as",
        "released",
        "releases",
        "resource_for_table",
        "today",
        "warm",
    },
    "Contracts": {"announced"},
    "Demands": {"due", "watch"},
    "Stops": {"watch"},
    "Disputes": {"due", "on_dispute_won", "on_entry_moved", "watch"},
    "Exchange": {"cut_off", "due", "heard", "not_taken", "on_doubt_moved", "on_grant_moved", "standing", "watch"},
    "FlightSql": {"leaves", "listens", "state"},
    "Forecasts": {"on_indicator_released", "on_table_written", "work", "writer_of"},
    "Fusion": {"on_table_written", "work", "writer_of"},
    "Harvests": {"work"},
    "Intersections": {"renew", "watch", "work"},
    "FreshnessBoard": {"watch"},
    "Glance": {"glimpse"},
    "Health": {"alive", "examine"},
    "Ingest": {"kept", "recover", "request_of", "settle", "work", "writer_of"},
    "HealthWatch": {"settle", "stop", "watch"},
    "Jobs": {"nudge", "pulse", "register", "run_inline", "start_worker", "still_open", "stop", "wait"},
    "Schedules": {"is_working", "rest"},
    "Captures": {"left_behind"},
    "Sources": {"connector_of", "connect", "locked_out", "verify_work", "work"},
    "Streams": {"attend", "check_windows", "locked_out", "serves", "stop", "verify_work", "work"},
    "PlanTables": {"watch", "work", "writer_of"},
    "WorkPlan": {"watch"},
    "StreamRules": {"hear", "heard", "start", "stop", "tick", "write_records", "writer_of"},
    "Windows": {"on_table_written", "work"},
    "Protection": {
        "prepare_masks",
        "rules_at",
        "all_facts",
        "facts",
        "grades_of",
        "on_mapping_moved",
        "on_table_written",
        "on_version_cleared",
        "page_secret",
        "refusal",
        "tier_of",
        "today",
        "view_of",
    },
    "Mappings": {"on_elements_changed", "on_table_written"},
    "Monitors": {"on_table_written", "watch"},
    "Learning": {"model_work", "score_work", "set_work", "watch", "writer_of"},
    "LinkWatch": {"clear", "deeds", "watch"},
    "Letters": {
        "close",
        "hears",
        "part",
        "post_due",
        "reads",
        "receive",
        "send",
        "start",
        "stop",
        "watch",
        "withdraw",
        "write",
    },
    "Lineage": {"declare", "namespace", "on_table_written"},
    "Holds": {"held", "keeps_table"},
    "Succession": {"watch"},
    "Templates": {"due", "gaps", "watch"},
    "Relay": {
        "address",
        "admit",
        "api",
        "client_of",
        "done",
        "entrance",
        "host",
        "label_of",
        "leave",
        "own_headers",
        "passed",
        "reach",
        "redeem",
        "shown",
        "told",
    },
    "Recalls": {"announced", "keeps_back", "left", "recalled", "watch"},
    "Openings": {"offered"},
    "Packages": {"watch"},
    "Servings": {"watch", "work"},
    "PackageReads": {"described"},
    "Pushes": {"called", "carry_out", "renew_secrets", "run_due", "start", "stop", "watch"},
    "Quality": {
        "aging_work",
        "agree",
        "broken",
        "held",
        "keeps_back",
        "on_table_written",
        "preset",
        "presets",
        "published_score",
        "rehearse",
        "watch",
        "work",
    },
    "Recipes": {"on_table_written", "work", "writer_of"},
    "Keepings": {"echo", "followers"},
    "Portals": {"drawn", "is_home", "of_code", "of_host"},
    "Live": {"end", "leave", "pulse"},
    "Follows": {"followers", "matching", "number_following", "opened", "renew"},
    "Spreading": {"hear", "round", "start", "stop", "tell_due", "watch"},
    "Mail": {"end_by_link", "hear", "post", "renew", "require_set_up", "send_due", "start", "stop"},
    "Nodes": {"card", "greet"},
    "Travels": {
        "dispute",
        "entry",
        "leave",
        "on_dispute_came",
        "on_link_ended",
        "on_parcel_wanted",
        "on_request_moved",
        "renew",
        "take_back",
        "watch",
    },
    "Notices": {"pulse", "start", "stop", "sweep", "take", "watch"},
    "Shares": {"actor_for", "fetch", "watch"},
    "Services": {"answered", "locked_out", "probe_due", "probed", "renew", "stop", "watch"},
    "Registrations": {"applicant", "due", "renew", "watch"},
    "SqlGateway": {"bound"},
    "Releases": {"keeps_back"},
    "SignOn": {
        "discovery",
        "end_family",
        "facts_of",
        "introspection",
        "leaving",
        "proof",
        "renew",
        "revocation",
        "revoke",
        "said_farewell",
        "standing",
        "start",
        "stop",
        "sweep",
        "token",
        "userinfo",
    },
    "Subscriptions": {"admit", "admit_api", "done", "done_api", "flush"},
    "Statistics": {"count", "write"},
    "Tables": {"recover", "writers_of"},
    "Texts": {"lost"},
    "Tickets": {"doubts", "in_doubt", "on_version_judged", "watch"},
    "Voices": {"due", "renew", "watch"},
    "Witnesses": {"add_checkpoint", "handover", "watch"},
}
"""Public methods without an actor, per class: what the platform's own parts call. Each is listed on purpose.

``Catalog.release_as`` takes several actors and asks for each of its steps. ``Witnesses.add_checkpoint`` is decided by the signature
of a trusted log, whoever carries it; ``Witnesses.handover`` tells everybody which key of this installation follows which. ``Letters.receive``
and ``Nodes.greet`` are decided by the signature of a linked node and by the one-use code of an invitation.
"""

ASKING = {"require", "allows", "permitted"}


def test_every_verb_with_an_actor_asks(platform: Platform) -> None:
    silent = []
    for service in platform.services():
        for name, method in _verbs(type(service)):
            if "actor" in inspect.signature(method).parameters and not _asks(type(service), name, set()):
                silent.append(f"{type(service).__module__}.{type(service).__name__}.{name}")
    assert not silent, "\n".join(silent)


def test_every_verb_without_an_actor_is_known_machinery(platform: Platform) -> None:
    unknown = []
    for service in platform.services():
        known = MACHINERY.get(type(service).__name__, set())
        for name, method in _verbs(type(service)):
            if "actor" not in inspect.signature(method).parameters and name not in known:
                unknown.append(f"{type(service).__name__}.{name}")
    assert not unknown, "\n".join(unknown)


def _verbs(kind: type) -> list[tuple[str, object]]:
    return [(n, m) for n, m in inspect.getmembers(kind, inspect.isfunction) if not n.startswith("_")]


def _asks(kind: type, name: str, seen: set[str]) -> bool:
    """Look for ``....require(...)`` or a call that passes ``actor`` on; follow private methods of the class."""
    if name in seen or not hasattr(kind, name):
        return False
    seen.add(name)
    tree = ast.parse(textwrap.dedent(inspect.getsource(getattr(kind, name))))
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr in ASKING:
            return True
        own = isinstance(node.func.value, ast.Name) and node.func.value.id == "self"
        if own and _asks(kind, node.func.attr, seen):
            return True
        first = node.args[0] if node.args else None
        if not own and isinstance(first, ast.Name) and first.id == "actor" and not _is_record(node.func.attr):
            return True
    return False


def _is_record(name: str) -> bool:
    """Evidence takes an actor too, but writing a record is no question."""
    return name.startswith("record")
