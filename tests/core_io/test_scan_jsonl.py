"""`panier scan --jsonl` as a program: lines in, lines out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from panier_io.scan_jsonl import LONGEST_LINE

SAMPLE_RULES = Path(__file__).parents[2] / "firmware-config" / "loyalty" / "sample.toml"


def run(text: str | bytes, *flags: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "panier_io.command", "scan", *flags]
    return subprocess.run(command, input=text.encode() if isinstance(text, str) else text, capture_output=True, timeout=60)


def answers(lines: list[Any], *flags: str) -> list[dict[str, Any]]:
    ended = run("".join(json.dumps(line) + "\n" for line in lines), "--jsonl", *flags)
    assert (ended.returncode, ended.stderr) == (0, b"")
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_each_code_gets_one_answer_in_order() -> None:
    asked = [
        {"id": "a", "input": "]E05901234123457", "syntax": "scan"},
        {"id": 2, "input": "]E402345673"},
        {"id": None, "input": "]E05901234123450", "syntax": "scan"},
        {"id": "r", "input": "2911111111111", "syntax": "restricted", "region": "EE"},
        {"id": "g", "input": "05901234123457", "syntax": "gtin"},
        {"id": "u", "input": "036000291452", "syntax": "upc"},
        {"id": "v", "input": "14252611", "syntax": "upc"},
        {"id": "e", "input": "06397126", "syntax": "upce"},
        {"id": "b", "input": "(01)05901234123457", "syntax": "bracketed"},
    ]
    product = {"ok": True, "kind": "product"}
    ean13 = {"carrier": "ean13", "gtin14": "05901234123457", "primary": "5901234123457", "restricted": False}
    found = answers(asked)
    wrong, bracketed = found[2], found[8]
    assert found[:2] == [
        {"id": "a", **product, **ean13},
        {"id": 2, **product, "carrier": "ean8", "gtin14": "00000002345673", "primary": "02345673", "restricted": True},
    ]
    assert (wrong["id"], wrong["ok"], wrong["error"]) == (None, False, "wrong_check_digit")
    assert "0, but 7" in wrong["message"]
    assert found[3]["restricted"] is True
    assert [(one["id"], one["gtin14"]) for one in found[4:8]] == [
        ("g", "05901234123457"),
        ("u", "00036000291452"),
        ("v", "00142100005261"),
        ("e", "00063200009716"),
    ]
    assert (bracketed["id"], bracketed["gtin14"], bracketed["ais"]) == ("b", "05901234123457", [["01", "05901234123457"]])


SAID = [
    # asked (input, syntax, region), and fields that the answer has
    (("]C1010590123412345710A7\x1d17261131", "scan", ""), {"error": "bad_element"}),
    (
        ("]C1010590123412345710A7\x1d17261130", "scan", ""),
        {"kind": "product", "carrier": "gs1_128", "lot": "A7", "expiry": "2026-11-30", "dates": {"17": "2026-11-30"}},
    ),
    (("01059012341234573103000195", "element_string", ""), {"grams": 195, "weight": "0.195", "decimals": {"3103": "0.195"}}),
    (("(01)05901234123457(3922)1299(30)2", "element_string", ""), {"price": "12.99", "count": 2}),
    (("https://example.com/01/05901234123457/10/A7", "digital_link", ""), {"ais": [["01", "05901234123457"], ["10", "A7"]]}),
    (("106141412345678908", "sscc", ""), {"kind": "logistic_unit", "sscc": "106141412345678908"}),
    (("(00)106141412345678908(02)05901234123457(37)25", "bracketed", ""), {"sscc": "106141412345678908", "count": 25}),
    (("(414)9521321000018", "bracketed", ""), {"kind": "data", "carrier": "unidentified"}),
    (("2388060112344", "restricted", "FI"), {"grams": 1234, "listed_as": "02388060100006", "gtin14": "02388060112344"}),
    (("2388060112344", "restricted", "XX"), {"error": "bad_numbering"}),
    (("5901234123457", "restricted", "FI"), {"error": "not_restricted"}),
    (("]E09812345678902", "scan", ""), {"kind": "coupon", "scheme": "ean", "number": "9812345678902"}),
    (("(255)9521141123454567(3902)150", "bracketed", ""), {"kind": "coupon", "price": "1.50", "serial": "567"}),
    (("]E09801234567892", "scan", ""), {"kind": "deposit", "number": "9801234567892"}),
    (("94011", "scan", ""), {"kind": "plu", "plu": "94011", "organic": True}),
    (("PANIER:T:B-1792", "scan", ""), {"error": "bad_house_code"}),
    (("PANIER:T:B-17CQ", "scan", ""), {"kind": "transfer", "payload": "B-17"}),
    (("]E402345673|]e099COMPOSITE", "scan", ""), {"primary": "02345673", "composite_ais": [["99", "COMPOSITE"]]}),
]


def test_all_that_a_code_carries_is_said() -> None:
    asked = [
        {"id": place, "input": text, "syntax": syntax} | ({"region": region} if region else {})
        for place, ((text, syntax, region), _) in enumerate(SAID)
    ]
    for found, (_, wanted) in zip(answers(asked), SAID, strict=True):
        assert {name: found.get(name) for name in wanted} == wanted


def test_cards_are_known_by_the_rules_that_are_given() -> None:
    asked = [{"id": 1, "input": "]E02900000000018"}]
    assert answers(asked)[0]["kind"] == "product"
    assert answers(asked, "--rules", str(SAMPLE_RULES)) == [
        {"id": 1, "ok": True, "kind": "card", "card": "2900000000018", "rule": "household"}
    ]


NO_REQUESTS = [
    (b"", "not JSON"),
    (b"nonsense", "not JSON"),
    (b"\xff\xfe{}", "not JSON"),
    (b"[" * 100_000, "not JSON"),
    (b"[1]", "is no object"),
    (b'{"id": 1}', "no text 'input'"),
    (b'{"id": 1, "input": 7}', "no text 'input'"),
    (b'{"id": 1, "input": "7", "syntax": ["scan"]}', "none of scan"),
    (b'{"id": 1, "input": "7", "region": 7}', "no text"),
    (b'{"input": "' + b"7" * (2 * LONGEST_LINE) + b'"}', "more than"),
    (b"7" * LONGEST_LINE, "more than"),
]


def test_a_line_that_is_no_request_is_answered_and_the_next_one_read() -> None:
    ended = run(b"".join(line + b'\n{"id": "next", "input": "\\ud800"}\n' for line, _ in NO_REQUESTS).rstrip(), "--jsonl")
    found = [json.loads(line) for line in ended.stdout.splitlines()]
    assert ended.returncode == 0
    assert [(one["id"], one["error"]) for one in found[1::2]] == [("next", "control_character")] * len(NO_REQUESTS)
    for number, (bad, (_, words)) in enumerate(zip(found[::2], NO_REQUESTS, strict=True)):
        assert (bad["id"], bad["ok"], bad["error"]) == (None, False, "bad_request")
        assert bad["message"].startswith(f"line {2 * number + 1} ")
        assert words in bad["message"]


def test_without_the_flag_it_says_what_is_wanted() -> None:
    ended = run("")
    assert ended.returncode == 2
    assert b"give --jsonl" in ended.stderr


@pytest.mark.parametrize("content", [None, b"name = ", b"\xff"])
def test_a_rule_file_that_does_not_hold_ends_it_before_the_first_line(content: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "cards.toml"
    if content is not None:
        file.write_bytes(content)
    ended = run('{"input": "1"}\n', "--jsonl", "--rules", str(file))
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert b"--rules" in ended.stderr
