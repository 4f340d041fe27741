"""What was read is not kept: a process that reads for months does not grow by it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

READ = """
import json, sys
from panier.feed import FeedPage, ProductRecord
from panier.intake import Intake
from panier.message import EventBatch, decode, event_from_json, happening_from_json

read, told = {read}, {told!r}
for number in range(300):
    read(told.replace("#", str(number)))
before = sys.getallocatedblocks()
for number in range(1_000, 5_000):
    read(told.replace("#", str(number)))
print(sys.getallocatedblocks() - before)
"""
CARD = {"kind": "card_scanned", "card": "29#"}
EVENT = {"sequence": 1, "at": 1, "trip": "till-1.abcdef.#", "what": CARD}
PRODUCT = {"sku": "s#", "gtins": [], "name": "Milk #", "unit_price": 1, "category": "c#"}


@pytest.mark.parametrize(
    ("read", "told"),
    [
        ("event_from_json", EVENT),
        ("happening_from_json", CARD),
        ("lambda text: decode(EventBatch, text.encode())", {"journal": "j#", "events": [EVENT]}),
        ("ProductRecord.model_validate_json", PRODUCT),
        (
            "FeedPage.model_validate_json",
            {"entries": [{"sequence": 1, "kind": "product", "key": "s#", "body": PRODUCT}], "last": 1, "more": False},
        ),
        ("Intake.model_validate_json", {"receipts": [{"receipt": "till-1.abcdef.#"}]}),
    ],
)
def test_no_string_that_was_read_stays(read: str, told: object):
    code = READ.format(read=read, told=json.dumps(told))
    grown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert int(grown) < 400
