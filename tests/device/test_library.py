"""Every file of firmware-config by the reader that uses it, and what is derived from it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from panier_device.driver.profile import load_profile
from panier_device.fitting import load_rules
from panier_device.library.device import Library, Maker, library, load_library
from panier_device.library.schema import MODELS, derived
from panier_device.library.sheet import load_sheet
from panier_device.library.source import BadLibraryFile, load_file
from panier_io.firmware import firmware_config
from panier_io.numbering import numbering_of

ROOT = firmware_config()
# Files that are no model's, by folder: all that may lie there, and which test reads them as their program does.
OTHERS = {
    "broker": {"README.md", "mosquitto.acl", "mosquitto.conf"},  # tests/gateway/test_mosquitto.py
    "gs1": {"derive.py"},  # compiled below
    "systemd": {  # tests/house/test_systemd.py
        "panier-.service.d/10-watched-and-shut-in.conf", "panier-backoffice.service", "panier-device@.service",
        "panier-gateway.service", "panier.sysusers.conf",
    },
    "schema": {"derive.py", *(f"{folder}.json" for folder in MODELS)},
    "udev": {"99-panier.rules"},
}  # fmt: skip
RULES = {"loyalty": lambda path: load_rules(str(path)), "numbering": lambda path: numbering_of(path.stem)}


@pytest.mark.parametrize(
    "path", [path for folder in MODELS for path in sorted((ROOT / folder).glob("*"))], ids=lambda path: path.stem
)
def test_every_file_holds_by_its_model(path: Path):
    assert path.suffix == ".toml"
    assert load_file(MODELS[path.parent.name], path)


@pytest.mark.parametrize(
    "path", [path for folder in RULES for path in sorted((ROOT / folder).glob("*"))], ids=lambda path: path.stem
)
def test_every_file_of_rules_holds_by_its_reader(path: Path):
    assert path.suffix == ".toml"
    assert RULES[path.parent.name](path)


def test_no_folder_and_no_file_is_there_that_nobody_reads():
    table = (ROOT / "README.md").read_text(encoding="utf-8")
    folders = {path.name for path in ROOT.iterdir() if path.name != "README.md"}
    assert folders == {*MODELS, *RULES, *OTHERS}
    for folder in folders:
        assert table.count(f"| `{folder}/` |") == 1, f"{folder} is not once in the table of firmware-config/README.md"
    for folder, names in OTHERS.items():
        files = [path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
        assert {str(path.relative_to(ROOT / folder)) for path in files} == names


@pytest.mark.parametrize("path", ["gs1/derive.py", "schema/derive.py"])
def test_scripts_of_the_data_are_python(path: str):
    compile((ROOT / path).read_text(encoding="utf-8"), path, "exec")


def test_what_is_derived_is_not_stale():
    for name, text in derived(library()).items():
        assert (ROOT / name).read_text(encoding="utf-8") == text, (
            f"{name} is stale: python firmware-config/schema/derive.py, then look at the difference"
        )


def test_a_schema_says_what_a_profile_may_hold():
    schema = json.loads((ROOT / "schema" / "profiles.json").read_text(encoding="utf-8"))
    assert schema["additionalProperties"] is False
    assert schema["properties"]["baud"]["enum"][0] == 1200


def test_an_id_says_what_a_device_is_and_in_which_mode():
    found = library().find("1eab", "1d06")
    assert found is not None
    assert (found.maker, found.name, found.mode, found.profile, found.sheet) == (
        "Newland", "FM430", "serial", "newland-fm430", "newland",
    )  # fmt: skip
    keyboard = library().find("05e0", "1200")
    assert keyboard is not None
    assert keyboard.mode == "keyboard"


def test_a_device_that_is_not_listed_is_known_by_its_maker():
    found = library().find("0c2e", "ffff")
    assert found is not None
    assert (found.maker, found.mode, found.sheet) == ("Honeywell", None, "honeywell")
    assert library().find("1d6b", "0002") is None


def test_every_profile_and_sheet_that_a_device_names_exists():
    for maker in library().makers.values():
        assert not maker.sheet or load_sheet(maker.sheet, ROOT / "sheets").targets
        for profile in {maker.profile, *(device.profile for device in maker.device)} - {""}:
            assert load_profile(profile, ROOT / "profiles").sources


def test_a_profile_of_a_real_scanner_says_where_it_is_from():
    ours = {"bare", "framed", "generic", "generic-aim", "usb-cdc"}
    real = [path.stem for path in (ROOT / "profiles").glob("*.toml") if load_profile(str(path), ROOT).sources]
    assert len(real) >= 10
    assert not ours & set(real)


def test_no_product_id_is_listed_twice():
    for maker in library().makers.values():
        ids = [device.product for device in maker.device]
        assert len(ids) == len(set(ids)), maker.maker
    assert len(load_library(ROOT / "devices").makers) == len(list((ROOT / "devices").glob("*.toml")))


def test_a_bad_file_is_refused_with_every_field_that_is_wrong(tmp_path: Path):
    file = tmp_path / "bad.toml"
    file.write_text('maker = "X"\nvendor = "0C2E"\nkind = "toaster"\nsource = "a manual"\ncolour = "red"\n', encoding="utf-8")
    with pytest.raises(BadLibraryFile, match=r"vendor.*kind.*colour|colour.*vendor.*kind"):
        load_file(Maker, file)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(BadLibraryFile, match=r"bad\.toml"):
        load_file(Maker, file)


def test_udev_knows_every_vendor_and_keeps_modem_manager_off_each():
    text = (ROOT / "udev" / "99-panier.rules").read_text(encoding="utf-8")
    for vendor in library().makers:
        ports = [line for line in text.splitlines() if line.startswith('SUBSYSTEM=="tty"') and f'"{vendor}"' in line]
        assert len(ports) == 1, vendor
        assert 'ENV{ID_MM_DEVICE_IGNORE}="1"' in ports[0]
        assert 'MODE="0660"' in ports[0]


def test_udev_could_read_every_line():
    # udev(7): comma-separated pairs of KEY or KEY{attribute}, an operator, and a value in double quotes.
    pair = r'[A-Z]+(\{[A-Za-z_/]+\})?(==|!=|=|\+=|:=)"[^"]*"'
    for line in (ROOT / "udev" / "99-panier.rules").read_text(encoding="utf-8").splitlines():
        assert not line or line.startswith("#") or re.fullmatch(rf"{pair}(, {pair})*", line), line


def test_a_scanner_that_types_is_kept_from_the_desktop():
    maker = Maker(maker="X", vendor="1234", kind="scanner", source="a manual, page 1")
    lines = derived(Library([maker]))["udev/99-panier.rules"].splitlines()
    typed = next(line for line in lines if line.startswith('SUBSYSTEM=="input"'))
    assert 'ENV{LIBINPUT_IGNORE_DEVICE}="1"' in typed
    assert 'SYMLINK+="retail/scanner-keys-%b"' in typed
