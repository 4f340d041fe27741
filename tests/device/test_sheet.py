"""Programming sheets: what is drawn is read back from the picture by another decoder, and nothing stands too near."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
import zxingcpp
from typer.testing import CliRunner

from panier_device.library.command import sheet as command
from panier_device.library.page import HEIGHT, WIDTH, Box, Page, lay_out
from panier_device.library.proof import judge
from panier_device.library.sheet import Sheet, Target, UnknownSheet, load_sheet
from panier_device.library.source import BadLibraryFile
from panier_device.library.symbol import CannotDraw, Symbol, draw, draw_proof
from panier_io.firmware import firmware_config

SHEETS = firmware_config() / "sheets"
NAMES = sorted(path.stem for path in SHEETS.glob("*.toml"))
EVERY = [(name, target) for name in NAMES for target in load_sheet(name, SHEETS).targets]
WANTED = "91PANIER\x1d92PROOF"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

app = typer.Typer()
app.command()(command)


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.stdout, result.stderr


def picture(width: int, height: int, dark: list[tuple[int, int, int, int]]) -> memoryview:
    """A grey picture, white but for the rectangles (left, top, right, bottom)."""
    pixels = bytearray(b"\xff" * (width * height))
    for left, top, right, bottom in dark:
        for row in range(top, bottom):
            pixels[row * width + left : row * width + right] = b"\x00" * (right - left)
    return memoryview(pixels).cast("B", (height, width))


def read(image: Any) -> list[Any]:
    return zxingcpp.read_barcodes(image, text_mode=zxingcpp.TextMode.Plain)


def read_symbol(symbol: Symbol) -> Any:
    tall = 40 if symbol.is_linear else 1
    dark = [
        (40 + 4 * column, 40 + 4 * row * tall, 44 + 4 * column, 40 + 4 * (row + 1) * tall)
        for row, modules in enumerate(symbol.rows)
        for column, is_dark in enumerate(modules)
        if is_dark
    ]
    found = read(picture(80 + 4 * symbol.width, 80 + 4 * tall * len(symbol.rows), dark))
    assert len(found) == 1
    return found[0]


def picture_of(page: Page, dots: int = 12) -> memoryview:
    """A page as a printer of `dots` a millimetre (305 dpi) lays it down, without its text."""
    dark = [
        (round(box.x * dots), round(box.y * dots), round((box.x + box.width) * dots), round((box.y + box.height) * dots))
        for box in page.marks
        if isinstance(box, Box)
    ]
    return picture(round(WIDTH * dots), round(HEIGHT * dots), dark)


@pytest.mark.parametrize("name", NAMES)
def test_every_code_of_a_sheet_is_read_back_as_it_stands_in_the_file(name: str):
    loaded = load_sheet(name, SHEETS)
    for step in loaded.step:
        if step.code:
            found = read_symbol(draw(step.code, loaded.symbology))
            assert found.text == step.code.replace("{FNC3}", "").replace("{CR}", "\r")
            # FNC3 is no text: it turns the symbol into one for the reader itself.
            assert bool((found.extra or {}).get("ReaderInit")) == ("{FNC3}" in step.code)


@pytest.mark.parametrize(("proof", "identifier"), [("gs1-128", "]C1"), ("gs1-datamatrix", "]d2")])
def test_the_proof_carries_two_fields_with_a_separator(proof: Any, identifier: str):
    found = read_symbol(draw_proof(proof))
    assert found.symbology_identifier == identifier
    assert judge(f"{identifier}{found.bytes.decode()}") == []


def test_function_characters_stand_where_the_code_says():
    first, last = draw("{FNC3}AB", "code128"), draw("AB{FNC3}", "code128")
    assert first != last
    # Start B, then FNC3, whose value is 96 and whose pattern 10111100010 (ISO/IEC 15417, table 1).
    modules = "".join("1" if dark else "0" for dark in first.rows[0])
    assert modules[11:22] == "10111100010"


@pytest.mark.parametrize("code", ["schön", "語"])
def test_a_code_that_no_symbol_can_hold_is_refused(code: str):
    with pytest.raises(CannotDraw):
        draw(code, "code128")


def test_a_data_matrix_has_its_reader_character_first():
    assert read_symbol(draw("{FNC3}AB", "datamatrix")).text == "AB"
    with pytest.raises(CannotDraw, match="first"):
        draw("AB{FNC3}", "datamatrix")


@pytest.mark.parametrize(("name", "target"), EVERY)
def test_each_symbol_on_paper_is_read_and_keeps_its_distance(name: str, target: Target):
    loaded = load_sheet(name, SHEETS)
    pages = lay_out(loaded, name, target)
    drawn = sum(bool(step.code) for step in loaded.steps(target)) + 1
    boxes = [[found.position for found in read(picture_of(page))] for page in pages]
    assert sum(map(len, boxes)) == drawn
    for positions in boxes:
        spans = sorted((min(p.top_left.y, p.top_right.y), max(p.bottom_left.y, p.bottom_right.y)) for p in positions)
        gaps = [after[0] - before[1] for before, after in itertools.pairwise(spans)]
        # A hand's breadth is too much to ask of a page; 20 mm keep a laser line and the others' middle apart.
        assert all(gap > 20 * 12 for gap in gaps)


@pytest.mark.parametrize(("name", "target"), EVERY)
def test_every_mark_is_within_what_printers_reach_and_modules_are_wide_enough(name: str, target: Target):
    for page in lay_out(load_sheet(name, SHEETS), name, target):
        for mark in page.marks:
            assert mark.x >= 10
            assert 10 <= mark.y <= HEIGHT - 8
            if isinstance(mark, Box):
                assert mark.x + mark.width <= WIDTH - 10
                assert mark.width >= 0.25


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine: apt-get install chromium")
def test_what_a_browser_prints_is_read_too(tmp_path: Path):
    page, shot = tmp_path / "sheet.html", tmp_path / "sheet.png"
    assert run("datalogic", "--out", str(page))[0] == 0
    subprocess.run(
        [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=3",
         "--window-size=794,1123", f"--screenshot={shot}", page.as_uri()],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    pil = pytest.importorskip("PIL.Image", reason="pillow is not installed")
    texts = {found.text for found in read(pil.open(shot).convert("L"))}
    assert "$P,HA47,P\r" in texts
    assert WANTED in texts
    assert len(texts) == 5


def test_a_sheet_is_asked_for_by_maker_or_model():
    assert load_sheet("honeywell-1450g", SHEETS) == load_sheet("honeywell", SHEETS)
    with pytest.raises(UnknownSheet, match="datalogic: quickscan"):
        load_sheet("toaster", SHEETS)


def test_steps_are_numbered_as_they_are_printed():
    loaded = load_sheet("newland", SHEETS)
    assert loaded.number("interface", "serial") == 3
    assert loaded.number("interface", "keyboard") == 3
    assert load_sheet("opticon", SHEETS).number("interface", "hidpos") is None


@pytest.mark.parametrize(
    ("step", "wrong"),
    [
        ('code = "X"\nmanual = "page 3"', "either a `code`"),
        ("", "either a `code`"),
        ('code = "{FNC2}X"', "FNC2"),
        ('code = "X"\nid = "twice"', "the same id"),
    ],
)
def test_a_sheet_that_cannot_be_scanned_is_refused(tmp_path: Path, step: str, wrong: str):
    head = 'title = "X"\nmodels = ["x"]\nproof = "gs1-128"\nunknown = ""\n'
    other = '[[step]]\nid = "twice"\ntitle = "Y"\ndoes = "Y"\ncode = "Y"\nsource = "a manual"\n'
    body = step if "id =" in step else f'id = "a"\n{step}'
    file = tmp_path / "x.toml"
    file.write_text(f'{head}{other}[[step]]\ntitle = "X"\ndoes = "X"\nsource = "a manual"\n{body}\n', encoding="utf-8")
    with pytest.raises(BadLibraryFile, match=wrong):
        load_sheet(str(file), SHEETS)


@pytest.mark.parametrize(
    ("arrived", "says"),
    [
        ("]d2" + WANTED, []),
        ("]C1" + WANTED, []),
        (WANTED, ["no AIM identifier"]),
        ("]d291PANIER92PROOF", ["GS between the fields is lost"]),
        ("]d291PANIER|92PROOF", ['set gs = "|"']),
        ("X]d2" + WANTED, ["'X' before each code"]),
        ("]d1" + WANTED, ["does not say GS1"]),
        ("91PANIER92PROOF", ["no AIM identifier", "GS between"]),
    ],
)
def test_the_proof_says_what_a_scanner_lacks(arrived: str, says: list[str]):
    found = judge(arrived)
    assert found is not None
    assert len(found) == len(says)
    assert all(word in line for word, line in zip(says, found, strict=True))


@pytest.mark.parametrize("text", ["", "]E05901234123457", "92PROOF91PANIER", "PANIER:S:OFF"])
def test_what_is_no_proof_is_none(text: str):
    assert judge(text) is None


def test_the_command_writes_each_kind_of_file(tmp_path: Path):
    for suffix, begins in ((".html", "<!doctype html>"), (".svg", "<svg"), (".pdf", "%PDF-1.4")):
        file = tmp_path / f"sheet{suffix}"
        code, out, _ = run("honeywell-1450g", "--out", str(file))
        assert code == 0
        assert "3 codes and the proof, and where in the maker's manual 1 more stands;" in out
        assert file.read_bytes().decode("latin-1").startswith(begins)
    code, out, _ = run("newland", "--out", str(tmp_path / "two.svg"))
    assert code == 0
    assert "codes and the proof;" in out, "all of them are drawn"
    assert (tmp_path / "two-2.svg").exists()


def test_a_pdf_points_at_each_of_its_objects(tmp_path: Path):
    assert run("newland", "--out", str(tmp_path / "sheet.pdf"))[0] == 0
    data = (tmp_path / "sheet.pdf").read_bytes()
    start = int(data.rpartition(b"startxref\n")[2].split()[0])
    lines = data[start:].split(b"\n")[3:]
    places = [int(line[:10]) for line in lines if line.endswith(b"00000 n ")]
    assert len(places) == 9
    assert all(data[place:].startswith(b"%d 0 obj" % number) for number, place in enumerate(places, 1))


def test_the_command_says_what_there_is_and_what_it_cannot_do(tmp_path: Path):
    assert "honeywell-1450g" in run()[1]
    assert set(json.loads(run("--json")[1])) == set(NAMES)
    code, out, _ = run("newland", "--mode", "hidpos", "--json")
    assert code == 0
    assert [step["id"] for step in json.loads(out)["steps"]][:3] == ["enter", "factory", "interface"]
    assert "in the manual" in run("zebra")[1]
    for arguments, wrong in (
        (("toaster",), "no programming sheet for 'toaster'; there are datalogic: "),
        (("honeywel",), "no programming sheet for 'honeywel'; did you mean 'honeywell'?"),
        (("honeywell", "--out", "/nowhere/x.html"), "/nowhere/x.html cannot be written: No such file or directory"),
        (("opticon", "--mode", "hidpos"), "leads to serial, keyboard"),
        (("zebra", "--out", str(tmp_path / "x.png")), "ending in .html"),
    ):
        code, _, error = run(*arguments)
        assert code == 1
        assert wrong in error


def test_a_sheet_fits_its_model():
    assert all(isinstance(load_sheet(name, SHEETS), Sheet) for name in NAMES)
