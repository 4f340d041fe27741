"""`panier price --jsonl`, as a program."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime

from panier_io.price_jsonl import answer

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
GOOD = b'{"id": 1, "lines": [{"sku": "a", "unit_price": "2.00"}], "promotions": [{"kind": "cheapest_free"}]}'


def run(arguments: list[str], lines: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "panier_io.command", "price", *arguments], input=lines, capture_output=True, check=False
    )


def test_a_broken_case_answers_with_its_error_and_the_run_goes_on() -> None:
    broken = b'{"id": "b", "lines": [], "promotions": [{"kind": "percent", "percent": "200"}]}'
    done = run(["--jsonl"], b"\n".join([GOOD, b"", broken, b"{", b"[]", b"\xff", b"[" * 100_000, GOOD]))
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert [found.get("error") for found in answers] == [None, "promotion_invalid", *["malformed"] * 4, None]
    assert (answers[0]["id"], answers[0]["discount"], answers[0]["total"]) == (1, "2.00", "0.00")
    assert (answers[1]["id"], answers[1]["message"]) == ("b", "promotion #1: percent: 200 is more than 100 %")


def test_without_jsonl_it_says_what_it_reads() -> None:
    done = run([])
    assert done.returncode == 2
    assert b"--jsonl" in done.stderr


def test_a_number_with_a_fraction_is_read_as_written() -> None:
    line = GOOD.replace(b'"2.00"', b"0.29").replace(b'"cheapest_free"', b'"percent", "percent": 12.5')
    assert answer(line, NOW)["discount"] == "0.04"
    assert answer(line.replace(b"0.29", b"1e400"), NOW)["error"] == "case_invalid"
    assert answer(line.replace(b"0.29", b"NaN"), NOW)["error"] == "case_invalid"
