"""What was refused is never lost: people see it, take it again, correct it, drop it; and the gateway does it once."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
from tests.gateway.conftest import ITEM, STARTED, priced, stored
from tests.sending import record
from tests.waiting import until
from typer.testing import CliRunner

from panier.message import EventBatch
from panier.trip import CardScanned, Event, HelpRequested, TripAbandoned, TripFinished
from panier_gateway.batch import Batch
from panier_gateway.closing import Settled
from panier_gateway.intake import Intake
from panier_gateway.ledger import Ledger
from panier_gateway.replay.command import replay
from panier_gateway.replay.desk import Desk
from panier_io.store import open_database

DAY = 86_400_000
DONE = TripFinished(units=2, discount=0, total=2)


class Posted:
    """As much of a receipt as the intake needs."""

    def __init__(self, trip) -> None:
        self.receipt, self.total, self.units = trip.trip, trip.finished.total, trip.units

    def model_dump_json(self) -> str:
        return json.dumps({"receipt": self.receipt, "units": self.units})


def records(*happenings):
    events = [Event(sequence=n, at=n, trip="till-1.j.1", what=what) for n, what in enumerate(happenings, start=1)]
    return [record(event) for event in events]


class Counter:
    """A ledger in a directory, its intake, and the command as people call it."""

    def __init__(self, directory) -> None:
        self.directory = directory
        self.ledger = Ledger(directory / "ledger.db")
        self.intake = Intake("shop", self.ledger, lambda trip: Settled(Posted(trip)), lambda trip: trip.member)
        self.desk = Desk(self.ledger, self.intake)

    def send(self, *wanted):
        return self.intake.take_in([Batch("till-1", EventBatch(journal="j", events=list(wanted)))], now=5)[0]

    def run(self, *arguments):
        done = CliRunner().invoke(replay, [*arguments, "--data", str(self.directory), "--json"])
        return done.exit_code, [json.loads(line) for line in done.stdout.splitlines()]

    def receipts(self):
        return [json.loads(parcel.body) for parcel in self.ledger.parcels(99) if parcel.kind == "receipt"]


@pytest.fixture
def counter(tmp_path):
    counter = Counter(tmp_path)
    yield counter
    counter.ledger.close()


def test_an_event_is_corrected_into_its_place_and_the_receipt_has_it(counter, tmp_path):
    start, first, second, end = records(STARTED, ITEM, ITEM, DONE)
    counter.send(start, first, {**second, "what": {**second["what"], "quantity": 0}})
    _, (found,) = counter.run("list")
    (letter,) = found["letters"]
    assert (letter["about"], letter["device"], letter["sequence"]) == ("event", "till-1", 3)
    _, (shown,) = counter.run("show", str(letter["id"]))
    content = json.loads(shown["payload"])
    content["what"]["quantity"] = 1
    (tmp_path / "right.json").write_text(json.dumps(content))
    code, (said,) = counter.run(
        "correct", str(letter["id"]), "--file", str(tmp_path / "right.json"), "--reason", "typo", "--by", "ada"
    )
    assert (code, said["outcome"]) == (0, "written down; the gateway does it when it runs")
    (outcome,) = counter.desk.apply(now=6)
    assert outcome.is_done
    assert counter.desk.apply(now=7) == []
    counter.send(end)
    assert counter.receipts() == [{"receipt": "till-1.j.1", "units": 2}]
    assert counter.ledger.dead_letters.count() == 0
    _, (shown,) = counter.run("show", str(letter["id"]))
    assert [(one["who"], one["why"], one["ok"]) for one in shown["history"]] == [("ada", "typo", True)]


def test_a_trip_whose_start_was_refused_is_taken_again_in_order(counter):
    start, first, end = records(STARTED, ITEM, DONE)
    counter.send({**start, "what": {**start["what"], "currency": "usd"}}, first, end)
    assert counter.receipts() == []
    letters = counter.ledger.dead_letters.waiting()
    with counter.ledger.transaction():
        counter.ledger.dead_letters.decide(letters[0].id, "correct", "ada", "currency", json.dumps(start), 6)
        for letter in letters[1:]:
            counter.ledger.dead_letters.decide(letter.id, "replay", "ada", "", "", 6)
    assert [outcome.is_done for outcome in counter.desk.apply(now=7)] == [True, True, True]
    assert [receipt["receipt"] for receipt in counter.receipts()] == ["till-1.j.1"]
    # Cut short after the events were stored: done again, it changes nothing.
    with counter.ledger.transaction():
        counter.ledger._conn.execute("UPDATE decision SET done_at = NULL")
        counter.ledger._conn.execute("UPDATE dead_letter SET decided_at = NULL")
    assert all("stored already" in outcome.text for outcome in counter.desk.apply(now=8))
    assert len(counter.receipts()) == 1


def test_a_trip_whose_end_was_refused_keeps_its_events_until_somebody_has_dealt_with_it(counter):
    start, first, end = records(STARTED, ITEM, DONE)
    following = [Event(sequence=n, at=n, trip="till-1.j.4", what=what) for n, what in ((4, STARTED), (5, TripAbandoned()))]
    after = [record(event) for event in following]
    counter.send(start, first, {**end, "what": {"kind": "trip_finished_by_a_newer_version"}}, *after)
    counter.intake.tidy(now=40 * DAY)
    assert stored(counter.ledger) == [1, 2]
    (letter,) = counter.ledger.dead_letters.waiting()
    with counter.ledger.transaction():
        counter.ledger.dead_letters.decide(letter.id, "correct", "ada", "after the update", json.dumps(end), 6)
    (outcome,) = counter.desk.apply(now=40 * DAY)
    assert outcome.is_done, outcome.text
    assert counter.receipts() == [{"receipt": "till-1.j.1", "units": 1}]
    counter.ledger.delivered(counter.ledger.parcels(9))
    counter.intake.tidy(now=44 * DAY)
    assert stored(counter.ledger) == []


def test_a_refused_event_is_kept_whole_whatever_its_size_because_its_device_holds_it_no_more(counter):
    start, first, end = records(STARTED, ITEM, DONE)
    taken = counter.send(start, {**first, "what": {**first["what"], "name": "x" * 200_000}}, end)
    assert taken.upto == 3
    (letter,) = counter.ledger.dead_letters.waiting()
    assert json.loads(letter.payload)["what"]["name"] == "x" * 200_000


def test_what_was_done_is_told_although_the_disk_refused_to_note_that_it_is(counter, monkeypatch):
    start, first, end = records(STARTED, ITEM, DONE)
    counter.send({**start, "what": {**start["what"], "currency": ""}}, first, end)
    _, (found,) = counter.run("list")
    for letter in found["letters"]:
        content = {1: start, 2: first, 3: end}[letter["sequence"]]
        right = counter.directory / "right.json"
        right.write_text(json.dumps(content))
        counter.run("correct", str(letter["id"]), "--file", str(right), "--reason", "bug", "--by", "ada")
    close, refusing = counter.ledger.dead_letters.close, [True, False, True]

    def close_or_not(decision, *more):
        if refusing and refusing.pop(0):
            raise sqlite3.OperationalError("disk I/O error")
        close(decision, *more)

    monkeypatch.setattr(counter.ledger.dead_letters, "close", close_or_not)
    for _ in range(2):
        with pytest.raises(sqlite3.OperationalError):
            counter.desk.apply(now=6)
    outcomes = counter.desk.apply(now=6)
    assert [(outcome.is_done, outcome.taken.trip.is_open) for outcome in outcomes] == [(True, True), (True, True), (True, False)]
    assert counter.desk.apply(now=7) == []


def test_what_cannot_be_taken_again_says_why_and_stays(counter):
    start, first, end = records(STARTED, ITEM, DONE)
    counter.send(start, {**first, "what": {"kind": "who_knows"}}, end)
    (letter,) = counter.ledger.dead_letters.waiting()
    for content, reason in (("", "malformed"), ("{", "not_replayable"), (json.dumps(first), "has its receipt")):
        with counter.ledger.transaction():
            counter.ledger.dead_letters.decide(letter.id, "correct", "ada", "", content, 6)
        (outcome,) = counter.desk.apply(now=7)
        assert not outcome.is_done
        assert reason in outcome.text
    assert counter.ledger.dead_letters.count() == 1
    counter.run("drop", str(letter.id), "--reason", "settled by hand")
    counter.run("drop", str(letter.id), "--reason", "again")
    assert [outcome.is_done for outcome in counter.desk.apply(now=8)] == [True, True]
    assert counter.ledger.dead_letters.count() == 0


def test_who_decided_what_and_why_is_kept_and_the_content_leaves_the_disk_after_ninety_days(counter):
    start, card, end = records(STARTED, CardScanned(card="2900000000179"), DONE)
    counter.send({**start, "what": {"kind": "?"}}, card, end)
    letter = counter.ledger.dead_letters.waiting()[0]
    with counter.ledger.transaction():
        counter.ledger.dead_letters.decide(letter.id, "correct", "ada", "typo", json.dumps(start), 6)
        counter.ledger.dead_letters.decide(0, "release", "ada", "enrolled anew", "till-1.j", 6)
    counter.desk.apply(now=6)
    for day, content in ((90, json.dumps(start)), (91, "")):
        counter.intake.tidy(now=day * DAY)
        bodies = [body for (body,) in counter.ledger.connection.execute("SELECT body FROM decision ORDER BY id")]
        assert bodies == [content, "till-1.j"]
    (kept,) = counter.ledger.dead_letters.history(letter.id)
    assert (kept["who"], kept["why"], kept["ok"]) == ("ada", "typo", True)


def test_of_what_was_dealt_with_no_byte_is_left_on_the_disk_after_ninety_days(counter):
    counter.intake.refuse_payload("till-1", "events: noise", b"card 2900000000179", 5)
    (letter,) = counter.ledger.dead_letters.waiting()
    counter.run("drop", str(letter.id), "--reason", "noise")
    counter.desk.apply(now=6)
    counter.intake.tidy(now=91 * DAY)
    assert not any(b"2900000000179" in file.read_bytes() for file in counter.directory.iterdir())


def test_a_batch_under_a_name_that_names_no_trips_is_refused_again_and_the_gateway_starts(counter):
    start = {**records(STARTED)[0], "trip": "till-1.a.b.1"}
    counter.intake.refuse_payload(
        "till-1", "events: it was taken for noise", json.dumps({"journal": "a.b", "events": [start]}).encode(), 5
    )
    (letter,) = counter.ledger.dead_letters.waiting()
    counter.run("replay", str(letter.id))
    (outcome,) = counter.desk.apply(now=6)
    assert not outcome.is_done
    assert "journal: String should match pattern" in outcome.text
    assert Intake("shop", counter.ledger, priced, lambda trip: trip.member).open_trips() == {}


def test_a_letter_that_is_not_there_is_said_and_nothing_is_written(counter):
    code, (said,) = counter.run("drop", "7", "--reason", "x")
    assert (code, said["ok"]) == (1, False)
    assert counter.ledger.dead_letters.decisions() == []


def test_a_directory_without_a_ledger_is_said(tmp_path):
    done = CliRunner().invoke(replay, ["list", "--data", str(tmp_path / "none"), "--json"])
    assert done.exit_code == 1
    assert "is not there" in json.loads(done.stdout)["problems"][0]


def run(*arguments):
    return CliRunner().invoke(replay, [str(one) for one in arguments])


def test_the_gateway_s_settings_say_where_to_look_and_what_is_typed_next_names_them_again(counter, tmp_path):
    settings = tmp_path / "gateway.toml"
    settings.write_text(f'store = "shop"\ndata_dir = "{tmp_path}"\n')
    start, first, *_ = records(STARTED, ITEM)
    counter.send(start, {**first, "what": {"kind": "?"}})
    counter.send(start, {**first, "what": {**first["what"], "quantity": 7}})
    counter.send({**start, "what": {**start["what"], "currency": "SEK"}})
    listed = run("list", "--settings", settings)
    assert "till-1" in listed.stdout
    assert f"`panier replay release till-1.j --reason ... --settings {settings}`" in listed.stdout
    assert f"--data {tmp_path}`" in run("list", "--settings", settings, "--data", tmp_path).stdout
    gone = run("show", 7, "--settings", settings)
    assert (gone.exit_code, gone.stderr) == (1, f"there is no dead letter 7; see `panier replay list --settings {settings}`\n")
    settings.write_text('store = "shop"\ncurrency = "lire"\n')
    wrong = run("list", "--settings", settings)
    assert wrong.exit_code == 1
    assert wrong.stderr.startswith(f"{settings}: currency: ")


@pytest.mark.parametrize("edited", [lambda text: text, lambda text: json.dumps(text), lambda text: f"\ufeff{text}"])
def test_the_payload_is_written_to_a_file_mended_there_and_taken(counter, tmp_path, edited):
    start, first = records(STARTED, ITEM)
    counter.send(start, {**first, "what": {**first["what"], "name": "Crème brûlée", "quantity": 0}})
    (letter,) = counter.ledger.dead_letters.waiting()
    shown = run("show", letter.id, "--payload", "--data", tmp_path).stdout
    assert '    "name": "Crème brûlée",' in shown.splitlines()
    file = tmp_path / "1.json"
    file.write_text(edited(shown.replace('"quantity": 0', '"quantity": 1')), encoding="utf-8")
    assert run("correct", letter.id, "--file", file, "--reason", "typo", "--data", tmp_path).exit_code == 0
    (outcome,) = counter.desk.apply(now=6)
    assert outcome.is_done, outcome.text


def test_a_payload_that_is_no_json_is_shown_as_it_came(counter, tmp_path):
    counter.intake.refuse_payload("till-1", "events: not JSON", b"[[[", 1)
    (letter,) = counter.ledger.dead_letters.waiting()
    assert run("show", letter.id, "--payload", "--data", tmp_path).stdout == "[[[\n"


@pytest.mark.parametrize(("content", "said"), [(b"{'what': 1}", "is no JSON"), (b'{"name": "\xe9"}', "save it as UTF-8")])
def test_a_file_that_cannot_be_read_is_said_before_anything_is_written_down(counter, tmp_path, content, said):
    start, first, end = records(STARTED, ITEM, DONE)
    counter.send(start, {**first, "what": {"kind": "?"}}, end)
    file = tmp_path / "1.json"
    file.write_bytes(content)
    done = run("correct", 1, "--file", file, "--reason", "typo", "--data", tmp_path)
    assert done.exit_code == 1
    assert said in done.stderr
    assert counter.ledger.dead_letters.decisions() == []


@pytest.mark.parametrize("lines", [1, 350])
async def test_what_the_back_office_refused_is_delivered_whole_and_once_when_it_is_replayed(shop, started, item, lines):
    shop.office.refuse = lambda body: "not today" if "lines" in body else None
    till = await shop.till()
    till.add(started, *(item(f"{n:020}") for n in range(lines)), TripFinished(units=lines, discount=0, total=150 * lines))
    for at in range(0, len(till.events), 100):
        await till.send(till.events[at : at + 100])
    await until(lambda: shop.query("SELECT 1 FROM dead_letter"))
    shop.office.refuse = lambda _: None
    data = shop.settings.data_dir

    def call(*arguments):
        return CliRunner().invoke(replay, [*arguments, "--data", str(data), "--json"])

    (letter,) = json.loads((await asyncio.to_thread(call, "list")).stdout)["letters"]
    assert letter["about"] == "receipt"
    done = await asyncio.to_thread(call, "replay", str(letter["id"]), "--by", "ada")
    assert done.exit_code == 0
    assert "waits for the back office again" in done.stdout
    await until(lambda: len(shop.office.receipts) == 1)
    assert len(shop.office.receipts[0]["lines"]) == lines
    await until(lambda: shop.gateway._floor.counters().dead_letters == 0)


async def test_a_released_journal_is_renewed_by_its_device(shop, started, item):
    till = await shop.till()
    events = till.add(started, item())
    await till.send()
    await till.acknowledged(2)
    await till.send([events[0], replace(events[1], what=HelpRequested())])
    await until(lambda: shop.gateway._floor.row("till-1").state == "quarantined")
    arguments = ["release", "till-1.aaaaaa", "--reason", "enrolled anew", "--data", str(shop.settings.data_dir), "--json"]
    done = await asyncio.to_thread(CliRunner().invoke, replay, arguments)
    assert done.exit_code == 0, done.stdout
    await until(lambda: shop.gateway._floor.row("till-1").state != "quarantined")
    await till.send()
    await until(lambda: till.acknowledgements[-1].renew)
    assert till.acknowledgements[-1].upto == 1


async def test_what_is_decided_of_a_trip_shows_on_the_floor_and_at_its_device_at_once(shop, started, item):
    limited = {"id": "uses", "kind": "amount", "amount": "1.00", "usage_limit": 2, "target": {"skus": ["a"]}}
    await shop.office.say("promotion", "uses", limited)
    await until(lambda: shop.gateway._replica.newest[0] == 1)
    till = await shop.till()
    begun, end = till.add(started, TripFinished(units=0, discount=0, total=0))
    await till.send([replace(begun, what=replace(started, currency="usd"))])
    floor, data = shop.gateway._floor, shop.settings.data_dir
    await until(lambda: floor.row("till-1").wrong)

    async def correct(event):
        ((letter,),) = shop.query("SELECT id FROM dead_letter WHERE decided_at IS NULL")
        (data / "right.json").write_text(json.dumps(record(event)))
        arguments = [
            "correct",
            str(letter),
            "--file",
            str(data / "right.json"),
            "--reason",
            "typo",
            "--data",
            str(data),
            "--json",
        ]
        done = await asyncio.to_thread(CliRunner().invoke, replay, arguments)
        assert done.exit_code == 0, done.stdout

    assert floor.row("till-1").state == "idle"
    assert not till._of(till.topics.lease)
    heard = floor.row("till-1").last_at
    await correct(begun)
    await until(lambda: (floor.row("till-1").state, floor.row("till-1").trip) == ("shopping", till.trip))
    await until(lambda: till._of(till.topics.lease))
    assert floor.row("till-1").last_at == heard
    await until(lambda: floor.row("till-1").wrong is None)
    await till.send_raw(EventBatch(journal=till.journal, events=[{**record(end), "what": {"kind": "?"}}]).encode())
    await until(lambda: shop.query("SELECT 1 FROM dead_letter WHERE decided_at IS NULL"))
    await until(lambda: (floor.row("till-1").wrong or "").startswith("1 event refused: "))
    await correct(end)
    await until(lambda: floor.row("till-1").wrong is None)
    await until(lambda: floor.row("till-1").state == "idle")
    await until(lambda: len(shop.office.receipts) == 1)


@pytest.fixture
def refused(counter):
    """A ledger with one dead letter, which nobody has open."""
    start, item = records(STARTED, ITEM)
    counter.send(start, {**item, "what": {**item["what"], "quantity": 0}})
    counter.ledger.close()
    return counter


def opened_with(monkeypatch, pragma):
    """Every ledger is told this before it is used."""

    def opened(path):
        database = open_database(path)
        database.conn.execute(f"PRAGMA {pragma}")
        return database

    monkeypatch.setattr("panier_gateway.ledger.open_database", opened)


def test_looking_takes_no_turn_to_write_and_a_decision_that_finds_none_says_so(refused, monkeypatch):
    opened_with(monkeypatch, "busy_timeout = 0")
    with closing(sqlite3.connect(refused.directory / "ledger.db", isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        code, (found,) = refused.run("list")
        assert (code, len(found["letters"])) == (0, 1)
        assert refused.run("show", "1")[0] == 0
        code, (said,) = refused.run("drop", "1", "--reason", "a test")
        assert (code, "ledger.db: another process writes just now: database is locked; try again" in said["problems"][0]) == (
            1,
            True,
        )


@pytest.mark.parametrize("command", [("list",), ("show", "1"), ("drop", "1", "--reason", "a test")])
def test_a_damaged_ledger_is_named_and_left_for_the_gateway_to_mend(refused, command):
    file = refused.directory / "ledger.db"
    file.write_bytes(b"no database at all" * 500)
    code, (said,) = refused.run(*command)
    assert code == 1
    assert "ledger.db: a file of the gateway is damaged: file is not a database; restart the gateway" in said["problems"][0]
    assert [one.name for one in refused.directory.iterdir()] == ["ledger.db"]


def test_a_ledger_of_an_older_format_is_not_read_before_the_gateway_has_brought_it_up(refused):
    with closing(sqlite3.connect(refused.directory / "ledger.db")) as old:
        old.execute("UPDATE fact SET value = '3' WHERE name = 'format'")
        old.commit()
    code, (said,) = refused.run("list")
    assert (code, "has format 3; this version reads 4: start the gateway once" in said["problems"][0]) == (1, True)


def test_a_full_disk_is_named_where_a_decision_is_to_be_written(refused, monkeypatch):
    opened_with(monkeypatch, "max_page_count = 1")
    content = refused.directory / "right.json"
    content.write_text(json.dumps({"more": "x" * 100_000}))
    code, (said,) = refused.run("correct", "1", "--file", str(content), "--reason", "a test")
    assert (code, "the gateway's disk refuses: database or disk is full; free some space" in said["problems"][0]) == (1, True)
