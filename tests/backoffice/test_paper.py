"""A receipt as PDF and as text, from the API and from the page of its trip."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest
import zxingcpp
from PIL import Image
from tests.backoffice.conftest import INTAKE, TRIP, Gateway, sign_in

from panier.receipt import Receipt
from panier.slip import SlipRow, lay_out
from panier_backoffice.receipt.paper import pdf


@pytest.fixture
async def held(stocked: httpx.AsyncClient, gateway: httpx.AsyncClient, till: Gateway) -> Receipt:
    receipt = till.receipt(TRIP, {"oat": 3, "beans": 1})
    answer = await gateway.post(INTAKE, json={"receipts": [receipt]})
    assert answer.json()["receipts"]["stored"] == 1, answer.text
    return Receipt.model_validate(receipt)


def drawn(document: bytes, folder: Path) -> tuple[str, Image.Image]:
    """The text in a PDF, and its picture; by poppler, which is not ours."""
    if not (shutil.which("pdftotext") and shutil.which("pdftoppm")):
        pytest.skip(reason="pdftotext and pdftoppm are not installed: apt install poppler-utils")
    (folder / "receipt.pdf").write_bytes(document)
    subprocess.run(["pdftoppm", "-r", "200", "-png", "-singlefile", "receipt.pdf", "receipt"], cwd=folder, check=True)
    text = subprocess.run(["pdftotext", "-layout", "receipt.pdf", "-"], cwd=folder, check=True, capture_output=True, text=True)
    return text.stdout, Image.open(folder / "receipt.png")


async def test_the_pdf_says_what_the_text_says_and_its_code_is_the_trip(
    gateway: httpx.AsyncClient, held: Receipt, tmp_path: Path
):
    answer = await gateway.get(f"/api/v1/receipts/{TRIP}/pdf")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    assert answer.headers["content-disposition"] == f'inline; filename="receipt-{TRIP}.pdf"'
    text, picture = drawn(answer.content, tmp_path)
    words = " ".join(text.split())
    told = (await gateway.get(f"/api/v1/receipts/{TRIP}/text")).text
    assert [word for word in told.split() if word not in words] == []
    assert [code.text for code in zxingcpp.read_barcodes(picture)] == [TRIP]


@pytest.mark.parametrize("way", ["pdf", "text"])
async def test_another_stores_receipt_is_not_there(gateway: httpx.AsyncClient, way: str):
    answer = await gateway.get(f"/api/v1/receipts/none/{way}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_the_page_of_a_trip_links_to_both(browser: httpx.AsyncClient, held: Receipt):
    assert (await browser.get(f"/trips/{TRIP}/receipt.pdf")).status_code == 303
    await sign_in(browser)
    page = await browser.get(f"/trips/{TRIP}")
    links = re.findall(r'href="(/trips/[^"]+/receipt\.(?:pdf|txt))"', page.text)
    assert links == [f"/trips/{TRIP}/receipt.pdf", f"/trips/{TRIP}/receipt.txt"]
    document, text = [await browser.get(link) for link in links]
    assert document.content.startswith(b"%PDF-")
    assert TRIP in text.text
    assert (await browser.get("/trips/none/receipt.pdf")).status_code == 404


async def test_names_in_any_script_and_a_copys_length_of_goods_make_a_page(held: Receipt, tmp_path: Path):
    line = held.lines[0].model_copy(update={"name": "Crème brûlée ½ … Łódź 茶\x1b"})
    long = held.model_copy(update={"lines": [line] * 300})
    text, picture = drawn(pdf(long), tmp_path)
    assert text.count("Crème brûlée ½ … Lódz ??") == 300
    assert picture.height > picture.width * 20
    assert sum(isinstance(part, SlipRow) for part in lay_out(long)) > 300
