"""What the store keeps, and how it is asked for: projects, tokens, reports, findings, decisions, checks; on both databases."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from contract.core.lifecycle import State
from contract.stores import sql
from contract.stores.store import BadCursor, Busy, Conflict, Store, Unfit

from .reports import DAY, START, add, everything, fingerprints, golden, many, project, raw, told

MINUTE = timedelta(minutes=1)


# --- projects ---------------------------------------------------------------------------------------------------------


def test_a_project_is_made_once(store: Store) -> None:
    assert store.project("demo") is None
    made = store.project("demo", create=True, now=START)
    assert made is not None and (made.name, made.created_at, made.changes) == ("demo", START, 0)
    assert store.project("demo", create=True, now=START + DAY) == made == store.project("demo")
    other = project(store, "Ärger & 甲")
    assert store.projects() == (made, other)


@pytest.mark.parametrize("name", ["", "x" * 201])
def test_a_name_that_no_index_holds_is_refused(store: Store, name: str) -> None:
    with pytest.raises(Unfit):
        store.project(name, create=True, now=START)
    assert store.projects() == ()


# --- tokens -----------------------------------------------------------------------------------------------------------


def test_of_a_token_only_the_hash_is_kept(store: Store, url: str) -> None:
    assert not store.any_token()
    token, secret = store.create_token(project(store), "write", "ci", None, START)
    kind, public_id, random = secret.split("_")
    assert (kind, public_id, len(bytes.fromhex(random))) == ("ctr", token.public_id, 32)
    assert store.any_token()
    engine = sql.engine(sql.address(url))
    with engine.connect() as connection:
        row = connection.execute(text("SELECT * FROM token")).mappings().one()
    engine.dispose()
    assert row["sha256"] == hashlib.sha256(secret.encode()).hexdigest()
    assert random not in repr(dict(row))
    assert (token.project, token.scope, token.label, token.last_used_at) == ("demo", "write", "ci", None)


def test_no_two_secrets_are_alike(store: Store) -> None:
    made = {store.create_token(None, "read", "", None, START)[1] for _ in range(20)}
    assert len(made) == 20


def test_a_secret_opens_only_its_own_token(store: Store) -> None:
    one, secret = store.create_token(None, "admin", "", None, START)
    other, another = store.create_token(None, "read", "", None, START)
    assert store.check_token(secret, START) == one
    assert store.check_token(another, START) == other
    head, _, tail = secret.rpartition("_")
    wrong = [
        "",
        "ctr",
        "ctr_",
        head,
        f"{head}_",
        tail,
        f"{head}_{tail[:-1]}",
        f"{head}_{tail[:-1]}{'0' if tail[-1] != '0' else '1'}",
        f"{head}_{tail.upper()}x",
        f"ctr_{other.public_id}_{tail}",
        f"ctr_{'0' * 16}_{tail}",
        f"xyz_{one.public_id}_{tail}",
        f"{head}_{tail}é",
        f"{head}\0_{tail}",
        f"{head}' OR '1'='1_{tail}",
    ]
    assert [text for text in wrong if store.check_token(text, START) is not None] == []


def test_secrets_are_compared_in_constant_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    import hmac

    compared: list[tuple[str, str]] = []

    def compare(one: str, other: str, own: Any = hmac.compare_digest) -> bool:
        compared.append((one, other))
        return bool(own(one, other))

    monkeypatch.setattr(hmac, "compare_digest", compare)
    _, secret = store.create_token(None, "read", "", None, START)
    store.check_token(secret, START)
    store.check_token(f"ctr_{'0' * 16}_{'0' * 64}", START)  # of an unknown token too
    assert [len(one) == len(other) == 64 for one, other in compared] == [True, True]


def test_a_token_holds_until_it_expires(store: Store) -> None:
    token, secret = store.create_token(None, "read", "", START + DAY, START)
    assert store.check_token(secret, START + DAY - MINUTE) is not None
    assert store.check_token(secret, START + DAY) is None
    assert token.expires_at == START + DAY


def test_a_token_holds_until_it_is_revoked(store: Store) -> None:
    token, secret = store.create_token(None, "read", "", None, START)
    assert store.revoke(token.public_id, START + MINUTE)
    assert store.check_token(secret, START + MINUTE) is None
    assert store.revoke(token.public_id, START + DAY)
    assert [each.revoked_at for each in store.tokens()] == [START + MINUTE]
    assert not store.revoke("unknown", START)


def test_the_last_use_is_noted_once_a_minute(store: Store) -> None:
    _, secret = store.create_token(None, "read", "", None, START)
    noted = []
    for seconds in (0, 30, 59, 60, 61, 200, 10):  # in the end the clock steps back
        store.check_token(secret, START + timedelta(seconds=seconds))
        (token,) = store.tokens()
        assert token.last_used_at is not None
        noted.append((token.last_used_at - START).seconds)
    assert noted == [0, 0, 0, 60, 60, 200, 200]


def test_tokens_are_listed_by_project(store: Store) -> None:
    one, other = project(store), project(store, "other")
    mine, _ = store.create_token(one, "read", "mine", None, START)
    theirs, _ = store.create_token(other, "read", "theirs", None, START)
    all_of_them, _ = store.create_token(None, "admin", "all", None, START)
    assert store.tokens(one) == (mine,)
    assert store.tokens() == (mine, theirs, all_of_them)


# --- reports ----------------------------------------------------------------------------------------------------------


def test_a_report_is_kept_byte_for_byte_with_its_figures(store: Store) -> None:
    report = told("drift", "r-1", environment="ci", release="2026.11")
    row = add(store, project(store), report)
    assert store.body(project(store), "r-1") == raw(report)
    assert store.report(project(store), "r-1") == row
    kpis = report["kpis"]
    assert (row.environment, row.release, row.commit, row.source) == ("ci", "2026.11", "4be2790", "routes,fuzz,types")
    assert (row.started_at, row.received_at) == (START, START + MINUTE)
    assert (row.completeness_part, row.completeness_whole, row.completeness_verdict) == (14, 15, "fail")
    assert (row.drift_count, row.drift_verdict) == (kpis["drift"]["count"], "fail")
    assert (row.exercised_part, row.exercised_whole) == (14, 14)
    assert (row.generation_part, row.generation_whole) == (36, 36)
    assert (row.exit_code, row.sentence) == (report["outcome"]["exit_code"], report["outcome"]["sentence"])
    assert (row.findings, row.body_bytes) == (len(fingerprints(report)), len(raw(report)))
    assert store.report(project(store), "r-2") is store.body(project(store), "r-2") is None


def test_the_same_report_again_changes_nothing(store: Store) -> None:
    report = told("drift", "r-1")
    before = add(store, project(store), report)
    of = project(store)
    lives, events = everything(store, of, START), store.events(of).items
    assert store.add_report(of, report, raw(report), START + DAY, "somebody else") == (before, False)
    assert (project(store), everything(store, of, START), store.events(of).items) == (of, lives, events)


def test_other_bytes_under_the_same_run_id_are_a_conflict(store: Store) -> None:
    add(store, project(store), told("drift", "r-1"))
    before = everything(store, project(store), START)
    other = told("clean", "r-1")
    with pytest.raises(Conflict, match="'r-1'"):
        store.add_report(project(store), other, raw(other), START, "ci")
    assert everything(store, project(store), START) == before
    add(store, project(store, "other"), other)  # a run id is one of a project


def test_a_report_of_hostile_texts_is_kept_as_it_is_and_found_again(store: Store) -> None:
    report = golden("hostile")
    report["run"]["id"] = "r\0\ud800 甲'\"%s;--"
    report["run"]["environment"] = "e\0\udfff"
    body = raw(report)
    row, created = store.add_report(project(store), report, body, START, "c\0i")
    assert created and row.started_at == START  # what it says is no time
    assert store.add_report(project(store), report, body, START, "ci") == (row, False)
    assert store.body(project(store), report["run"]["id"]) == body
    found = everything(store, project(store), START, environment=report["run"]["environment"])
    assert {each.fingerprint for each in found} == fingerprints(report)
    rows = {row["fingerprint"]: row for row in report["findings"] if not row["operations"] and row["state"] != "absent"}
    assert {each.fingerprint: each.row for each in found if each.fingerprint in rows} == rows


@pytest.mark.parametrize(("key", "value"), [("id", ""), ("id", "x" * 201), ("environment", "x" * 201)])
def test_a_run_whose_name_no_index_holds_is_refused(store: Store, key: str, value: str) -> None:
    report = told("drift", "r-1")
    report["run"][key] = value
    with pytest.raises(Unfit):
        store.add_report(project(store), report, raw(report), START, "ci")
    assert store.reports(project(store)).items == ()


def test_figures_of_any_size_are_kept(store: Store) -> None:
    report = told("drift", "r-1")
    report["kpis"]["completeness"]["whole"] = 10**30
    assert add(store, project(store), report).completeness_whole == 2**63 - 1


@pytest.mark.parametrize(
    "said", ["", "yesterday", "2026-11-01T12:00:00", "0001-01-01T00:00:00+14:00", "9999-01-01T00:00:00Z"]
)
def test_a_report_that_says_no_time_that_can_be_is_one_of_now(store: Store, said: str) -> None:
    report = told("drift", "r-1")
    report["run"]["started_at"] = said
    assert add(store, project(store), report, START).started_at == START


def test_reports_come_newest_first_page_by_page_while_more_come_in(store: Store) -> None:
    of = project(store)
    for number in range(7):
        add(store, of, told("clean", f"r-{number}", START + (number // 2) * DAY, "ab"[number % 2]))
    found, after = [], None
    for number in range(20):
        page = store.reports(of, after=after, limit=2)
        found += [row.run_id for row in page]
        after = page.next
        if after is None:
            break
        add(store, of, told("clean", f"later-{number}", START + 90 * DAY))
    assert found == ["r-6", "r-5", "r-4", "r-3", "r-2", "r-1", "r-0"]
    assert [row.run_id for row in store.reports(of, environment="b")] == ["r-5", "r-3", "r-1"]
    assert store.environments(of) == ("", "a", "b")


def test_the_latest_report_is_the_one_that_started_last(store: Store) -> None:
    of = project(store)
    assert store.latest(of) is None
    add(store, of, told("clean", "r-2", START + 2 * DAY, "ci"))
    add(store, of, told("no-evidence", "r-3", START + 3 * DAY, "staging"))
    add(store, of, told("drift", "r-1", START + DAY, "ci"), START + 9 * DAY)
    latest = {
        (environment, having): (row.run_id if (row := store.latest(of, environment, having)) is not None else None)
        for environment in (None, "ci", "staging")
        for having in (None, "completeness", "generation", "drift")
    }
    assert latest == {
        (None, None): "r-3",
        (None, "completeness"): "r-2",
        (None, "generation"): "r-2",
        (None, "drift"): "r-2",
        ("ci", None): "r-2",
        ("ci", "completeness"): "r-2",
        ("ci", "generation"): "r-2",
        ("ci", "drift"): "r-2",
        ("staging", None): "r-3",
        ("staging", "completeness"): None,
        ("staging", "generation"): None,
        ("staging", "drift"): None,
    }


# --- findings ---------------------------------------------------------------------------------------------------------


def test_pages_of_findings_are_complete_and_without_doubles_while_more_come_in(store: Store) -> None:
    of = project(store)
    first = many(40, "r-1")
    add(store, of, first)
    found, after = [], None
    for number in range(100):
        page = store.findings(of, now=START, after=after, limit=3)
        found += list(page)
        after = page.next
        if after is None:
            break
        more = many(40, f"later-{number}", START, f"e{number % 3}")
        for index, row in enumerate(more["findings"]):
            row["fingerprint"] = f"{number:020x}{index + 1:020x}"
        if number < 4:
            add(store, of, more)
    assert len(found) == len({each.id for each in found})
    assert {each.fingerprint for each in found if each.environment == ""} == fingerprints(first)


def test_findings_come_worst_first_and_resolved_ones_last(store: Store) -> None:
    of = project(store)
    add(store, of, many(6, "r-1"))
    better = many(6, "r-2", START + DAY)
    better["findings"] = better["findings"][1:]
    add(store, of, better)
    found = everything(store, of, START + DAY)
    assert [(each.level, each.life.state.value) for each in found] == [
        ("error", "ongoing"),
        ("warning", "ongoing"),
        ("warning", "ongoing"),
        ("note", "ongoing"),
        ("note", "ongoing"),
        ("error", "resolved"),
    ]


def test_each_filter_narrows_what_is_found(store: Store) -> None:
    of = project(store)
    add(store, of, told("drift", "r-1", environment="ci", release="1"))
    add(store, of, told("drift", "r-2", START + DAY, "ci", lambda row: row["rule"] == "response-schema", "2"))
    add(store, of, told("drift", "r-3", START, "staging", release="1"))
    now = START + 8 * DAY - timedelta(hours=12)
    all_of_them = everything(store, of, now)
    assert len({each.state(now) for each in all_of_them}) > 2
    cases: list[tuple[dict[str, Any], Any]] = [
        ({"environment": "ci"}, lambda each: each.environment == "ci"),
        ({"environment": ""}, lambda each: False),
        ({"rule": "response-schema"}, lambda each: each.rule == "response-schema"),
        ({"release": "2"}, lambda each: each.release == "2"),
        ({"operation": all_of_them[0].operation}, lambda each: each.operation == all_of_them[0].operation),
        ({"rule": "no-such-rule"}, lambda each: False),
        ({"level": "fatal"}, lambda each: False),
        *(({"level": level}, lambda each, level=level: each.level == level) for level in ("error", "warning", "note")),
        *(({"state": state}, lambda each, state=state: each.state(now) is state) for state in State),
        ({"state": {"stale", "resolved"}}, lambda each: each.state(now) in (State.STALE, State.RESOLVED)),
        ({"state": {"new", "ongoing", "stale"}}, lambda each: each.state(now) is not State.RESOLVED),
        (
            {"environment": "ci", "level": "note", "state": "stale"},
            lambda each: each.environment == "ci" and each.level == "note" and each.state(now) is State.STALE,
        ),
    ]
    for filters, kept in cases:
        wanted = [each for each in all_of_them if kept(each)]
        assert everything(store, of, now, **filters) == wanted, filters
    for environment in (None, "ci", "staging"):
        counted: dict[tuple[str, str], int] = {}
        for each in everything(store, of, now, environment=environment):
            key = (each.state(now).value, each.level)
            counted[key] = counted.get(key, 0) + 1
        assert store.totals(of, now=now, environment=environment) == counted


@pytest.mark.parametrize("cursor", ["", "1", "1.", ".1", "a.b", "1.2.3", "1.1' OR 1=1", "٣.١", "9" * 30 + ".1", "\0"])
def test_a_cursor_that_no_page_gave_is_refused(store: Store, cursor: str) -> None:
    of = project(store)
    for ask in (store.reports, store.events, store.checks):
        with pytest.raises(BadCursor):
            ask(of, after=cursor)
    with pytest.raises(BadCursor):
        store.findings(of, now=START, after=cursor)


@pytest.mark.parametrize("largest", [2**31, 10**18 - 1])
def test_a_cursor_beyond_all_columns_is_one_behind_everything(store: Store, largest: int) -> None:
    """PostgreSQL compares no integer with more than it holds, and SQLite does."""
    of = project(store)
    store.add_check(of, "ada", START)
    assert [each.number for each in store.checks(of, after=f"0.{largest}").items] == [1]
    assert store.findings(of, now=START, after=f"{largest}.{largest}").items == ()


def test_a_finding_of_several_operations_is_one_of_each(store: Store) -> None:
    report = told("drift", "r-1")
    folded = next(row for row in report["findings"] if row["operations"])
    add(store, project(store), report)
    for member in folded["operations"]:
        found = store.finding(project(store), member["fingerprint"])
        assert found is not None
        assert (found.cause, found.operation) == (folded["fingerprint"], f"{member['method']} {member['path']}")
        assert found.row["operation"] == {"method": member["method"], "path": member["path"]}
        assert (found.row["operations"], found.row["fingerprint"]) == ([], member["fingerprint"])
    assert store.finding(project(store), folded["fingerprint"]) is None


def test_nothing_of_another_project_is_found(store: Store) -> None:
    mine, theirs = project(store), project(store, "other")
    report = told("drift", "r-1")
    add(store, theirs, report)
    store.add_check(theirs, "ci", START)
    fingerprint = min(fingerprints(report))
    assert store.finding(mine, fingerprint) is None
    assert store.decide(mine, fingerprint, None, "accepted", "why", None, "me", START) is None
    assert (store.report(mine, "r-1"), store.body(mine, "r-1"), store.latest(mine), store.check(mine, 1)) == (None,) * 4
    assert (*store.reports(mine), *store.findings(mine, now=START), *store.events(mine), *store.checks(mine)) == ()
    assert (store.totals(mine, now=START), store.environments(mine)) == ({}, ())
    assert store.events(mine, fingerprint).items == ()


# --- decisions --------------------------------------------------------------------------------------------------------


def test_who_decided_what_is_kept(store: Store) -> None:
    of = project(store)
    report = told("drift", "r-1", environment="ci")
    add(store, of, report)
    key, until = min(fingerprints(report)), START + 3 * DAY
    accepted = store.decide(of, key, "ci", "accepted", "known", None, "anna", START + DAY)
    exempt = store.decide(of, key, "ci", "exempt", "until the release", until, "ben", START + 2 * DAY)
    assert accepted is not None and exempt is not None
    assert (accepted.decision, accepted.reason, accepted.until, accepted.decided_by, accepted.decided_at) == (
        *("accepted", "known", None, "anna"),
        START + DAY,
    )
    assert (exempt.decision, exempt.reason, exempt.until, exempt.decided_by) == (
        *("exempt", "until the release", until),
        "ben",
    )
    assert (exempt.decided(until - MINUTE), exempt.decided(until)) == ("exempt", "")
    add(store, of, told("drift", "r-2", START + DAY, "ci"), START + 3 * DAY)
    kept = store.finding(of, key, "ci")
    assert kept is not None and (kept.decision, kept.life.state) == (
        "exempt",
        State.ONGOING,
    )  # a report decides nothing
    opened = store.decide(of, key, "ci", "", "it hurts", None, "carla", START + 4 * DAY)
    assert opened is not None and (opened.decision, opened.reason, opened.decided_by) == ("", None, None)
    told_of = [(each.who, each.what, each.at, dict(each.detail)) for each in store.events(of, key, "ci")]
    assert told_of == [
        ("carla", "reopened", START + 4 * DAY, {"reason": "it hurts", "until": None}),
        ("ben", "exempt", START + 2 * DAY, {"reason": "until the release", "until": until.isoformat()}),
        ("anna", "accepted", START + DAY, {"reason": "known", "until": None}),
        ("ci", "new", START + MINUTE, {"run_id": "r-1"}),
    ]
    assert store.events(of, key, "staging").items == ()
    with pytest.raises(ValueError, match="no decision"):
        store.decide(of, key, "ci", "forgotten", None, None, "me", START)


def test_a_decision_is_one_of_an_environment(store: Store) -> None:
    of = project(store)
    report = told("drift", "r-1", START, "ci")
    add(store, of, report)
    add(store, of, told("drift", "r-2", START + DAY, "staging"))
    key = min(fingerprints(report))
    store.decide(of, key, "ci", "accepted", "known", None, "anna", START)
    assert [each.decision for each in (store.finding(of, key, "ci"), store.finding(of, key, "staging")) if each] == [
        "accepted",
        "",
    ]
    found = store.finding(of, key)
    assert found is not None and found.environment == "staging"  # where it was seen last


def test_a_change_of_what_is_told_counts_up(store: Store) -> None:
    counts = []
    report = told("drift", "r-1")
    for change in (
        lambda of: None,
        lambda of: store.add_report(of, report, raw(report), START, "ci"),
        lambda of: store.add_report(of, report, raw(report), START, "ci"),
        lambda of: store.decide(of, min(fingerprints(report)), None, "accepted", "", None, "me", START),
        lambda of: store.decide(of, "unknown", None, "accepted", "", None, "me", START),
    ):
        change(project(store))
        counts.append(project(store).changes)
    assert counts == [0, 1, 1, 2, 2]


def test_events_come_newest_first_page_by_page(store: Store) -> None:
    of = project(store)
    add(store, of, many(10, "r-1"))
    found, after = [], None
    while True:
        page = store.events(of, after=after, limit=4)
        found += [each.id for each in page]
        after = page.next
        if after is None:
            break
    assert found == sorted(found, reverse=True)
    assert [each.what for each in store.events(of, limit=50)] == ["reported", *["new"] * 10]


# --- checks -----------------------------------------------------------------------------------------------------------


def test_a_check_waits_runs_and_ends(store: Store) -> None:
    of = project(store)
    made = store.add_check(of, "anna", START, "contract.toml")
    assert (made.number, made.state, made.config, made.who, made.project) == (
        1,
        "queued",
        "contract.toml",
        "anna",
        "demo",
    )
    claimed = store.claim(START + MINUTE)
    assert claimed is not None and (claimed.id, claimed.state, claimed.started_at) == (
        made.id,
        "running",
        START + MINUTE,
    )
    assert store.claim(START + MINUTE) is None
    assert store.progress(claimed, {"step": "walk", "done": 3}, START + 2 * MINUTE)
    shown = store.check(of, 1)
    assert shown is not None and (dict(shown.progress), shown.heartbeat) == (
        {"step": "walk", "done": 3},
        START + 2 * MINUTE,
    )
    assert store.finish(claimed, START + 3 * MINUTE, run_id="r-1")
    shown = store.check(of, 1)
    assert shown is not None and (shown.state, shown.run_id, shown.finished_at) == ("done", "r-1", START + 3 * MINUTE)
    assert not store.progress(claimed, {}, START + 4 * MINUTE)
    store.add_check(of, "anna", START)
    again = store.claim(START)
    assert again is not None and store.finish(again, START, message="the target does not answer")
    assert [(each.number, each.state, each.message) for each in store.checks(of)] == [
        (2, "failed", "the target does not answer"),
        (1, "done", None),
    ]
    assert [each.number for each in store.checks(of, after=store.checks(of, limit=1).next)] == [1]


def test_one_check_of_a_project_waits_or_runs(store: Store) -> None:
    of, other = project(store), project(store, "other")
    store.add_check(of, "anna", START)
    for _ in ("queued", "running"):
        with pytest.raises(Busy) as busy:
            store.add_check(of, "ben", START)
        assert busy.value.check.number == 1
        store.claim(START)
    store.add_check(other, "ben", START)
    claimed = store.claim(START)
    assert claimed is not None and (claimed.project, claimed.number) == ("other", 1)


@pytest.mark.parametrize("minutes", [2, -2], ids=["silent", "the clock was set back"])
def test_a_check_without_a_sign_of_life_is_interrupted(store: Store, minutes: int) -> None:
    of = project(store)
    store.add_check(of, "anna", START)
    claimed = store.claim(START)
    assert claimed is not None
    assert store.interrupt_stale(START + timedelta(seconds=59)) == 0
    later = START + minutes * MINUTE
    assert store.interrupt_stale(later) == 1
    assert store.interrupt_stale(later) == 0
    assert not store.finish(claimed, later, run_id="r-1")
    shown = store.check(of, 1)
    assert shown is not None and (shown.state, shown.run_id, shown.finished_at) == ("interrupted", None, later)
    assert store.add_check(of, "anna", START).number == 2


def test_a_time_without_a_zone_is_a_mistake(store: Store) -> None:
    with pytest.raises(Exception, match="without a zone"):
        store.add_check(project(store), "anna", START.replace(tzinfo=None))


def test_rows_are_json_that_other_programs_read(store: Store) -> None:
    add(store, project(store), told("drift", "r-1"))
    assert all(json.loads(each.row_json) == each.row for each in everything(store, project(store), START))
