from __future__ import annotations

from pathlib import Path

import pytest

from panier_device.driver.layout import BadLayout, load_layout
from panier_device.driver.profile import BadProfile, load_profile
from panier_io.firmware import firmware_config

PROFILES, LAYOUTS = firmware_config() / "profiles", firmware_config() / "layouts"


@pytest.mark.parametrize("path", sorted(PROFILES.glob("*.toml")), ids=lambda path: path.stem)
def test_every_profile_loads(path: Path):
    assert load_profile(path.stem, PROFILES) == load_profile(str(path), PROFILES)


@pytest.mark.parametrize("path", sorted(LAYOUTS.glob("*.toml")), ids=lambda path: path.stem)
def test_every_layout_loads_and_types_all_digits(path: Path):
    typed = {character for pair in load_layout(path.stem, LAYOUTS).keys.values() for character in pair}
    assert set("0123456789") <= typed


def test_an_unknown_profile_names_those_that_exist():
    with pytest.raises(BadProfile, match="generic"):
        load_profile("gneric", PROFILES)


def test_a_profile_with_an_unknown_field_is_refused(tmp_path: Path):
    file = tmp_path / "mine.toml"
    file.write_text('title = "Mine"\nbuad = 9600\n')
    with pytest.raises(BadProfile, match="buad"):
        load_profile(str(file), PROFILES)


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        ("repeat_ms = -1", "repeat_ms"),
        ('[feedback]\nrefused = "\\u0107"', "feedback.refused"),
        ('[keys]\nends = ["space"]', "keys.ends"),
        ("[report]\ndata_at = 40", "beyond the 64 bytes"),
        ('[report.symbologies]\nd = "E0"', "report.symbologies"),
    ],
)
def test_what_no_scanner_can_do_is_refused_by_name(lines: str, named: str, tmp_path: Path):
    file = tmp_path / "mine.toml"
    file.write_text(f'title = "Mine"\n{lines}\n')
    with pytest.raises(BadProfile, match=named):
        load_profile(str(file), PROFILES)


def test_a_layout_whose_rows_do_not_match_is_refused(tmp_path: Path):
    file = tmp_path / "mine.toml"
    file.write_text('title = "Mine"\n[[row]]\nfirst = 2\nplain = "123"\nshifted = "!"\n')
    with pytest.raises(BadLayout, match="3 plain"):
        load_layout(str(file), LAYOUTS)
    with pytest.raises(BadLayout, match="us"):
        load_layout("klingon", LAYOUTS)
