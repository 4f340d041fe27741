"""The staff monitor: who needs someone first, one key acts, and it says when it is blind."""

from __future__ import annotations

import asyncio

import pytest
from textual.widgets import Static

from panier.message import Act, Counters, LiveRow, UnknownRow
from panier_gateway.monitor.pricing import PriceIt, Wrong, price_of
from panier_gateway.monitor.screen import Details, MonitorApp, facts
from panier_gateway.monitor.view import Urgency, cells, duration, figures, in_order, urgency, wrong
from panier_io.session import NotConnected

NOON = 1_790_000_000_000
MINUTE = 60_000


def row(device, state="idle", **known):
    trip = {"trip": f"{device}.j.1", "since": NOON - 4 * MINUTE} if state in {"shopping", "help"} else {}
    return LiveRow.model_validate({"device": device, "state": state, "last_at": NOON, "currency": "USD"} | trip | known)


FLOOR = [
    row("till-01"),
    row("till-02", "shopping", lines=6, units=14, total=3825, member=True, battery=80),
    row("till-03", "shopping", lines=2, units=2, total=480, wrong="1 event refused: malformed: event: at"),
    row("till-04", "help", lines=9, units=11, total=10250, help_since=NOON - MINUTE, battery=62),
    row("till-05", "help", lines=1, units=1, total=99, help_since=NOON - 3 * MINUTE),
    row("till-06", "offline", trip="till-06.j.1", since=NOON - 20 * MINUTE, total=1200, lines=4, last_at=NOON - 9 * MINUTE),
    row("till-07", "offline", last_at=0),
    row("till-08", "shopping", lines=3, total=700, battery=9),
    row("till-09", "quarantined", wrong="two devices use one identity: enrol one of them anew"),
    row("till-10", "shopping", lines=3, total=700, wrong="help is on the way"),
]  # fmt: skip
COUNTERS = Counters(
    trips_open=6, trips_finished=212, turnover=812345, currency="USD", incidents=3, dead_letters=1, help_answered=9,
    help_seconds_median=74, backoffice="connected",
)  # fmt: skip


class Store:
    """The other end of a monitor's line, held by a test."""

    def __init__(self):
        self.acts: list[Act] = []
        self.connected = True

    async def run(self, picture):
        self.picture = picture
        picture.show_connection(self.connected)
        if self.connected:
            for one in FLOOR:
                picture.show_row(one)
            picture.show_counters(COUNTERS)
        await asyncio.Event().wait()

    async def act(self, act):
        if not self.connected:
            raise NotConnected("no broker")
        self.acts.append(act)

    def cut(self):
        self.connected = False
        self.picture.show_connection(False)


@pytest.fixture
def store():
    return Store()


@pytest.fixture
def app(store, monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    __import__("time").tzset()
    return MonitorApp("downtown", store, clock=lambda: NOON)


async def filled(pilot):
    while len(pilot.app.terminals.rows) < len(FLOOR):
        await pilot.pause(0.02)
    await pilot.pause()


def status(app):
    return str(app.query_one("#status").render())


def text(app):
    return "\n".join("".join(segment.text for segment in app.terminals.render_line(y)) for y in range(12))


def test_who_waits_longest_for_help_comes_first_and_idle_terminals_last():
    assert [one.device for one in in_order(FLOOR)] == [
        "till-05", "till-04", "till-09", "till-03", "till-06", "till-08", "till-07", "till-02", "till-10", "till-01",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("number", "level"),
    [
        (1, Urgency.IDLE), (2, Urgency.SHOPPING), (3, Urgency.WRONG), (4, Urgency.HELP), (6, Urgency.LOST), (7, Urgency.OFFLINE),
        (8, Urgency.BATTERY), (9, Urgency.HELD_BACK), (10, Urgency.SHOPPING),
    ],
)  # fmt: skip
def test_each_trouble_has_its_urgency(number, level):
    assert urgency(FLOOR[number - 1]) is level


def test_every_urgency_that_asks_for_someone_has_a_sign_of_its_own():
    signs = [cells(one, NOON)[0] for one in FLOOR if urgency(one) < Urgency.SHOPPING]
    assert " " not in signs
    assert len(set(signs)) == len({urgency(one) for one in FLOOR if urgency(one) < Urgency.SHOPPING})


@pytest.mark.parametrize(
    ("milliseconds", "words"),
    [(-50, "now"), (4999, "now"), (5000, "5 s"), (59_999, "55 s"), (60_000, "1 min"), (3_600_000, "1 h"), (180_000_000, "2 d")],
)
def test_times_are_as_people_say_them(milliseconds, words):
    assert duration(milliseconds) == words


def test_what_is_wrong_is_said_in_words():
    assert wrong(FLOOR[4], NOON) == "called 3 min ago"
    assert wrong(FLOOR[5], NOON) == "shopper in mid-trip, no connection"
    assert wrong(row("x", "offline", waiting=7), NOON) == "7 events not received yet"
    assert wrong(FLOOR[7], NOON) == "charge it"


def test_what_a_device_sent_cannot_command_the_staffs_terminal():
    assert wrong(row("x", "shopping", wrong="tag '\x1b]0;owned\x07' is wrong"), NOON) == "tag '·]0;owned·' is wrong"


@pytest.mark.parametrize("hostile", ["\x1b[2J", "\x07", "\x9b", "\u202e"])
def test_no_cell_fact_or_figure_commands_the_staffs_terminal(hostile):
    one = row("x", "shopping", wrong=hostile, trip=f"x{hostile}", currency=f"US{hostile}")
    shown = [*cells(one, NOON), str(facts(one, NOON)).replace("\n", "")]
    shown += [name for name, _, _ in figures([one], Counters(currency=f"US{hostile}"))]
    assert all(text.isprintable() for text in shown)


async def test_the_battery_has_a_column_only_where_a_terminal_reports_one(app, store):
    async with app.run_test(size=(100, 30)) as pilot:
        await filled(pilot)
        assert "Battery" in text(app)
        for one in FLOOR:
            store.picture.show_row(one.model_copy(update={"battery": None}))
        while "Battery" in text(app):
            await pilot.pause(0.02)
        assert "Heard" in text(app)


def test_the_counters_say_what_to_act_on():
    shown = {name: (value, act) for name, value, act in figures(FLOOR, COUNTERS)}
    assert shown["Need help"] == ("2", True)
    assert shown["Offline"] == ("2 of 10", True)
    assert shown["Help came in"] == ("1 min", False)
    assert shown["Sold USD"] == ("8123.45", False)
    assert shown["Back office"] == ("ok", False)
    away = {name: (value, act) for name, value, act in figures([], Counters(waiting_for_backoffice=25))}
    assert away["Back office"] == ("away, 25 wait", True)
    refused = {name: (value, act) for name, value, act in figures([], Counters(waiting_for_backoffice=25, backoffice="refused"))}
    assert refused["Back office"] == ("refuses us, 25 wait", True)


async def test_the_call_that_waited_longest_is_under_the_cursor_and_one_key_answers_it(app, store):
    async with app.run_test(size=(120, 40)) as pilot:
        await filled(pilot)
        await pilot.press("a")
        await pilot.pause()
        assert [(act.device, act.act) for act in store.acts] == [("till-05", "help_answered")]


UNKNOWN = [UnknownRow(sequence=2, code="00012345678905"), UnknownRow(sequence=7, code="04006381333931")]


def test_an_unknown_code_is_said_with_its_digits_and_the_key_that_helps():
    calls = row("till-05", "help", help_since=NOON - MINUTE, unknown=UNKNOWN)
    assert wrong(calls, NOON) == "called 1 min ago, no price"
    assert "Unknown codes       00012345678905, 04006381333931" in str(facts(calls, NOON))
    quiet = row("till-02", "shopping", unknown=UNKNOWN)
    assert (wrong(quiet, NOON), urgency(quiet)) == ("a code without a price (p)", Urgency.SHOPPING)


async def test_staff_price_the_newest_unknown_code_of_the_terminal_under_the_cursor(app, store):
    async with app.run_test(size=(120, 40)) as pilot:
        await filled(pilot)
        store.picture.show_row(row("till-05", "help", help_since=NOON - 3 * MINUTE, unknown=UNKNOWN))
        await until(pilot, lambda: app.terminals.selected.unknown)
        await pilot.press("enter", "p")
        await pilot.pause()
        assert isinstance(app.screen, PriceIt)
        await pilot.press(*"Jam", "enter")
        assert "What does it cost?" in str(app.screen.query_one("#wrong").render())
        await pilot.press(*"2,49", "enter")
        await pilot.pause()
        (act,) = store.acts
        assert (act.device, act.act, act.price.trip, act.price.sequence) == ("till-05", "price", "till-05.j.1", 7)
        assert (act.price.name, act.price.unit_price, act.price.sku) == ("Jam", 249, "")


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (("", "", "12"), "12"),
        (("Jam", "", "12"), "Either a SKU, or a name and a price."),
        (("", "2.49", ""), "What is it? Type a name, or the SKU of a product."),
        (("Jam", "cheap", ""), "What does it cost? Type a price such as 2.49."),
        (("Jam", "0", ""), "A price is from 0.01 to 10000.00."),
        (("Jam", "10000.01", ""), "A price is from 0.01 to 10000.00."),
        (("Jam", "2.49", "", "lots"), "Which VAT rate? Type percent such as 5.5, or nothing."),
        (("Jam", "2.49", "", "100"), "Which VAT rate? Type percent such as 5.5, or nothing."),
        (("", "", "12", "5.5"), "A SKU brings its own VAT rate: leave this empty."),
        (("", "2.49", "12", "5.5"), "Either a SKU, or a name and a price."),
    ],
)
def test_what_staff_type_is_a_price_or_says_what_is_missing(typed, says):
    found = price_of(row("till-05", "help"), UNKNOWN[1], *typed)
    assert (found.says if isinstance(found, Wrong) else found.sku) == says


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        (("", "2.49", "", ""), "name"),
        (("Jam", "cheap", "", ""), "price"),
        (("Jam", "2.49", "lots", ""), "vat"),
        (("", "", "5.5", "12"), "vat"),
        (("Jam", "", "", "12"), "sku"),
    ],
)
async def test_the_cursor_goes_to_the_field_that_is_wrong(app, store, typed, field):
    async with app.run_test(size=(120, 40)) as pilot:
        await filled(pilot)
        store.picture.show_row(row("till-05", "help", help_since=NOON - 3 * MINUTE, unknown=UNKNOWN))
        await until(pilot, lambda: app.terminals.selected.unknown)
        await pilot.press("p")
        await pilot.pause()
        for box, text in zip(app.screen.query("Input"), typed, strict=True):
            box.value = text
        await pilot.press("enter")
        await pilot.pause()
        assert app.focused.id == field
        assert store.acts == []


@pytest.mark.parametrize(("typed", "rate"), [("", ""), ("20", "20"), (" 5,5 % ", "5.5"), ("0", "0")])
def test_staff_may_say_which_vat_is_in_a_price(typed, rate):
    found = price_of(row("till-05", "help"), UNKNOWN[1], "Jam", "2.49", "", typed)
    assert (found.name, found.unit_price, found.tax_rate) == ("Jam", 249, rate)


async def test_a_price_without_a_code_or_a_line_is_told(app, store):
    async with app.run_test(size=(120, 40)) as pilot:
        await filled(pilot)
        await pilot.press("p")
        assert any("No code of till-05 waits" in toast.message for toast in app._notifications)
        store.picture.show_row(row("till-05", "help", help_since=NOON - 3 * MINUTE, unknown=UNKNOWN))
        await until(pilot, lambda: app.terminals.selected.unknown)
        await pilot.press("p")
        store.cut()
        await pilot.press("tab", "tab", "tab", *"12", "enter")
        await pilot.pause()
        assert any("nothing was sent" in toast.message for toast in app._notifications)


async def test_the_cursor_stays_on_the_most_urgent_until_it_is_moved_then_on_that_terminal(app, store):
    async with app.run_test(size=(120, 40)) as pilot:
        await filled(pilot)
        store.picture.show_row(row("till-05", "shopping", wrong="help is on the way"))
        while app.terminals.rows[0].device != "till-04":
            await pilot.pause(0.02)
        assert app.terminals.selected.device == "till-04"
        await pilot.press("down")
        chosen = app.terminals.selected.device
        store.picture.show_row(row("till-01", "help", help_since=NOON - 9 * MINUTE))
        while app.terminals.rows[0].device != "till-01":
            await pilot.pause(0.02)
        assert app.terminals.selected.device == chosen
        await pilot.press("home")
        assert app.terminals.selected.device == "till-01"


async def test_a_row_that_does_not_call_gives_way_to_the_first_that_does(app, store):
    async with app.run_test(size=(120, 40)) as pilot:
        await filled(pilot)
        await pilot.press("down", "a", "down", "a")
        await pilot.pause()
        assert [act.device for act in store.acts] == ["till-04", "till-05"]
        for device in ("till-04", "till-05"):
            store.picture.show_row(row(device))
        while any(one.state == "help" for one in app.terminals.rows):
            await pilot.pause(0.02)
        await pilot.press("a")
        await pilot.pause()
        assert len(store.acts) == 2
        assert any("Nobody calls for help" in toast.message for toast in app._notifications)


async def test_a_terminal_that_is_open_and_does_not_call_is_not_answered(app, store):
    async with app.run_test(size=(120, 40)) as pilot:
        await filled(pilot)
        await pilot.press("down", "down", "enter", "a")
        await pilot.pause()
        assert store.acts == []
        assert any("does not call for help" in toast.message for toast in app._notifications)


async def test_enter_opens_the_terminal_and_escape_leaves_it(app):
    async with app.run_test(size=(120, 40)) as pilot:
        await filled(pilot)
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, Details)
        shown = str(app.screen.query_one("#facts").render())
        for fact in ("till-05", "called 3 min ago", "till-05.j.1", "0.99 USD", "guest"):
            assert fact in shown
        await pilot.press("escape")
        await pilot.pause()
        assert not isinstance(app.screen, Details)


async def test_it_says_when_it_is_blind_and_that_nobody_was_told(app, store):
    async with app.run_test(size=(120, 40)) as pilot:
        await filled(pilot)
        store.cut()
        await pilot.pause()
        assert "NOT CONNECTED since" in str(app.query_one("#status").render())
        await pilot.press("a")
        await pilot.pause()
        assert any("the shopper was not told" in toast.message for toast in app._notifications)


async def test_only_lines_that_changed_are_painted(app, store):
    async with app.run_test(size=(120, 40)) as pilot:
        await filled(pilot)
        for number in range(300):
            store.picture.show_row(row(f"zone-{number:03}", "shopping", lines=1, total=100))
        while len(app.terminals.rows) < 310:
            await pilot.pause(0.02)
        await pilot.pause()
        painted: list[int] = []
        paint = app.terminals.render_line
        app.terminals.render_line = lambda y: painted.append(y) or paint(y)
        app.terminals.repaint()
        await pilot.pause()
        assert painted == []
        last = app.terminals.rows[10]
        app.terminals.put([last.model_copy(update={"total": 999})])
        await pilot.pause()
        assert set(painted) == {11}


async def test_three_hundred_terminals_scroll_under_the_titles(app, store):
    async with app.run_test(size=(100, 30)) as pilot:
        await filled(pilot)
        for number in range(300):
            store.picture.show_row(row(f"zone-{number:03}"))
        while len(app.terminals.rows) < 310:
            await pilot.pause(0.02)
        for _ in range(20):
            await pilot.press("pagedown")
        await pilot.pause()
        assert app.terminals.selected.device == "zone-299"
        first = "".join(segment.text for segment in app.terminals.render_line(0))
        assert "Terminal" in first
        assert "zone-299" in "".join(
            segment.text for y in range(app.terminals.size.height) for segment in app.terminals.render_line(y)
        )


async def test_what_nobody_told_is_not_said(app, store):
    store.connected = False
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        assert "what the terminals do is not known" in text(app)
        assert "enrol" not in text(app)
        assert {(value, act) for _, value, act in figures(app.terminals.rows, app._counters)} == {("-", False)}
        assert "connecting to the store" in status(app)


async def test_a_broker_that_refuses_is_said_with_what_to_do_until_it_does_not(app, store):
    store.connected = False
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        store.picture.show_refusal("Not authorized")
        await pilot.pause()
        assert "the broker refuses this monitor (Not authorized)" in status(app)
        assert status(app).endswith("panier enrol --monitor")
        assert app.query_one("#status").size.height == 2
        store.picture.show_refusal("")
        await pilot.pause()
        assert "connecting to the store" in status(app)


def test_rows_are_counted_though_the_gateway_has_not_told_its_shift():
    found = {name: value for name, value, _ in figures(FLOOR, None)}
    assert (found["Need help"], found["Offline"], found["Sold"], found["Back office"]) == ("2", "2 of 10", "-", "-")


async def test_an_empty_store_says_what_to_do_first(app, monkeypatch):
    monkeypatch.setattr("tests.screens.test_monitor.FLOOR", [])
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        line = "".join(segment.text for segment in app.terminals.render_line(1))
        assert "panier enrol till-1" in line


@pytest.mark.parametrize("size", [(120, 40), (100, 30)])
def test_the_picture(snap_compare, app, size):
    async def ready(pilot):
        await filled(pilot)

    assert snap_compare(app, terminal_size=size, run_before=ready)


def test_the_picture_without_a_line(snap_compare, app, store):
    async def cut(pilot):
        await filled(pilot)
        store.cut()
        await pilot.pause()

    assert snap_compare(app, terminal_size=(120, 40), run_before=cut)


async def test_half_a_screen_shows_every_figure_and_says_what_is_wrong(app, store):
    async with app.run_test(size=(80, 24)) as pilot:
        await filled(pilot)
        store.picture.show_row(row("till-03", "shopping", total=480, wrong="receipt paper is out; 1 to print"))
        await until(pilot, lambda: "receipt paper is out" in text(app))
        await until(pilot, lambda: len(shown(app)) == 4)
        for name, value, _ in figures(app.terminals.rows, COUNTERS):
            assert any(name in line for line in shown(app))
            assert any(value in line for line in shown(app))
        assert all(len(line.rstrip()) <= 78 for line in shown(app))
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: len(shown(app)) == 2 and " Lines" in text(app))


def shown(app):
    return str(app.query_one("#figures", Static).render()).splitlines()


async def until(pilot, holds):
    while not holds():
        await pilot.pause(0.02)
