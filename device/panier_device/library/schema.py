"""Which model each folder of firmware-config is read with, and what is derived from models and tables for other programs."""

from __future__ import annotations

import json
from typing import cast

from pydantic import BaseModel

from panier_device.driver.layout import LayoutFile
from panier_device.driver.printer_profile import PrinterProfile
from panier_device.driver.profile import ScannerProfile
from panier_device.driver.scale.profile import ScaleProfile
from panier_device.library.device import Library, Maker
from panier_device.library.sheet import Sheet
from panier_device.library.udev import rules

MODELS: dict[str, type[BaseModel]] = {
    "devices": Maker,
    "layouts": LayoutFile,
    "printers": PrinterProfile,
    "profiles": ScannerProfile,
    "scales": ScaleProfile,
    "sheets": Sheet,
}
"""Folders whose files are one model each; other folders have readers of their own."""


def derived(library: Library) -> dict[str, str]:
    """Every derived file of firmware-config, as its path below that folder and its text."""
    schemas = {
        f"schema/{folder}.json": json.dumps(_schema(folder, model), indent=2, ensure_ascii=False) + "\n"
        for folder, model in MODELS.items()
    }
    return {**schemas, "udev/99-panier.rules": rules(library)}


def _schema(folder: str, model: type[BaseModel]) -> dict[str, object]:
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"panier:firmware-config/{folder}"}
    return {**head, **cast("dict[str, object]", _steady(model.model_json_schema()))}


def _steady(part: object, *, is_default: bool = False) -> object:
    """The same with the members of sets in order: Python gives them in another order in each process."""
    if isinstance(part, list):
        items = [_steady(one, is_default=is_default) for one in cast("list[object]", part)]
        return sorted(items, key=str) if is_default else items
    if not isinstance(part, dict):
        return part
    fields = cast("dict[str, object]", part)
    return {name: _steady(one, is_default=is_default or name == "default") for name, one in fields.items()}
