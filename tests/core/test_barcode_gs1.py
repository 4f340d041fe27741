"""GS1 data in its three spellings: what each rule of the syntax dictionary takes and refuses.

Examples are worked out from the General Specifications; check characters and IBANs are those of the standards' own examples.
"""

from __future__ import annotations

import runpy
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from panier.barcode import (
    BarcodeRefused,
    Carrier,
    CouponCode,
    DataCode,
    LogisticUnit,
    LoyaltyRules,
    ProductCode,
    read,
)
from panier.barcode.ai import identifier
from panier.barcode.ai_table import TABLE
from panier.barcode.bracket import read_brackets
from panier.barcode.content import Elements
from panier.barcode.element import read_elements
from panier.barcode.gtin import read_sscc
from panier.barcode.link import read_link
from panier.barcode.linter import RULES, check_pair
from panier.barcode.message import content_of, dates, decimals

NO_CARDS = LoyaltyRules()
GTIN = "05901234123457"
SSCC = "106141412345678908"


def refused(reader: object, text: str) -> tuple[str, str]:
    with pytest.raises(BarcodeRefused) as refusal:
        reader(text)  # type: ignore[operator]
    assert len(text) < 9 or text not in str(refusal.value), "a refusal never repeats the code"
    return refusal.value.code, str(refusal.value)


def test_the_table_knows_every_identifier_of_the_dictionary() -> None:
    assert len(TABLE.splitlines()) > 200
    known = [identifier(row.partition("|")[0].partition("-")[0]) for row in TABLE.splitlines()]
    assert all(one is not None and one.parts for one in known)
    assert identifier("3105") is not None
    assert identifier("3106") is None


def test_the_table_is_derived_from_the_dictionarys_own_notation() -> None:
    file = Path(__file__).parents[2] / "firmware-config" / "gs1" / "derive.py"
    derived = runpy.run_path(str(file))["rows"](
        "# comment\n\n"
        "01         *?  N14,csum,gcppos2                  ex=255,37 dlpkey=22,10,21|235                      # GTIN\n"
        "3100-3105  *?  N6                                req=01,02 ex=310n                                  # NET WEIGHT (kg)\n"
        "8008        ?  N6,yymmdd N2,hh [N2],mi [N2],ss   req=01,02,03                                       # PROD TIME\n"
    )
    assert derived == [row for row in TABLE.splitlines() if row.startswith(("01|", "3100-", "8008|"))]


ELEMENTS: list[tuple[str, Elements]] = [
    (f"01{GTIN}", (("01", GTIN),)),
    (f"\x1d01{GTIN}\x1d", (("01", GTIN),)),
    (f"01{GTIN}17261130", (("01", GTIN), ("17", "261130"))),
    (f"01{GTIN}\x1d17261130", (("01", GTIN), ("17", "261130"))),
    (f"10A/7\x1d01{GTIN}", (("10", "A/7"), ("01", GTIN))),
    (f"01{GTIN}3103000195", (("01", GTIN), ("3103", "000195"))),
    ("7007261101\x1d99X", (("7007", "261101"), ("99", "X"))),
    ("7007261101261130", (("7007", "261101261130"),)),
    ("423840124", (("423", "840124"),)),
    ("8008261130143015", (("8008", "261130143015"),)),
    ("10A\x1d10A", (("10", "A"), ("10", "A"))),
]


@pytest.mark.parametrize(("data", "elements"), ELEMENTS)
def test_an_element_string_falls_into_its_elements(data: str, elements: Elements) -> None:
    assert read_elements(data) == elements


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        ("", "empty", "no data"),
        ("\x1d", "empty", "no data"),
        ("04ABC", "unknown_ai", "begins with 04"),
        ("3106000195", "unknown_ai", "begins with 31"),
        ("0", "unknown_ai", "begins with 0"),
        ("AB", "unknown_ai", "something other"),
        ("٠١", "unknown_ai", "something other"),
        (f"01{GTIN}\x1d\x1d10A", "unknown_ai", "something other"),
        (f"01{GTIN[:-1]}", "bad_element", "13 characters were read, and 14 digits"),
        (f"01{GTIN[:-3]}\x1d10A", "bad_element", "11 characters were read"),
        ("10\x1d01", "bad_element", "0 characters were read, and 1 to 20"),
        ("10" + "A" * 21, "bad_element", "21 characters"),
        ("10A^B", "bad_element", "'^' stands in it"),
        ("10A\x00B", "bad_element", "a control character"),
        ("17261131", "bad_element", "no such date"),
        (f"01{GTIN[:-1]}8", "wrong_check_digit", "8, but 7"),
        (f"01{GTIN}02{GTIN}", "contradicting_ais", "(02) and (01)"),
        ("10A\x1d10B", "contradicting_ais", "(10) stands in it with two"),
        ("2539521141123454\x1d8030SIG", "missing_ai", "no serial part"),
    ],
)
def test_an_element_string_that_breaks_a_rule_says_which(data: str, code: str, words: str) -> None:
    found = refused(read_elements, data)
    assert (found[0], words in found[1]) == (code, True), found


def test_a_signed_document_with_its_serial_part_is_taken() -> None:
    assert read_elements("2539521141123454X\x1d8030SIG") == (("253", "9521141123454X"), ("8030", "SIG"))


LINTED = [
    # rule, what holds, what does not
    ("csum", ["9521141123454"], ["9521141123455"]),
    ("csumalpha", ["1987654Ad4X4bL5ttr2310c2K"], ["1987654Ad4X4bL5ttr2310c2L", "A"]),
    ("gcppos1", ["1234", "1234A"], ["123", "123A"]),
    ("gcppos2", ["A1234"], ["A123"]),
    ("hasnondigit", ["1A"], ["12"]),
    ("yymmd0", ["240229", "230200", "991231"], ["230229", "231301", "230001", "230431"]),
    ("yymmdd", ["240229"], ["240200", "230229"]),
    ("yyyymmdd", ["20000229", "19000228", "20240229", "20261130"], ["19000229", "20261131", "20261100", "20260001"]),
    ("hh", ["00", "23"], ["24"]),
    ("mi", ["59"], ["60"]),
    ("ss", ["59"], ["60"]),
    ("hhmi", ["2359"], ["2400", "2360"]),
    ("iso3166", ["840"], ["987"]),
    ("iso3166999", ["999", "276"], ["987"]),
    ("iso3166alpha2", ["DE"], ["AA", "de"]),
    ("iso4217", ["978"], ["000"]),
    ("iso5218", ["9"], ["3"]),
    ("iban", ["GB29NWBK60161331926819"], ["GB29NWBK60161331926818", "GB29NWBK60", "XX29NWBK60161331926819", "GB29nwbk60161331"]),
    ("importeridx", ["-", "_", "a", "7"], ["!"]),
    ("packagetype", ["PX", "9"], ["ZZZ"]),
    ("mediatype", ["01", "10", "80", "99"], ["00", "11", "79"]),
    ("yesno", ["0", "1"], ["2"]),
    ("zero", ["0"], ["1"]),
    ("nonzero", ["0010"], ["0000"]),
    ("nozeroprefix", ["10"], ["01"]),
    ("winding", ["0", "1", "9"], ["2"]),
    ("latitude", ["1800000000"], ["1800000001"]),
    ("longitude", ["3600000000"], ["3600000001"]),
    ("hyphen", ["-"], ["+"]),
    ("pcenc", ["A%2fB", "AB"], ["A%2", "A%2g"]),
    ("pieceoftotal", ["0102", "0202"], ["0002", "0100", "0302"]),
    ("posinseqslash", ["1/3", "12/12"], ["3/2", "13", "0/3", "1/03", "a/3", "1/b", "/3", "1/"]),
    ("couponposoffer", ["000123451234560234567"], ["200123451234560234567", "00", "0001234512345602345678", "A"]),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "good", "bad"), LINTED, ids=[rule for rule, *_ in LINTED])
def test_each_rule_of_the_dictionary_takes_what_holds_and_names_what_does_not(rule: str, good: list[str], bad: list[str]) -> None:
    assert [RULES[rule](text) for text in good] == [""] * len(good)
    assert all(RULES[rule](text) for text in bad)


def test_no_rule_is_without_an_example() -> None:
    assert {rule for rule, *_ in LINTED} | {"couponcode"} == set(RULES)


def test_the_check_pair_is_that_of_the_general_specifications() -> None:
    assert check_pair("1987654Ad4X4bL5ttr2310c") == "2K"


# North American coupons: funder 012345 with offer 123456, saving 1.00, one item of family 000.
PLAIN = "0" + "012345" + "123456" + "3" + "100" + "1" + "1" + "0" + "000"


@pytest.mark.parametrize(
    ("more", "saving", "start", "expiry", "serial"),
    [
        ("", 100, "", "", ""),
        ("1" + "0" + "110000" + "9", 100, "", "", ""),
        ("1" + "3" + "110000" + "0012345", 100, "", "", ""),
        ("2" + "110000" + "9", 100, "", "", ""),
        ("3261130" + "4261101", 100, "2026-11-01", "2026-11-30", ""),
        ("4261101", 100, "2026-11-01", "", ""),
        ("50123456", 100, "", "", "123456"),
        ("611234567", 100, "", "", ""),
        ("90000", 100, "", "", ""),
        ("91001", None, "", "", ""),
    ],
)
def test_a_north_american_coupon_says_what_it_saves(more: str, saving: int | None, start: str, expiry: str, serial: str) -> None:
    found = read(f"]e08110{PLAIN}{more}", NO_CARDS)
    assert isinstance(found, CouponCode)
    assert (found.scheme, found.number) == ("na_offer", "012345123456")
    assert (found.value, found.start, found.expiry, found.serial) == (saving, start, expiry, serial)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("7", "length of company prefix is 7"),
        (PLAIN[:9], "offer code is cut off"),
        (PLAIN[:13] + "6", "length of save value is 6"),
        (PLAIN[:-4] + "5000", "first purchase requirement code is 5"),
        (PLAIN[:-1], "first purchase family code is cut off"),
        (PLAIN + "14", "rule for further purchases is 4"),
        (PLAIN + "10110000", "length of second company prefix is cut off"),
        (PLAIN + "3261100", "expiry date is no date"),
        (PLAIN + "3261131", "expiry date is no date"),
        (PLAIN + "32611304261201", "starts only after"),
        (PLAIN + "68", "length of retailer is 8"),
        (PLAIN + "9300", "save value code is 3"),
        (PLAIN + "9002", "flag against doubling is cut off"),
        (PLAIN + "90002", "flag against doubling is 2"),
        (PLAIN + "7", "goes on behind its end"),
        (PLAIN[:-1] + "A", "digits only"),
    ],
)
def test_a_north_american_coupon_that_is_torn_says_where(value: str, words: str) -> None:
    code, message = refused(read_brackets, f"(8110){value}")
    assert (code, words in message) == ("bad_element", True), message


def test_a_positive_offer_file_coupon_names_its_offer() -> None:
    found = read("]e08112000123451234560234567", NO_CARDS)
    assert isinstance(found, CouponCode)
    assert (found.scheme, found.number, found.serial) == ("na_positive_offer", "012345123456", "234567")
    assert found.value is None


BRACKETED = [
    (f"(01){GTIN}(10)A7", (("01", GTIN), ("10", "A7"))),
    (f" (01) {GTIN} (10) A7 ", (("01", GTIN), ("10", "A7"))),
    (f"(01){GTIN}(10)A\\(1\\)7", (("01", GTIN), ("10", "A(1)7"))),
    (f"(01){GTIN}(10)A(b)7", (("01", GTIN), ("10", "A(b)7"))),
    ("(89)new", (("89", "new"),)),
    (f"(01){GTIN}(21)S(8030)abc-_=", (("01", GTIN), ("21", "S"), ("8030", "abc-_="))),
]


@pytest.mark.parametrize(("text", "elements"), BRACKETED)
def test_staff_may_type_what_stands_in_brackets(text: str, elements: Elements) -> None:
    assert read_brackets(text) == elements


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("", "bad_brackets", "wanted"),
        ("01)12", "bad_brackets", "wanted"),
        (f"x(01){GTIN}", "bad_brackets", "wanted"),
        ("(011)12", "unknown_ai", "(011) is no"),
        ("(89)", "bad_brackets", "no label can carry"),
        ("(89)a b", "bad_brackets", "no label can carry"),
        ("(10)A7", "missing_ai", "(10) stands there without (01) or (02) or (03) or the like"),
        (f"(02){GTIN}", "missing_ai", "(02) stands there without (37)"),
        (f"(01){GTIN}(250)A", "missing_ai", "(01)+(21)"),
        (f"(01){GTIN}(3922)100(3932)978100", "contradicting_ais", "(3922) and (3932)"),
        ("(8030)abcd=", "bad_element", "padding"),
        ("(8030)a=b", "bad_element", "padding"),
    ],
)
def test_bracketed_text_that_cannot_be_says_why(text: str, code: str, words: str) -> None:
    found = refused(read_brackets, text)
    assert (found[0], words in found[1]) == (code, True), found


LINKS = [
    (f"https://example.com/01/{GTIN}", (("01", GTIN),)),
    (f"HTTPS://EXAMPLE.COM/01/{GTIN}", (("01", GTIN),)),
    (f"http://example.com:8080/some/shop/01/{GTIN}/22/2A/10/A7/21/S1", (("01", GTIN), ("22", "2A"), ("10", "A7"), ("21", "S1"))),
    (f"https://[2001:db8::1]/01/{GTIN}", (("01", GTIN),)),
    (f"https://example.com/gtin/{GTIN}/lot/A7", (("01", GTIN), ("10", "A7"))),
    ("https://example.com/01/5901234123457", (("01", GTIN),)),
    ("https://example.com/01/614141000036", (("01", "00614141000036"),)),
    (f"https://example.com/01/{GTIN}/10/A%2F7?17=261130&linkType=all&&flag#top", (("01", GTIN), ("10", "A/7"), ("17", "261130"))),
    (f"https://example.com/01/{GTIN}?99=a%2Bb;98=c&12345=no", (("01", GTIN), ("99", "a+b"), ("98", "c"))),
    (f"https://example.com/01/{GTIN}/00/{SSCC}", (("00", SSCC),)),
]


@pytest.mark.parametrize(("link", "elements"), LINKS)
def test_a_digital_link_says_what_an_element_string_does(link: str, elements: Elements) -> None:
    assert read_link(link) == elements


@pytest.mark.parametrize(
    ("link", "code", "words"),
    [
        (f"ftp://example.com/01/{GTIN}", "bad_link", "https://"),
        (f"Https://example.com/01/{GTIN}", "bad_link", "https://"),
        (f"https://example.com/01/{GTIN} ", "bad_link", "character"),
        (f"https://example.com/01/{GTIN}/10/%4", "bad_link", "character"),
        (f"https:///01/{GTIN}", "bad_link", "host"),
        (f"https://a:65536/01/{GTIN}", "bad_link", "host"),
        (f"https://me@example.com/01/{GTIN}", "bad_link", "host"),
        ("https://example.com", "bad_link", "no product"),
        ("https://example.com/products/tea", "bad_link", "no product"),
        ("https://id.gs1.org/AQnYUc1gmiCNV4JG", "compressed_link", "compressed"),
        ("https://example.com/01/02345673", "bad_element", "8 characters"),
        (f"https://example.com/01/{GTIN}/21/S/10/A", "bad_link", "may not follow"),
        (f"https://example.com/01/{GTIN}/235/S/10/A", "bad_link", "may not follow"),
        (f"https://example.com/00/{SSCC}//x", "bad_link", "may not follow"),
        (f"https://example.com/01/{GTIN}?21=S", "bad_link", "wrong place"),
        (f"https://example.com/01/{GTIN}?89=S", "unknown_ai", "(89)"),
        (f"https://example.com/01/{GTIN}?99=a+b", "bad_element", "' ' stands in it"),
        (f"https://example.com/01/{GTIN}?99=%00", "bad_element", "control"),
        (f"https://example.com/01/{GTIN}/10/A?10=A", "contradicting_ais", "twice"),
        (f"https://example.com/00/{SSCC}?01={GTIN}&02={GTIN}", "contradicting_ais", "exclude"),
    ],
)
def test_a_web_address_that_is_no_digital_link_says_why(link: str, code: str, words: str) -> None:
    found = refused(read_link, link)
    assert (found[0], words in found[1]) == (code, True), found


PRODUCT = ProductCode(GTIN, Carrier.GS1_128)


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        ("3103000195", {"grams": 195}),
        ("3100000002", {"grams": 2000}),
        ("3105012345", {"grams": 123}),
        ("3202000156", {"grams": 708}),
        ("3920129930", {"price": 129930, "price_decimals": 0}),
        ("3922" + "1299", {"price": 1299, "price_decimals": 2}),
        ("3932" + "978" + "1299", {"price": 1299, "price_decimals": 2, "currency": "978"}),
        ("3012", {"count": 12}),
        ("3111000123", {}),
    ],
)
def test_a_product_tells_weight_price_and_count(data: str, wanted: dict[str, Any]) -> None:
    elements = read_elements(f"01{GTIN}{data}")
    assert read(f"]C101{GTIN}{data}", NO_CARDS) == replace(PRODUCT, elements=elements, **wanted)


def test_a_product_tells_its_dates_lot_and_serial() -> None:
    found = read(f"]d201{GTIN}152612011626112917261130" + "10A7\x1d21S1", NO_CARDS)
    assert isinstance(found, ProductCode)
    assert (found.best_before, found.sell_by, found.expiry) == ("2026-12-01", "2026-11-29", "2026-11-30")
    assert (found.lot, found.serial, found.carrier) == ("A7", "S1", Carrier.GS1_DATAMATRIX)
    hot = read(f"]d201{GTIN}7003{'2611301430'}", NO_CARDS)
    assert isinstance(hot, ProductCode)
    assert (hot.expiry, hot.best_before, hot.lot) == ("2026-11-30T14:30", "", "")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"]C100{SSCC}", LogisticUnit(SSCC, Carrier.GS1_128, (("00", SSCC),))),
        (SSCC, LogisticUnit(SSCC, Carrier.UNIDENTIFIED)),
        ("]Q34149521321000018", DataCode((("414", "9521321000018"),), Carrier.GS1_QR)),
        (f"]e001{GTIN}|]e010A7", ProductCode(GTIN, Carrier.DATABAR, elements=(("01", GTIN), ("10", "A7")))),
        (f"]Q1https://example.com/01/{GTIN}", ProductCode(GTIN, Carrier.QR, elements=(("01", GTIN),))),
        (f"]d1HTTPS://EXAMPLE.COM/01/{GTIN}", ProductCode(GTIN, Carrier.DATAMATRIX, elements=(("01", GTIN),))),
        (f"https://example.com/01/{GTIN}", ProductCode(GTIN, Carrier.UNIDENTIFIED, elements=(("01", GTIN),))),
        (f"(01){GTIN}", ProductCode(GTIN, Carrier.UNIDENTIFIED, elements=(("01", GTIN),))),
        (f"01{GTIN}", ProductCode(GTIN, Carrier.UNIDENTIFIED, elements=(("01", GTIN),))),
        (f"10A7\x1d01{GTIN}", ProductCode(GTIN, Carrier.UNIDENTIFIED, elements=(("10", "A7"), ("01", GTIN)))),
        (f"]J18006{GTIN}0102", ProductCode(GTIN, Carrier.GS1_DOTCODE, elements=(("8006", f"{GTIN}0102"),))),
    ],
)
def test_the_carrier_decides_who_reads(text: str, found: object) -> None:
    assert read(text, NO_CARDS) == found


def test_a_coupon_number_tells_its_value() -> None:
    found = read("]e02559521141123454567\x1d3902150\x1d17261130", NO_CARDS)
    assert isinstance(found, CouponCode)
    assert (found.scheme, found.number, found.serial) == ("gcn", "9521141123454", "567")
    assert (found.value, found.decimals, found.expiry) == (150, 2, "2026-11-30")
    plain = content_of((("255", "9521141123454"), ("3912", "978150"), ("99", "x")), Carrier.DATABAR)
    assert isinstance(plain, CouponCode)
    assert (plain.value, plain.decimals, plain.currency, plain.serial) == (150, 2, "978", "")


def test_dates_and_decimals_are_listed_by_identifier() -> None:
    elements = read_elements("152602007007261101261130\x1d80082611301430\x1d310300019510A\x1d70011111111111111")
    assert dates(elements) == {"15": "2026-02-28", "7007": "2026-11-01/2026-11-30", "8008": "2026-11-30T14:30"}
    assert decimals(elements) == {"3103": Decimal("0.195")}
    priced = (("3932", "9781299"), ("3950", "000007"), ("11", "991231"))
    assert decimals(priced) == {"3932": Decimal("12.99"), "3950": Decimal(7)}
    assert dates(priced) == {"11": "1999-12-31"}


@pytest.mark.parametrize(
    ("digits", "code"),
    [("123", "wrong_length"), (SSCC[:-1] + "7", "wrong_check_digit"), ("x" * 18, "wrong_character")],
)
def test_a_pallet_number_is_checked(digits: str, code: str) -> None:
    assert refused(read_sscc, digits)[0] == code
