"""How long an ESC/POS command is: the table by which bytes become commands. Epson ESC/POS command reference.

https://download4.epson.biz/sec_pubs/pos/reference_en/escpos/commands.html
"""

from __future__ import annotations

NUL, DLE, ESC, FS, GS = 0x00, 0x10, 0x1B, 0x1C, 0x1D

# Parameters after ESC and one byte, where their number is fixed.
_ESC = {
    **dict.fromkeys("@2LS<\x0c", 0),
    **dict.fromkeys(" !-3=?ERGJKMTUVadeitu{rv%", 1),
    **dict.fromkeys("$\\c", 2),
    "p": 3,
    "W": 8,
}
_FS = {**dict.fromkeys("&.", 0), **dict.fromkeys("!-CW", 1), **dict.fromkeys("Sp", 2), "2": 74}
_GS = {**dict.fromkeys(":", 0), **dict.fromkeys("!/BEHITabfhrwc", 1), **dict.fromkeys("$LPW\\", 2), "^": 3}


def command_length(data: bytes) -> int | None:
    """Bytes of the command or the character at the start of `data`; None where more must come before that is known.

    A command that the table does not have is two bytes: a printer takes what follows for text, and so it can be seen.
    """
    first = data[0]
    if first not in (DLE, ESC, FS, GS):
        return 1
    if len(data) < 2:
        return None
    name = chr(data[1])
    match first:
        case 0x10:
            length = {"\x04": 3, "\x05": 3, "\x14": _pulse(data)}.get(name, 2)
        case 0x1B:
            length = _esc(name, data)
        case 0x1C:
            length = 2 + _FS[name] if name in _FS else _sized(data, 3) if name == "(" else 2
        case _:
            length = _gs(name, data)
    return length if length is not None and length <= len(data) else None


def _pulse(data: bytes) -> int | None:
    # DLE DC4 fn: 1 a pulse, 2 power off, 8 clear buffers with the 7 fixed bytes that keep it from being sent by chance.
    return {8: 10, 1: 5, 2: 5}.get(data[2], 3) if len(data) > 2 else None


def _esc(name: str, data: bytes) -> int | None:
    if name in _ESC:
        return 2 + _ESC[name]
    match name:
        case "D":
            end = data.find(NUL, 2, 35)
            return end + 1 if end >= 0 else None if len(data) < 35 else 35
        case "*":
            if len(data) < 5:
                return None
            return 5 + (data[3] + 256 * data[4]) * (3 if data[2] in (32, 33) else 1)
        case "(":
            return _sized(data, 3)
        case _:
            return 2


def _gs(name: str, data: bytes) -> int | None:
    if name in _GS:
        return 2 + _GS[name]
    match name:
        case "(":
            return _sized(data, 3)
        case "8":
            return 7 + int.from_bytes(data[3:7], "little") if len(data) >= 7 else None
        case "k":
            if len(data) < 4:
                return None
            if data[2] >= 65:
                return 4 + data[3]
            end = data.find(NUL, 3)
            return end + 1 if end >= 0 else None if len(data) < 260 else 260
        case "V":
            return None if len(data) < 3 else 4 if data[2] in (65, 66, 97, 98, 103, 104) else 3
        case "v":
            return 8 + (data[4] + 256 * data[5]) * (data[6] + 256 * data[7]) if len(data) >= 8 else None
        case "*":
            return 4 + data[2] * data[3] * 8 if len(data) >= 4 else None
        case _:
            return 2


def _sized(data: bytes, at: int) -> int | None:
    """A command that states its length, low byte first, after its function's letter."""
    return at + 2 + data[at] + 256 * data[at + 1] if len(data) >= at + 2 else None
