"""The simulated printer's command processor: commands by the public reference, in pieces, and garbage."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st

from panier_simulators.printer.interpreter import Interpreter
from panier_simulators.printer.paper import Barcode, Cut, Item, Row, as_text, sheets
from panier_simulators.printer.picture import draw

ESC, GS = b"\x1b", b"\x1d"
QR = b"till-1.aaaaaa.1"
STORE = GS + b"(k" + bytes([len(QR) + 3, 0]) + b"1P0" + QR
PRINT_QR = STORE + GS + b"(k\x03\x001Q0"
CODE128 = GS + b"kI" + bytes([2 + len(QR)]) + b"{B" + QR


def printed(data: bytes, dots: int = 512) -> list[Item]:
    machine = Interpreter(dots)
    machine.feed(data)
    machine.run()
    return machine.items


# Bytes and text as the Epson ESC/POS command reference has them.
@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"plain\n", "plain\n"),
        (ESC + b"t\x00\x82\n", "é\n"),
        (ESC + b"t\x13\xd5\n", "€\n"),
        (ESC + b"t\x10\x80\xe9\xdf\xe5\n", "€éßå\n"),
        (ESC + b"t\x10\x81\n", "▯\n"),
        (ESC + b"t\x63\x82\n", "é\n"),
        (b"gone" + ESC + b"@kept\n", "kept\n"),
        (ESC + b"a\x01mid\n", "mid".center(42).rstrip() + "\n"),
        (ESC + b"a2end\n", "end".rjust(42) + "\n"),
        (GS + b"!\x11AB\n", "A B\n"),
        (GS + b"!\x10AB" + GS + b"!\x00c\n", "A B c\n"),
        (ESC + b"d\x02x", "\n\n"),
        (b"a\tb\n", "a       b\n"),
        (b"x" * 43 + b"\n", "x" * 42 + "\nx\n"),
        (b"a" + GS + b"V\x42\x00b\n", "a\n- - - 8< - - -\nb\n"),
        (GS + b"V\x00", "- - - 8< - - -\n"),
        (b"a\x10\x04\x01b\r\n", "ab\n"),
        (ESC + b"p\x00\x19\xfa" + GS + b"v0\x00\x01\x00\x02\x00\xff\xffx\n", "x\n"),
        (ESC + b"*\x21\x01\x00abcx\n", "x\n"),
        (ESC + b"D\x08\x10\x00x\n", "x\n"),
    ],
)
def test_a_command_prints_what_the_reference_says(data: bytes, text: str):
    assert as_text(printed(data), 42) == text


def test_styles_are_kept_apart_within_a_row():
    (row,) = printed(b"a" + ESC + b"E\x01b" + ESC + b"E\x00" + ESC + b"-\x01c" + GS + b"B\x01d" + ESC + b"!\x39e\n")
    assert isinstance(row, Row)
    assert [(run.text, run.look.bold, run.look.underline, run.look.inverse, run.look.width) for run in row.runs] == [
        ("a", False, False, False, 1), ("b", True, False, False, 1), ("c", False, True, False, 1), ("d", False, True, True, 1),
        ("e", True, False, True, 2),
    ]  # fmt: skip
    assert row.runs[-1].look.small


def test_barcodes_on_the_picture_are_read_by_a_scanner():
    sized = GS + b"h\x50" + GS + b"w\x02" + ESC + b"a\x01"
    paper = printed(sized + CODE128 + b"\n" + GS + b"(k\x03\x001C\x05" + GS + b"(k\x03\x001E\x31" + PRINT_QR + b"\n")
    kinds = [(item.kind, item.content) for item in paper if isinstance(item, Barcode)]
    assert kinds == [("CODE128", QR.decode()), ("QR", QR.decode())]
    read = {(code.format.name, code.text) for code in zxingcpp.read_barcodes(draw(paper, 512))}
    assert read == {("Code128", QR.decode()), ("QRCode", QR.decode())}


@pytest.mark.parametrize(
    ("data", "read"),
    [
        (b"{B" + b"a{{b", "a{b"),
        (b"{C\x0c\x22\x38", "123456"),
        (b"{A" + b"AB\x01", "AB\x01"),
        (b"{B" + b"ab{C\x0c\x22{Bz", "ab1234z"),
        (b"{B" + b"x{A\x02", "x\x02"),
    ],
)
def test_each_set_of_code_128_is_drawn_so_that_it_reads_back(data: bytes, read: str):
    paper = printed(GS + b"w\x02" + GS + b"kI" + bytes([len(data)]) + data)
    assert [code.bytes.decode() for code in zxingcpp.read_barcodes(draw(paper, 512))] == [read]


@pytest.mark.parametrize("data", [b"", b"x", b"{B", b"{Z12", b"{C\x70", b"{Ba{9", b"{A" + b"a", b"{B" + b"w" * 60])
def test_a_barcode_that_cannot_be_drawn_is_not_drawn_and_counted(data: bytes):
    machine = Interpreter()
    machine.feed(GS + b"kI" + bytes([len(data)]) + data + b"x\n")
    machine.run()
    assert (as_text(machine.items, 42), machine.ignored) == ("x\n", 1)


def test_the_cutter_makes_sheets():
    paper = printed(b"a\n" + GS + b"V\x01" + b"b\n")
    assert [[row.text for row in sheet if isinstance(row, Row)] for sheet in sheets(paper)] == [["a"], ["b"]]
    assert sheets(printed(b"a\n" + GS + b"V\x01"))[-1] == []
    assert isinstance(paper[1], Cut)


def test_a_status_that_is_asked_in_turn_waits_for_what_stands_before_it():
    machine = Interpreter()
    machine.feed(b"row\n" + GS + b"r\x01")
    assert machine.asked == []
    machine.run()
    assert machine.asked == [1]


REAL = (
    ESC + b"@" + ESC + b"a\x01" + GS + b"!\x11COPY\n" + GS + b"!\x00" + ESC + b"t\x13caf\x82 12.40 \xd5\n" + CODE128 + b"\n"
    + PRINT_QR + b"\n" + ESC + b"D\x08\x10\x00" + GS + b"r\x01" + GS + b"VB\x00" + GS + b"v0\x00\x01\x00\x02\x00\xff\xff"
)  # fmt: skip


@given(st.lists(st.integers(0, len(REAL)), max_size=12))
def test_bytes_in_any_pieces_print_what_they_print_whole(cuts: list[int]):
    edges = [0, *sorted(cuts), len(REAL)]
    machine = Interpreter()
    for begin, end in pairwise(edges):
        machine.feed(REAL[begin:end])
        machine.run()
    whole = Interpreter()
    whole.feed(REAL)
    whole.run()
    assert (machine.items, machine.asked, machine.ignored) == (whole.items, whole.asked, whole.ignored)


def test_byte_by_byte_is_as_whole():
    machine = Interpreter()
    for place in range(len(REAL)):
        machine.feed(REAL[place : place + 1])
        machine.run()
    assert machine.items == printed(REAL)


@settings(max_examples=400)
@given(st.binary(max_size=400), st.integers(0, len(REAL)), st.binary(max_size=8))
def test_garbage_prints_garbage_and_breaks_nothing(noise: bytes, place: int, wedged: bytes):
    for data in (noise, REAL[:place] + wedged + REAL[place:], REAL[:place] + noise):
        as_text(printed(data), 42)


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_millions_of_garbled_bytes_and_the_memory_stays_flat():
    import random

    dice = random.Random(7)
    machine = Interpreter()
    tracemalloc.start()
    for turn in range(40_000):
        piece = bytearray(REAL * 1)
        for _ in range(dice.randint(0, 6)):
            piece[dice.randrange(len(piece))] = dice.randrange(256)
        machine.feed(bytes(piece) + dice.randbytes(20))
        machine.run()
        machine.items.clear()
        machine.asked.clear()
        if turn == 4_000:
            before = tracemalloc.get_traced_memory()[0]
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert machine.held <= 64 * 1024 + 400
    assert after - before < 200_000
