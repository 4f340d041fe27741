"""`panier doctor --live`: what is said of a scan, over real descriptors and of bursts by themselves."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from tests.device.test_sheet import WANTED
from typer.testing import CliRunner

from panier.barcode import NO_NUMBERING
from panier_device.doctor.account import account
from panier_device.doctor.burst import Burst, in_hex, visible
from panier_device.doctor.command import doctor
from panier_device.doctor.ear import KeyEar, ReportEar, SerialEar
from panier_device.doctor.hint import Setting, hints
from panier_device.doctor.listening import listening, reader_at
from panier_device.doctor.live import bursts, show
from panier_device.doctor.machine import Machine
from panier_device.driver.frame import FrameDecoder
from panier_device.driver.hidpos import HidPosDecoder
from panier_device.driver.layout import Layout, load_layout
from panier_device.driver.port import Frame, KeyEvent
from panier_device.driver.profile import ScannerProfile, load_profile
from panier_device.driver.wedge import WedgeDecoder
from panier_device.fitting import load_rules
from panier_io.firmware import firmware_config
from panier_simulators.fleet import programming
from panier_simulators.hidpos import MAKES, Make, SimulatedHidPos, reports
from panier_simulators.scanner import Programming, SimulatedScanner, as_heard
from panier_simulators.wedge import Habit, SimulatedWedge

EAN = "4006381333931"
AIM = ScannerProfile(title="test", aim=True)
PLAIN = ScannerProfile(title="test")
LAYOUTS = tuple(
    (path.stem, load_layout(path.stem, path.parent)) for path in sorted((firmware_config() / "layouts").glob("*.toml"))
)

app = typer.Typer()
app.command()(doctor)


def setting(profile: ScannerProfile = AIM, **changed: Any) -> Setting:
    return Setting(profile, load_rules("sample"), NO_NUMBERING, layout="us", layouts=LAYOUTS, **changed)


def serial_bursts(raw: bytes, profile: ScannerProfile = AIM, *, then_silence: bool = True) -> list[Burst]:
    ear = SerialEar(FrameDecoder(profile))
    return [*ear.hear(raw, 1000.0), *(ear.quiet() if then_silence and ear.pending else [])]


def only(bursts: list[Burst]) -> Burst:
    assert len(bursts) == 1, bursts
    return bursts[0]


def said(raw: bytes, profile: ScannerProfile = AIM, **changed: Any) -> str:
    return "\n".join(hints(only(serial_bursts(raw, profile)), setting(profile, **changed)))


def typed(text: str, layout: Layout, gap_ms: int = 4) -> list[KeyEvent]:
    """The keys of a scanner that is set to `layout`."""
    # Of keys that give the same sign, the one above the letters and not the one on the keypad.
    places = {
        sign: (code, level) for code, signs in sorted(layout.keys.items(), reverse=True) for level, sign in enumerate(signs)
    }
    events: list[KeyEvent] = []
    at = 0
    for code, level in [*(places[sign] for sign in text), (28, 0)]:
        modifier = {1: 42, 2: 100}.get(level)
        for key, value in [*([(modifier, 1)] if modifier else []), (code, 1), (code, 0), *([(modifier, 0)] if modifier else [])]:
            at += gap_ms
            events.append(KeyEvent(at, 1, key, value))
    return events


def test_a_good_scan_needs_no_advice():
    told = account(only(serial_bursts(b"]E04006381333931\r")), setting())
    assert told.ok
    assert told.verdict == "product 04006381333931"
    assert told.text == "]E04006381333931<CR>"
    assert told.identifier == "]E0, an EAN-13"
    assert told.hints == []


def test_the_proof_says_that_all_is_well_or_what_is_missing():
    told = account(only(serial_bursts(f"]d2{WANTED}\r".encode())), setting())
    assert (told.ok, told.verdict) == (True, "the proof: the scanner is set as Panier wants it")
    told = account(only(serial_bursts(b"91PANIER|92PROOF\r")), setting(PLAIN))
    assert not told.ok
    assert [hint.partition(":")[0] for hint in told.hints] == ["no AIM identifier", "'|' stands for GS"]


def test_line_feeds_are_shown_with_the_code_that_they_end():
    assert visible(only(serial_bursts(b"]E04006381333931\r\n")).raw) == "]E04006381333931<CR><LF>"
    assert [burst.raw for burst in serial_bursts(b"]E04006381333931\r\n]E496385074\r\n")] == [
        b"]E04006381333931\r\n", b"]E496385074\r\n",
    ]  # fmt: skip


def test_control_characters_have_names_and_long_codes_are_cut():
    assert visible(b"\x02A\x1dB\x80\x03") == "<STX>A<GS>B<80><ETX>"
    assert in_hex(b"A" * 70).endswith("and 6 more")


@pytest.mark.parametrize(
    ("raw", "advice"),
    [
        (b"4006381333931\r", "no AIM identifier"),
        (b"]E04006381333931", 'set framing = "idle"'),
        (b"]E040063", "a part of a code came"),
        (b"XY]E04006381333931\r", "'XY' stands before the identifier: set prefix = \"XY\""),
        (b"]C1010590123412345710A7|17261130\r", "'|' stands for GS"),
        (b"]C10105901234123457330301234\r", "GS between them is lost"),
        (bytes(byte | (0x80 if byte.bit_count() % 2 else 0) for byte in b"]E04006381333931\r"), 'parity = "even"'),
        (bytes(byte | (0 if byte.bit_count() % 2 else 0x80) for byte in b"]E04006381333931\r"), 'parity = "odd"'),
        (b"]E040\x80\x8163813339314006381333931\r", "a loose plug or cable"),
    ],
)
def test_each_fault_has_its_advice(raw: bytes, advice: str):
    assert advice in said(raw)


def test_a_profile_that_does_not_say_aim_is_told_to():
    assert "set aim = true" in said(b"]E04006381333931\r", PLAIN)
    assert "no AIM identifier" in said(b"4006381333931\r", PLAIN)


def test_advice_names_the_scanners_own_sheet():
    assert "`panier sheet newland`" in said(b"4006381333931\r", sheet="newland")


@pytest.mark.parametrize("sent_at", [2400, 4800, 38400, 57600, 115200])
def test_a_scanner_at_another_speed_is_told_from_noise(sent_at: int):
    heard = as_heard(b"]E04006381333931\r" * 2, sent_at=sent_at, heard_at=9600)
    bursts = serial_bursts(heard)
    assert bursts
    assert any("at another speed than the profile's 9600 baud" in hint for burst in bursts for hint in hints(burst, setting()))


@pytest.mark.parametrize("first", range(10))
def test_digits_at_twice_the_speed_are_known_by_their_letters(first: int):
    code = "".join(str((first + 7 * place) % 10) for place in range(13))
    heard = as_heard(f"{code}\r".encode(), sent_at=19200, heard_at=9600)
    assert "set baud = 19200" in said(heard)
    assert "set baud" not in said(b"]C0JOKZ1\r")


def test_a_held_trigger_is_told_from_two_items():
    ear = SerialEar(FrameDecoder(AIM))
    first, second, third = (only(ear.hear(b"]E04006381333931\r", at)) for at in (0.0, 200.0, 5000.0))
    assert "trigger is held" in hints(second, setting(), first)[0]
    assert hints(third, setting(), second) == []


@pytest.mark.parametrize("name", ["fr", "be"])
def test_a_code_from_another_keyboard_is_found_out_by_trying_them(name: str):
    events = typed(EAN, dict(LAYOUTS)[name])
    burst = only(KeyEar(WedgeDecoder(dict(LAYOUTS)["us"])).hear(events, 0.0))
    assert burst.frame.text != EAN
    assert any("set layout = " in hint for hint in hints(burst, setting()))


def test_french_digits_on_an_american_layout_are_put_down_to_the_layout():
    burst = only(KeyEar(WedgeDecoder(dict(LAYOUTS)["us"])).hear(typed(EAN, dict(LAYOUTS)["fr"]), 0.0))
    assert burst.frame.text == "$))^#*!###(#!"
    assert any('set layout = "' in hint for hint in hints(burst, setting()))


def test_keys_that_come_slowly_were_typed_by_hand():
    burst = only(KeyEar(WedgeDecoder(dict(LAYOUTS)["us"])).hear(typed(EAN, dict(LAYOUTS)["us"], gap_ms=60), 0.0))
    assert any("typed by hand" in hint for hint in hints(burst, setting()))


def test_of_a_bank_card_nothing_is_shown():
    burst = only(serial_bursts(b"%B4111111111111111^DOE/JANE^2512101?;4111111111111111=25121010000?\r"))
    told = account(burst, setting())
    assert "4111" not in json.dumps(told.as_dict())
    assert "DOE" not in json.dumps(told.as_dict())


def test_a_loyalty_card_is_named_by_its_rule_and_not_by_its_number():
    told = account(only(serial_bursts(b"]E02900000000179\r")), setting())
    assert told.ok
    assert "card 2900…(13)" in told.verdict


def test_what_is_shown_fits_forty_columns_and_says_the_verdict_first():
    out = io.StringIO()
    burst = only(serial_bursts(b"4006381333932\r"))
    show(Console(file=out, width=40, color_system=None), 1, account(burst, setting()))
    lines = out.getvalue().splitlines()
    assert all(len(line) <= 40 for line in lines)
    assert "✗ refused (wrong_check_digit)" in lines[2]
    assert lines[-1].strip()


@given(st.binary(max_size=200), st.lists(st.integers(min_value=1, max_value=20), max_size=20))
def test_bursts_are_the_same_however_the_bytes_arrive(raw: bytes, cuts: list[int]):
    def heard(pieces: list[bytes]) -> list[tuple[Frame, bytes]]:
        ear = SerialEar(FrameDecoder(AIM))
        bursts = [burst for piece in pieces for burst in ear.hear(piece, 0.0)]
        return [(burst.frame, burst.raw.strip(b"\n")) for burst in [*bursts, *ear.quiet()]]

    pieces, rest = [], raw
    for cut in cuts:
        pieces.append(rest[:cut])
        rest = rest[cut:]
    assert heard([*pieces, rest]) == heard([raw]) == heard([raw[place : place + 1] for place in range(len(raw))])


@given(st.binary(max_size=120))
def test_whatever_arrives_is_told_without_a_fault(raw: bytes):
    before = None
    for burst in serial_bursts(raw):
        told = account(burst, setting(), before)
        assert told.verdict
        assert told.ok or told.hints or burst.frame.flaw or "refused" in told.verdict
        before = burst


@given(st.lists(st.builds(KeyEvent, st.integers(0, 500), st.integers(0, 2), st.integers(0, 130), st.integers(0, 2)), max_size=60))
def test_whatever_is_typed_is_told_without_a_fault(events: list[KeyEvent]):
    ear = KeyEar(WedgeDecoder(dict(LAYOUTS)["us"]))
    for burst in [*ear.hear(sorted(events, key=lambda event: event.at_ms), 0.0), *ear.quiet()]:
        assert account(burst, setting()).verdict


def test_a_line_that_never_falls_silent_does_not_fill_the_memory():
    ear = SerialEar(FrameDecoder(AIM))
    for _ in range(100):
        ear.hear(b"\x80" * 1000, 0.0)
    assert len(only(ear.quiet()).raw) <= 8192


def live(device: AbstractContextManager[Any], act: Callable[[Any], object], *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    """Runs `panier doctor --live --json` while `act` is done again and again at the device."""
    done = threading.Event()
    with ExitStack() as stack:
        simulated = stack.enter_context(device)

        def keep_on() -> None:
            while not done.wait(0.05):
                act(simulated)

        thread = threading.Thread(target=keep_on)
        thread.start()
        try:
            result = CliRunner().invoke(app, ["--live", "--json", *arguments])
        finally:
            done.set()
            thread.join()
    return result.exit_code, [json.loads(line) for line in result.stdout.splitlines()]


def test_a_simulated_scanner_is_heard_by_its_port_alone(tmp_path: Path):
    device = SimulatedScanner(tmp_path / "scanner0", programming("generic-aim"))
    _, told = live(device, lambda one: one.scan(EAN), "--port", str(device.link), "--profile", "generic-aim", "--codes", "3")
    # Who opens in mid-code hears its end first.
    assert told[-1]["verdict"] == "product 04006381333931"
    assert told[-1]["text"] == "]E04006381333931<CR>"
    assert told[-1]["since_last"]


def test_status_says_whether_all_codes_were_taken(tmp_path: Path):
    device = SimulatedScanner(tmp_path / "scanner0", Programming(baud=19200), split="whole")
    code, told = live(device, lambda one: one.scan(EAN), "--port", str(device.link), "--codes", "2")
    assert code == 1
    assert any("set baud = 19200" in hint for one in told for hint in one["hints"])


def test_a_simulated_wedge_is_heard_too(tmp_path: Path):
    device = SimulatedWedge(tmp_path / "wedge0", gap=0.0005)
    code, told = live(device, lambda one: one.scan(EAN), "--port", str(tmp_path / "wedge0"), "--codes", "2")
    assert code in (0, 1)
    assert told[-1]["verdict"] == "product 04006381333931"
    assert told[-1]["pace"].startswith("14 keys")


def test_the_settings_first_scanner_is_listened_to(tmp_path: Path):
    device = SimulatedScanner(tmp_path / "scanner0", programming("framed"))
    file = tmp_path / "till.toml"
    file.write_text(
        f'store = "north"\ndevice = "till-1"\ndata_dir = "{tmp_path}"\n'
        f'[[scanners]]\nkind = "serial"\nport = "{device.link}"\nprofile = "framed"\n'
    )
    _, told = live(device, lambda one: one.scan(EAN), "--settings", str(file), "--codes", "2")
    assert told[-1]["text"] == "<STX>]E04006381333931<ETX>"


@pytest.mark.parametrize("make", MAKES)
def test_a_simulated_hid_pos_scanner_is_heard_with_its_report_and_identifier(tmp_path: Path, make: Make):
    device = SimulatedHidPos(tmp_path / "hidpos0", make=make)
    device.plug()
    code, told = live(
        device, lambda one: one.scan(EAN), "--port", str(device.path), "--profile", f"{make}-hidpos", "--codes", "2"
    )
    assert code == 0
    assert told[-1]["verdict"] == "product 04006381333931"
    assert told[-1]["pace"] == "1 report in 0 ms"
    assert told[-1]["hex"].startswith("02 0d ")
    assert told[-1]["identifier"] == ("]E0, an EAN-13" if make == "honeywell" else "none")
    assert [hint.partition(":")[0] for hint in told[-1]["hints"]] == ([] if make == "honeywell" else ["no AIM identifier"])


@pytest.mark.parametrize(("make", "other"), [("honeywell", "newland"), ("newland", "honeywell")])
def test_reports_of_another_maker_are_found_out_by_trying_them(make: Make, other: Make):
    names = ("honeywell-hidpos", "newland-hidpos")
    profiles = {name: load_profile(name, firmware_config() / "profiles") for name in names}
    ours = profiles[f"{other}-hidpos"]
    burst = only(ReportEar(HidPosDecoder(ours)).hear(reports(EAN, make=make), 0.0))
    advice = hints(burst, setting(ours, hidpos=tuple(profiles.items())))
    assert any(f'set profile = "{make}-hidpos"' in hint for hint in advice), advice


def test_a_report_that_is_no_scan_or_goes_on_for_ever_is_shown():
    ear = ReportEar(HidPosDecoder())
    burst = only(ear.hear([b"\x04\x01" + bytes(62)], 0.0))
    told = account(burst, setting(HidPosDecoder().profile))
    assert not told.ok
    assert any("report 04 came" in hint for hint in told.hints)
    first, *_ = reports("A" * 80, "code128")
    assert ear.hear([first], 0.0) == []
    assert ear.pending
    assert any("did not come" in hint for hint in hints(only(ear.quiet()), setting()))
    assert not ear.pending


@given(st.lists(st.binary(max_size=64), max_size=12))
def test_whatever_is_reported_is_told_without_a_fault(packets: list[bytes]):
    ear = ReportEar(HidPosDecoder())
    for burst in [*ear.hear(packets, 0.0), *ear.quiet()]:
        assert account(burst, setting()).verdict
    assert not ear.pending


def test_a_scanner_of_the_settings_keeps_its_profile_and_its_layout(tmp_path: Path):
    file = tmp_path / "till.toml"
    file.write_text(
        f'store = "north"\ndevice = "till-1"\ndata_dir = "{tmp_path}"\n'
        f'[[scanners]]\nkind = "serial"\nport = "{tmp_path}/nowhere"\n'
        f'[[scanners]]\nkind = "wedge"\nsource = "stream"\npath = "{tmp_path}/wedge0"\nlayout = "fr"\n'
        f'[[scanners]]\nkind = "hidpos"\npath = "{tmp_path}/hidpos0"\nprofile = "newland-hidpos"\n'
    )
    wedge = SimulatedWedge(tmp_path / "wedge0", habit=Habit(layout="fr"), gap=0.0005)
    _, told = live(wedge, lambda one: one.scan(EAN), "--settings", str(file), "--port", str(tmp_path / "wedge0"), "--codes", "2")
    assert told[-1]["verdict"] == "product 04006381333931"
    hidpos = SimulatedHidPos(tmp_path / "hidpos0", make="newland")
    hidpos.plug()
    _, told = live(hidpos, lambda one: one.scan(EAN), "--settings", str(file), "--port", str(hidpos.path), "--codes", "2")
    assert told[-1]["verdict"] == "product 04006381333931"


@pytest.mark.parametrize("what", ["file", "folder", "null"])
def test_a_port_that_can_never_be_a_scanners_ends_the_wait(tmp_path: Path, what: str):
    port = {"file": tmp_path / "notes.txt", "folder": tmp_path, "null": Path("/dev/null")}[what]
    (tmp_path / "notes.txt").touch()
    result = CliRunner().invoke(app, ["--live", "--codes", "1", "--port", str(port)])
    assert result.exit_code == 1
    assert f"{port} is no serial port: name the scanner's, such as /dev/retail/scanner0" in result.stderr


def test_a_port_that_is_not_there_yet_is_waited_for(tmp_path: Path):
    heard: list[SimulatedScanner] = []
    port = tmp_path / "scanner0"

    def plug_in() -> None:
        heard.append(SimulatedScanner(port, programming("generic-aim")).__enter__())

    late = listening(reader_at(str(port), "generic-aim", "us"), "sample", "", Machine())
    told: list[str] = []

    def tell(line: str) -> None:
        told.append(line)
        if line.startswith("waiting"):
            plug_in()
        else:
            heard[0].scan(EAN)

    try:
        assert next(bursts(late, tell)).frame.text == f"]E0{EAN}"
    finally:
        heard[0].__exit__(None, None, None)
    assert told[0] == f"waiting for the scanner: {port} is not there: plug it in, or correct the port"


def test_nothing_to_listen_to_is_said():
    result = CliRunner().invoke(app, ["--live"])
    assert result.exit_code == 2
    assert "--port" in result.stderr
