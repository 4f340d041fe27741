"""Four protocols of scales, from the scale's side: bytes from a till in, answers out. No I/O; times are passed in.

Written from the makers' manuals that docs/hardware/scales.md names, and knows nothing of the device's own code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from panier_simulators.platter import Platter

NUL, SOH, STX, ETX, EOT, ENQ, ACK, LF, CR, DC1, NAK, ESC = (bytes([code]) for code in (0, 1, 2, 3, 4, 5, 6, 10, 13, 17, 21, 27))
CLEAR_TAKES = 0.15
"""Seconds until a Toledo 8217 answers to T and C."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the scale sends, and how long it thinks before."""

    data: bytes
    after: float = 0.0


class Talk(Protocol):
    """A scale's side of one protocol."""

    def hear(self, byte: bytes, now: float) -> list[Reply]:
        """What one byte of the till brings."""
        ...


class Toledo:
    """Toledo 8217. Status bit 5 says on Mettler's own that there is a tare; the others set it always, and name the unit."""

    def __init__(self, platter: Platter) -> None:
        self._platter = platter
        self._is_alien = platter.make.variant in ("rice-lake", "ohaus")

    def hear(self, byte: bytes, now: float) -> list[Reply]:
        platter = self._platter
        match byte:
            case b"W":
                if platter.moves(now) or platter.is_over or platter.is_under:
                    return [Reply(self._status(now))]
                unit = platter.make.unit if self._is_alien else ""
                return [Reply(STX + f"{platter.digits}{unit}{'N' if platter.tare else ''}".encode() + CR)]
            case b"Z":
                if not platter.moves(now):
                    platter.press_zero()
                return [Reply(self._status(now))]
            case b"T" | b"C":
                if not platter.moves(now):
                    (platter.press_tare if byte == b"T" else platter.press_clear)()
                return [Reply(self._status(now), CLEAR_TAKES)]
            case _:
                return [Reply(self._status(now))]

    def _status(self, now: float) -> bytes:
        platter = self._platter
        ails = platter.moves(now), platter.is_over, platter.is_under
        bits = (*ails, False, platter.is_at_zero, self._is_alien or platter.tare > 0, True)
        return STX + b"?" + bytes([sum(1 << place for place, bit in enumerate(bits) if bit)]) + CR


class Nci:
    """SCP-01; the form of cash registers (variant `ecr`) puts S before the status and gives no weight that may not be sold."""

    def __init__(self, platter: Platter) -> None:
        self._platter = platter
        self._line = b""

    def hear(self, byte: bytes, now: float) -> list[Reply]:
        if byte != CR:
            self._line = (self._line + byte)[-8:]
            return []
        line, self._line = self._line, b""
        platter = self._platter
        is_ecr = platter.make.variant == "ecr"
        status = LF + (b"S" if is_ecr else b"") + self._status(now) + CR + ETX
        if line == b"Z" and not platter.moves(now):
            platter.press_zero()
        if line in (b"S", b"Z"):
            return [Reply(status)]
        if line != b"W":
            return [Reply(LF + b"?" + CR + ETX)]
        if is_ecr and (platter.moves(now) or platter.is_over or platter.is_under):
            return [Reply(status)]
        unit = platter.make.unit.encode()
        shown = b"^^^^^^" if platter.is_over else b"______" if platter.is_under else platter.digits.encode()
        return [Reply(LF + shown + (unit.upper() if is_ecr else unit) + CR + status)]

    def _status(self, now: float) -> bytes:
        platter = self._platter
        first = 0x30 | platter.moves(now) | platter.is_at_zero << 1
        second = 0x30 | platter.is_under | platter.is_over << 1
        return bytes([first, second | 0x40, 0x34]) if platter.tare else bytes([first, second])


class Cas:
    """CAS PD-II, type 6: ENQ, ACK, DC1, then SOH, STX, ten characters, their exclusive or, ETX, EOT."""

    def __init__(self, platter: Platter) -> None:
        self._platter = platter

    def hear(self, byte: bytes, now: float) -> list[Reply]:
        if byte == ENQ:
            return [Reply(ACK)]
        if byte != DC1:
            return [Reply(NAK)]
        platter = self._platter
        status = b"U" if platter.moves(now) else b"S"
        if platter.is_over:
            content = status + b"F" + b"F" * 6
        else:
            content = status + (b"-" if platter.is_under else b" ") + platter.digits.rjust(6).encode()
        content += b"Kg" if platter.make.unit == "kg" else b"Lb"
        check = 0
        for one in content:
            check ^= one
        return [Reply(SOH + STX + content + bytes([check]) + ETX + EOT)]


class Checkout:
    """Checkout-Dialogue 06. Asks for checksums when switched on and after 50 weighings; the polynomial is ours, no scale's."""

    def __init__(self, platter: Platter) -> None:
        self._platter = platter
        self._record = b""
        self._inside = False
        self._wants_proof = True
        self._proved: bool | None = None
        self._weighings = 0
        self._price = self._tare = 0
        self._error = b"00"
        self._sold_at = -1
        self._seed = 0x47

    def hear(self, byte: bytes, now: float) -> list[Reply]:
        if self._inside:
            if byte != ETX:
                self._record = (self._record + byte)[-80:]
                return []
            record, self._inside = self._record, False
            return [Reply(answer) for answer in self._obey(record)]
        if byte == STX:
            self._inside, self._record = True, b""
        elif byte == ENQ:
            return [Reply(self._result(now))]
        return []

    def _obey(self, record: bytes) -> list[bytes]:
        number, _, rest = record.partition(ESC)
        fields = rest.split(ESC)
        match number:
            case b"08":
                error, self._error = self._error, b"00"
                return [STX + b"09" + ESC + error + ETX]
            case b"10":
                self._proved = self._is_proof(rest)
                return [ACK]
            case b"01" | b"03" if not all(field.isdigit() for field in fields if field):
                return self._refuse(b"11")
            case b"01" | b"03":
                if self._wants_proof:
                    self._seed = (self._seed * 5 + 0x31) & 0xFF
                    return [STX + b"11" + ESC + b"2%02X" % self._seed + ETX]
                self._price = int(fields[0])
                self._tare = int(fields[1] or 0) if number == b"03" else 0
                return [ACK]
            case _:
                return self._refuse(b"10")

    def _refuse(self, error: bytes) -> list[bytes]:
        self._error = error
        return [NAK]

    def _result(self, now: float) -> bytes:
        if self._proved is not None:
            valid, self._proved = self._proved, None
            self._wants_proof = not valid
            return STX + b"11" + ESC + (b"1" if valid else b"0") + ETX
        platter = self._platter
        platter.tare = self._tare
        error = next((code for code, holds in self._hindrances(now) if holds), None)
        if error:
            self._error = error
            return NAK
        self._weighings += 1
        self._sold_at = platter.moved
        self._wants_proof = self._weighings % 50 == 0
        grams = platter.shown
        amount = (2 * grams * self._price + 1000) // 2000
        return STX + ESC.join((b"02", b"3", b"%05d" % grams, b"%06d" % self._price, b"%06d" % amount)) + ETX

    def _hindrances(self, now: float) -> list[tuple[bytes, bool]]:
        platter = self._platter
        return [
            (b"32", platter.is_over), (b"31", platter.is_under), (b"20", platter.moves(now)),
            (b"30", platter.shown < platter.make.minimum), (b"21", platter.moved == self._sold_at),
        ]  # fmt: skip

    def _is_proof(self, pair: bytes) -> bool:
        """Turns both halves back, and divides bit by bit: the remainder of the first must be the second."""
        if len(pair) != 8 or not all(one in b"0123456789ABCDEF" for one in pair):
            return False
        left, right = self._seed >> 4, self._seed & 0x0F
        bits = f"{int(pair[:4], 16):016b}"
        bits = bits[16 - left :] + bits[: 16 - left]
        expected = f"{int(pair[4:], 16):016b}"
        expected = expected[right:] + expected[:right]
        rest = [*map(int, bits), *[0] * 16]
        divisor = [int(bit) for bit in f"{self._platter.make.polynomial:017b}"]
        for place in range(16):
            if rest[place]:
                for offset, bit in enumerate(divisor):
                    rest[place + offset] ^= bit
        return "".join(map(str, rest[16:])) == expected


def talk_of(platter: Platter) -> Talk:
    """The side of the scale that `platter.make` names."""
    return {"toledo-8217": Toledo, "nci-scp-01": Nci, "cas-pd-ii": Cas, "dialog-06": Checkout}[platter.make.protocol](platter)
