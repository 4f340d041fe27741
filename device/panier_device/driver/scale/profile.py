"""Scale profiles: what differs from one scale's wire and plate to the next, as data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from panier.error import PanierError
from panier_device.driver.scale import scp01, toledo
from panier_device.driver.scale.cas import CasPd2
from panier_device.driver.scale.dialog06 import OUR_POLYNOMIAL, Dialog06
from panier_device.driver.scale.port import Dialogue, Unit
from panier_io.firmware import load_named

_TOLEDO = {"": toledo.METTLER, "mettler": toledo.METTLER, "rice-lake": toledo.RICE_LAKE, "ohaus": toledo.OHAUS}
_SCP01 = {"": scp01.WEIGH_TRONIX, "weigh-tronix": scp01.WEIGH_TRONIX, "ecr": scp01.ECR}
_VARIANTS = {"toledo-8217": set(_TOLEDO), "nci-scp-01": set(_SCP01), "cas-pd-ii": {""}, "dialog-06": {""}}


class BadScaleProfile(PanierError):
    """A profile that is missing or does not hold."""

    code = "bad_scale_profile"


class ScaleProfile(BaseModel):
    """One scale: its wire, its plate, and how a tare comes off.

    `capacity`, `division` and `minimum` are in grams. `tare` says who takes a preset tare off: `subtracted` by the terminal,
    `sent` to the scale with the price (Dialog 06), `at_scale` by whoever presses its key, and the product's is not used.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Annotated[str, Field(min_length=1, max_length=80)]
    source: Annotated[str, Field(min_length=1, max_length=400)]
    """Where the facts below are written."""
    protocol: Literal["toledo-8217", "nci-scp-01", "cas-pd-ii", "dialog-06"]
    variant: str = ""
    baud: Literal[1200, 2400, 4800, 9600, 19200, 38400] = 9600
    data_bits: Literal[7, 8] = 7
    parity: Literal["none", "even", "odd"] = "even"
    stop_bits: Literal[1, 2] = 1
    unit: Unit = "kg"
    capacity: Annotated[int, Field(gt=0, le=150_000)]
    division: Annotated[int, Field(gt=0, le=100)]
    minimum: Annotated[int, Field(ge=0, le=10_000)] = 0
    """The least that may be weighed for a sale; 0 stands for 20 divisions, as for class III (OIML R 76-1, table 3)."""
    tare: Literal["subtracted", "sent", "at_scale"] = "subtracted"
    polynomial: Annotated[str, Field(pattern=r"^1[0-9a-fA-F]{4}$")] = f"{OUR_POLYNOMIAL:05x}"
    """Of Dialog 06's checksums, 17 bits; the maker's is secret, so it belongs into a file of your own."""

    @model_validator(mode="after")
    def _known(self) -> ScaleProfile:
        if self.variant not in _VARIANTS[self.protocol]:
            known = ", ".join(repr(name) for name in sorted(_VARIANTS[self.protocol]) if name) or "none"
            raise ValueError(f"{self.protocol} has no variant {self.variant!r}; there is {known}")
        if (self.tare == "sent") != (self.protocol == "dialog-06"):
            raise ValueError('tare = "sent" goes with dialog-06, and only with it')
        if self.protocol == "dialog-06" and self.unit != "kg":
            raise ValueError("dialog-06 is told prices a kilogram: unit must be kg")
        return self

    @property
    def least(self) -> int:
        """The least that may be weighed for a sale, in grams."""
        return self.minimum or 20 * self.division

    def dialogue(self) -> Dialogue:
        """The talk with this scale."""
        keeps = self.tare == "at_scale"
        match self.protocol:
            case "toledo-8217":
                return replace(_TOLEDO[self.variant], unit=self.unit, keeps_tare=keeps).dialogue()
            case "nci-scp-01":
                return replace(_SCP01[self.variant], unit=self.unit, keeps_tare=keeps).dialogue()
            case "cas-pd-ii":
                return CasPd2(self.unit).dialogue()
            case "dialog-06":
                return Dialog06(int(self.polynomial, 16)).dialogue()


def load_scale_profile(name: str, folder: Path) -> ScaleProfile:
    """The profile `name` of `folder`, or the one of the file that `name` is the path of. Raises BadScaleProfile."""
    return load_named(ScaleProfile, "scale profile", name, folder, BadScaleProfile)
