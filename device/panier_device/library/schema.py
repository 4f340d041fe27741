"""Which model each folder of firmware-config is read with, and what is derived from models and tables for other programs."""

from __future__ import annotations

import json
from typing import cast

from pydantic import BaseModel

from panier_device.driver.profile import ScannerProfile
from panier_device.library.device import Library, Maker
from panier_device.library.sheet import Sheet
from panier_device.library.udev import rules

MODELS: dict[str, type[BaseModel]] = {
    "devices": Maker,
    "profiles": ScannerProfile,
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


def _steady(part: object) -> object:
    """The same with the defaults of sets in order: Python gives their members in another order in each process."""
    if isinstance(part, list):
        return [_steady(one) for one in cast("list[object]", part)]
    if not isinstance(part, dict):
        return part
    fields = {str(name): _steady(one) for name, one in cast("dict[object, object]", part).items()}
    if fields.get("uniqueItems") and isinstance(fields.get("default"), list):
        fields["default"] = sorted(cast("list[str]", fields["default"]))
    return fields
