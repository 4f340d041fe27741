"""`panier price --jsonl`, as a program."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer

from panier_io.price_jsonl import answer, price

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
GOOD = b'{"id": 1, "lines": [{"sku": "a", "unit_price": "2.00"}], "promotions": [{"kind": "cheapest_free"}]}'


def run(arguments: list[str], lines: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "panier_io.command", "price", *arguments], input=lines, capture_output=True, check=False
    )


def test_a_broken_case_answers_with_its_error_and_the_run_goes_on() -> None:
    broken = b'{"id": "b", "lines": [{"sku": "a", "unit_price": "-1"}], "promotions": []}'
    done = run(["--jsonl"], b"\n".join([GOOD, b"", broken, b"{", b"[]", b"\xff", b"[" * 100_000, GOOD]))
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert [found.get("error") for found in answers] == [None, "case_invalid", *["malformed"] * 4, None]
    assert (answers[0]["id"], answers[0]["discount"], answers[0]["total"]) == (1, "2.00", "0.00")
    assert (answers[1]["id"], answers[1]["message"]) == ("b", "case b: lines[0].unit_price: -1 is negative")


def test_pricing_and_checking_at_once_are_refused() -> None:
    done = run(["--jsonl", "--lint", "nothing.json"])
    assert (done.returncode, b"give one of them" in done.stderr) == (2, True)


def test_without_jsonl_it_says_what_it_reads() -> None:
    done = run([])
    assert done.returncode == 2
    assert b"--jsonl" in done.stderr


def test_a_number_with_a_fraction_is_read_as_written() -> None:
    line = GOOD.replace(b'"2.00"', b"0.29").replace(b'"cheapest_free"', b'"percent", "percent": 12.5')
    assert answer(line, NOW)["discount"] == "0.04"
    assert answer(line.replace(b"0.29", b"1e400"), NOW)["error"] == "case_invalid"


def test_the_authors_check_prints_each_finding_with_what_to_do_and_fails_where_there_is_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "promotions.json"
    half = {"id": "half", "kind": "percent", "percent": "50"}
    file.write_text(json.dumps({"products": [{"sku": "tea", "unit_price": "4.00", "cost": "2.50"}], "promotions": [half]}))
    with pytest.raises(typer.Exit) as ended:
        price(jsonl=False, lint=file, examples=False, as_json=False)
    assert ended.value.exit_code == 1
    printed = capsys.readouterr().out
    assert printed.startswith("warning: half: Sold below cost: percent: tea is sold at 2.00, below its cost of 2.50\n")
    assert "For example: 1 tea at 4.00, together 4.00: half -2.00, to pay 2.00" in printed
    assert printed.endswith("1 finding\n")


@pytest.mark.parametrize("content", ["[1]", "{}", '{"produkts": [], "promotions": []}', "not JSON", ""])
def test_a_file_that_cannot_be_checked_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str) -> None:
    file = tmp_path / "promotions.json"
    file.write_text(content)
    with pytest.raises(typer.Exit) as ended:
        price(jsonl=False, lint=file, examples=False, as_json=True)
    assert ended.value.exit_code == 1
    assert "cannot be checked" in capsys.readouterr().err


def test_a_file_that_is_not_there_and_one_that_is_no_text_say_so_without_what_they_hold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "binary").write_bytes(b"\xff" * 999)
    for name, said in (("none", "No such file or directory"), ("binary", "not text in UTF-8 (byte 0xff at position 0)")):
        with pytest.raises(typer.Exit):
            price(jsonl=False, lint=tmp_path / name, examples=False, as_json=False)
        assert f'cannot be checked: {said}; wanted is {{"currency"' in capsys.readouterr().err


def test_a_product_that_does_not_fit_is_named_and_the_rest_is_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "promotions.json"
    tea = {"sku": "tea", "unit_price": "4.00"}
    promotion = {"id": "p", "kind": "percent", "percent": "5"}
    file.write_text(json.dumps({"products": [tea, tea | {"sku": "oolong", "cots": "1"}], "promotions": [promotion]}))
    with pytest.raises(typer.Exit):
        price(jsonl=False, lint=file, examples=False, as_json=False)
    printed = capsys.readouterr().out
    assert printed.startswith("error: Product left out: product #2 oolong: cots: unknown field; did you mean 'cost'?\n")
    assert printed.endswith("1 finding\n")


def test_findings_that_say_the_same_are_printed_once_with_their_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "promotions.json"
    over = [{"id": name, "kind": "percent", "percent": "5", "valid_to": "2020-01-01"} for name in "abc"]
    file.write_text(json.dumps({"products": [], "promotions": over}))
    with pytest.raises(typer.Exit):
        price(jsonl=False, lint=file, examples=False, as_json=False)
    printed = capsys.readouterr().out
    assert printed.startswith("error: 3 times: a, b, c: Never acts: valid_to: its window is over\n")
    assert printed.endswith("3 findings\n")


def test_a_check_without_findings_succeeds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "promotions.json"
    file.write_text('{"products": [], "promotions": []}')
    with pytest.raises(typer.Exit) as ended:
        price(jsonl=False, lint=file, examples=False, as_json=True)
    assert ended.value.exit_code == 0
    assert json.loads(capsys.readouterr().out) == {"findings": []}


def test_a_promotion_that_does_not_fit_is_listed_beside_the_price() -> None:
    case = {"id": 1, "lines": [], "promotions": [{"kind": "percent", "percent": "-5"}]}
    answered = answer(json.dumps(case).encode(), NOW)
    assert answered["total"] == "0.00"
    assert answered["refused"] == [{"promotion": "#1", "field": "percent", "reason": "-5 is negative"}]


def test_what_is_no_promotion_or_has_a_name_that_is_taken_is_refused_and_the_rest_is_priced() -> None:
    good = {"id": "p", "kind": "percent", "percent": "10"}
    case = {"lines": [{"sku": "a", "unit_price": "10.00"}], "promotions": [good, [], None, "x", 5, good]}
    answered = answer(json.dumps(case).encode(), NOW)
    assert (answered["total"], answered["applied"]) == ("9.00", ["p"])
    assert [(one["promotion"], one["field"], one["reason"].split(",")[0]) for one in answered["refused"]] == [
        ("#2", "definition", "[] is not an object"),
        ("#3", "definition", "null is not an object"),
        ("#4", "definition", "'x' is not an object"),
        ("#5", "definition", "5 is not an object"),
        ("p", "id", "'p' is used twice"),
    ]


def test_bytes_that_are_no_case_and_numbers_beyond_reason_are_refused_in_plain_words() -> None:
    assert answer(b"\0" * 8, NOW)["message"].startswith("not JSON (Expecting value")
    assert answer(b"\xff", NOW)["message"].startswith("not text in UTF-8 (byte 0xff at position 0)")
    digits = answer(GOOD.replace(b'"2.00"', b"9" * 5000), NOW)
    assert digits["message"].startswith(f"case 1: lines[0].unit_price: {'9' * 40}… (5000 characters) is larger")
    endless = answer(GOOD.replace(b'"2.00"', b"1e99999999999999999999"), NOW)
    assert endless["message"].startswith("case 1: lines[0].unit_price: Infinity is not a number")


def test_an_answer_without_an_id_names_the_line() -> None:
    done = run(["--jsonl"], b"\n".join([GOOD, b'{"lines": 5}', b'{"id": 1.5, "lines": 5}']))
    answered = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(found["id"], found.get("line")) for found in answered] == [(1, None), (None, 2), (1.5, None)]


@pytest.mark.parametrize("name", ["1.5", "1.50", "0.1000000000000000000000000001", "1E+400", "9" * 200, '"1.5"', "true"])
def test_an_id_comes_back_as_it_was_written(name: str) -> None:
    good = GOOD.replace(b'"id": 1,', f'"id": {name},'.encode())
    priced, refused = run(["--jsonl"], b"\n".join([good, good.replace(b'"2.00"', b'"-1"')])).stdout.decode().splitlines()
    assert priced.startswith(f'{{"id": {name}, "discount": "2.00"')
    assert refused.startswith(f'{{"id": {name}, "error": "case_invalid"')
    assert json.loads(priced)["total"] == "0.00"


@pytest.mark.parametrize("value", [b"NaN", b"Infinity", b"-Infinity"])
def test_what_json_does_not_know_as_a_number_is_an_error_and_the_next_case_is_read(value: bytes) -> None:
    done = run(["--jsonl"], b"\n".join([GOOD.replace(b'"id": 1', b'"id": ' + value), GOOD.replace(b'"2.00"', value), GOOD]))
    answered = [json.loads(line, parse_constant=pytest.fail) for line in done.stdout.splitlines()]
    assert [found.get("error") for found in answered] == ["malformed", "malformed", None]
    assert answered[0]["message"] == f"not JSON ({value.decode()} is no number); one case a line is wanted"


@pytest.mark.parametrize("now", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_that_no_clock_shows_is_refused_and_the_next_case_is_read(now: str) -> None:
    promotion = {"kind": "percent", "percent": "10", "valid_from": "2026-01-01T00:00:00+00:00"}
    case = {"id": 1, "lines": [{"sku": "a", "unit_price": "1.00"}], "promotions": [promotion], "now": now}
    done = run(["--jsonl"], json.dumps(case).encode() + b"\n" + GOOD)
    refused, priced = [json.loads(line) for line in done.stdout.splitlines()]
    assert refused["message"] == f"case 1: now: {now!r} is not a time; write it like 2026-03-01T08:00:00+01:00"
    assert priced["total"] == "0.00"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"currency": "XXQ"}, "currency: 'XXQ' is no currency of ISO 4217"),
        ({"currency": "eur"}, "currency: 'eur' is no currency of ISO 4217; did you mean 'EUR'?"),
        ({"promotions": {}}, "promotions: {} is not a list"),
        ({"lines": [{"sku": "a", "price_per_kg": "1", "unit_price": "1"}]}, "lines[0].unit_price: stands beside price_per_kg"),
        ({"lines": [{"sku": "a", "unit_price": "1", "grams": 5}]}, "lines[0].grams: goes with price_per_kg"),
        (
            {"lines": [{"sku": "a", "price_per_kg": "1", "grams": 5, "tare": 6}]},
            "lines[0].tare: 6 g of packing leave nothing of 5 g",
        ),
    ],
)
def test_a_case_that_cannot_be_priced_says_which_field_and_why(fields: dict[str, object], said: str) -> None:
    answered = answer(json.dumps({"lines": [], **fields}).encode(), NOW)
    assert answered["message"].startswith(f"case (without id): {said}")


def test_what_is_nested_beyond_reason_is_refused_and_the_next_line_is_read() -> None:
    deep = b'{"id": 1, "lines": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    assert answer(deep, NOW)["error"] == "malformed"
    less = b'{"id": 1, "lines": [], "promotions": [{"id": "p", "kind": ' + b"[" * 900 + b"]" * 900 + b"}]}"
    assert answer(less, NOW)["refused"][0]["field"] == "kind"
