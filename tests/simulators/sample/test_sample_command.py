from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from panier_simulators.command import sample


@pytest.fixture
def app() -> typer.Typer:
    held = typer.Typer()
    held.command("sample")(sample)
    return held


def test_json_says_where_it_is_and_what_it_holds(app: typer.Typer, small_data: Path, tmp_path: Path) -> None:
    flags = ["--out", str(tmp_path / "out"), "--data", str(small_data), "--json"]
    first = json.loads(CliRunner().invoke(app, flags).stdout)
    assert (first["directory"], first["cached"]) == (str(tmp_path / "out"), False)
    assert first["rows"] == {"campaigns": 1, "coupons": 2, "lines": 6, "members": 3, "products": 8, "promotions": 1, "trips": 4}
    assert json.loads(CliRunner().invoke(app, flags).stdout)["cached"] is True


def test_a_directory_without_tables_ends_with_a_reason_and_status_1(app: typer.Typer, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["--data", str(tmp_path), "--out", str(tmp_path / "out")])
    assert result.exit_code == 1
    assert "holds no campaign_descriptions.parquet" in result.stderr
