"""`panier bench pricing`, on a market and a number of baskets that take no time worth measuring."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console
from typer.testing import CliRunner

from panier_simulators.bench import pricing
from panier_simulators.bench.command import bench
from panier_simulators.bench.oscar import REPLACED


def test_it_tells_ours_and_the_peer_and_its_status_says_whether_all_promises_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    small = {"PROMOTIONS": (10, 40), "PEER_PROMOTIONS": (10, 40), "AT": (40, 10), "LINES": (1, 10), "PEER_BASKETS": 2}
    for name, value in small.items():
        monkeypatch.setattr(pricing, name, value)
    told = CliRunner().invoke(bench, ["pricing", "--baskets", "20", "--json"])
    figures = json.loads(told.stdout)
    assert told.exit_code == (0 if all(figures["holds"].values()) else 1)
    assert set(figures["holds"]) == set(pricing.PROMISES)
    assert [(cell["promotions"], cell["lines"]) for cell in figures["cells"]] == [(10, 1), (10, 10), (40, 1), (40, 10)]
    judged = figures["peer"]["rows"][-1]["peer"][pricing.JUDGED]
    assert (figures["peer"]["ratio_scratch"], figures["peer"]["ratio_scan"]) == (judged["ratio_scratch"], judged["ratio_scan"])
    assert all(tuple(row["peer"]) == tuple(REPLACED) for row in figures["peer"]["rows"])

    # People read the same, on a narrow terminal too.
    with io.StringIO() as page:
        Console(file=page, width=80).print(pricing.render(figures))
        text = page.getvalue()
    assert all(words in text for words in (*pricing.PROMISES.values(), *REPLACED))
    assert "…" not in text
