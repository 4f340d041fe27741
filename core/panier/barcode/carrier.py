"""What carried a code: a symbol, as its AIM identifier says (ISO/IEC 15424), or a card that was swiped or tapped."""

from __future__ import annotations

from enum import StrEnum

from panier.barcode.refusal import BarcodeRefused


class Carrier(StrEnum):
    """The kind of symbol or card that was read; the values are the names that card rules use."""

    UNIDENTIFIED = "unidentified"
    EAN_8 = "ean8"
    EAN_13 = "ean13"
    UPC_A = "upca"
    UPC_E = "upce"
    EAN_ADDON = "ean_addon"
    CODE_128 = "code128"
    GS1_128 = "gs1_128"
    DATABAR = "databar"
    CODE_39 = "code39"
    CODE_93 = "code93"
    CODABAR = "codabar"
    ITF = "itf"
    QR = "qr"
    GS1_QR = "gs1_qr"
    DATAMATRIX = "datamatrix"
    GS1_DATAMATRIX = "gs1_datamatrix"
    DOTCODE = "dotcode"
    GS1_DOTCODE = "gs1_dotcode"
    PDF417 = "pdf417"
    AZTEC = "aztec"
    MAGSTRIPE = "magstripe"
    NFC = "nfc"

    @property
    def words(self) -> str:
        """Its name as people say it, with an article."""
        return _WORDS[self]


_WORDS = {
    Carrier.UNIDENTIFIED: "a code without identifier",
    Carrier.EAN_8: "an EAN-8",
    Carrier.EAN_13: "an EAN-13",
    Carrier.UPC_A: "a UPC-A",
    Carrier.UPC_E: "a UPC-E",
    Carrier.EAN_ADDON: "a bar code with an add-on",
    Carrier.CODE_128: "a Code 128",
    Carrier.GS1_128: "a GS1-128",
    Carrier.DATABAR: "a GS1 DataBar",
    Carrier.CODE_39: "a Code 39",
    Carrier.CODE_93: "a Code 93",
    Carrier.CODABAR: "a Codabar",
    Carrier.ITF: "an ITF (case) code",
    Carrier.QR: "a QR code",
    Carrier.GS1_QR: "a GS1 QR code",
    Carrier.DATAMATRIX: "a DataMatrix",
    Carrier.GS1_DATAMATRIX: "a GS1 DataMatrix",
    Carrier.DOTCODE: "a DotCode",
    Carrier.GS1_DOTCODE: "a GS1 DotCode",
    Carrier.PDF417: "a PDF417",
    Carrier.AZTEC: "an Aztec code",
    Carrier.MAGSTRIPE: "a magnetic stripe",
    Carrier.NFC: "an NFC tag",
}

# ]E0 is EAN-13, UPC-A and UPC-E alike; the count of digits tells them apart. ]C0 is *not* a GS1 element string: a loyalty
# number that starts with 01 must not become a GTIN. Only modifiers that a default decoder sends are here.
AIM: dict[str, Carrier] = {
    "]E0": Carrier.EAN_13,
    "]E1": Carrier.EAN_ADDON, "]E2": Carrier.EAN_ADDON, "]E3": Carrier.EAN_ADDON,
    "]E4": Carrier.EAN_8,
    "]C0": Carrier.CODE_128,
    "]C1": Carrier.GS1_128,
    "]e0": Carrier.DATABAR, "]e1": Carrier.DATABAR, "]e2": Carrier.DATABAR, "]e3": Carrier.DATABAR,
    "]A0": Carrier.CODE_39, "]A1": Carrier.CODE_39, "]A2": Carrier.CODE_39, "]A3": Carrier.CODE_39,
    "]G0": Carrier.CODE_93,
    "]F0": Carrier.CODABAR, "]F2": Carrier.CODABAR, "]F4": Carrier.CODABAR,
    "]I0": Carrier.ITF, "]I1": Carrier.ITF, "]I3": Carrier.ITF,
    "]Q0": Carrier.QR, "]Q1": Carrier.QR, "]Q2": Carrier.QR,
    "]Q3": Carrier.GS1_QR, "]Q4": Carrier.GS1_QR,
    "]d0": Carrier.DATAMATRIX, "]d1": Carrier.DATAMATRIX, "]d4": Carrier.DATAMATRIX,
    "]d2": Carrier.GS1_DATAMATRIX, "]d5": Carrier.GS1_DATAMATRIX,
    "]J0": Carrier.DOTCODE, "]J1": Carrier.GS1_DOTCODE,
    "]L0": Carrier.PDF417, "]L1": Carrier.PDF417, "]L2": Carrier.PDF417,
    "]z0": Carrier.AZTEC, "]z3": Carrier.AZTEC,
}  # fmt: skip


class UnknownIdentifier(BarcodeRefused):
    """A `]` that no known AIM identifier follows."""

    code = "unknown_identifier"

    def __init__(self, identifier: str) -> None:
        super().__init__(
            f"{identifier!a} is no AIM identifier that Panier knows; such a symbol is not used here: scan the bar code "
            "with 8, 12 or 13 digits"
        )
        self.identifier = identifier


class IdentifierMismatch(BarcodeRefused):
    """The identifier announces one kind of code and another came."""

    code = "identifier_mismatch"
