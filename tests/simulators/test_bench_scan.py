"""`panier bench scan`, on a number of codes that takes no time worth measuring."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from panier.barcode import LoyaltyRules, ProductCode, read
from panier_simulators.bench.command import bench
from panier_simulators.bench.scan import ean13_codes, gs1_codes


def test_the_peer_reads_the_same_products_in_the_same_run() -> None:
    told = CliRunner().invoke(bench, ["scan", "--codes", "100", "--rounds", "3", "--json"])
    result = json.loads(told.stdout)
    assert result["holds"]["both read the same products"]
    assert result["peer"].startswith("biip 5")
    assert all(result[name]["per_second"] > 0 and result[name]["ratio"] > 0 for name in ("ean13", "gs1_128"))
    assert told.exit_code == (0 if all(result["holds"].values()) else 1)


def test_its_codes_are_all_different_and_all_products() -> None:
    for codes in (ean13_codes(200), gs1_codes(200)):
        assert len(set(codes)) == 200
        assert all(isinstance(read(code, LoyaltyRules()), ProductCode) for code in codes)


def test_a_person_gets_a_table() -> None:
    told = CliRunner().invoke(bench, ["scan", "--codes", "100", "--rounds", "3"])
    assert "gs1_128" in told.stdout
    assert "both read the same products" in told.stdout
