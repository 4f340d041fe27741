"""Orders that a person types to a simulated scanner, a line each."""

from __future__ import annotations

from dataclasses import replace

from panier.error import PanierError
from panier_simulators.hidpos import SimulatedHidPos, reports
from panier_simulators.scanner import AIM, GS, SimulatedScanner
from panier_simulators.wedge import SimulatedWedge

Device = SimulatedScanner | SimulatedWedge | SimulatedHidPos

_COMMON = "A line is a code to scan, {GS} in it the separator; or: !as SYMBOLOGY CODE, !hold CODE, !half CODE"
SCANNER_ORDERS = f"{_COMMON}, !wrong CODE, !noise N, !baud N, !heard, !unplug, !plug, !quit."
WEDGE_ORDERS = f"{_COMMON}, !drop CODE, !caps, !unplug, !plug, !quit."
HIDPOS_ORDERS = f"{_COMMON}, !heard, !unplug, !plug, !quit."
_HELD = 3

# What scanners do on bytes from the host: Datalogic Magellan 9800i Product Reference Guide, page 411; Zebra DS9808 Product
# Reference Guide, 2-2; Honeywell Xenon/Granit User Guide, pages 77 and 111.
_SOUNDS = {
    b"\x07": "beep", b"\x01": "good read tone", b"B": "good read tone", b"F": "long beeps: not on file",
    b"\x1b7,": "good read tone", b"\x1b8,": "razz", b"\x1b1,": "green light", b"\x1b4,": "low beep", b"\x1b6,": "high beep",
}  # fmt: skip


def sounds(data: bytes) -> str:
    """What a scanner does on bytes from the host, in words; bytes that mean nothing to it as they are."""
    told: list[str] = []
    while data:
        command = next((known for known in _SOUNDS if data.startswith(known)), data[:1])
        told.append(_SOUNDS.get(command, f"nothing on {command!r}"))
        data = data[len(command) :]
    return ", ".join(told) or "nothing"


def obey(device: Device, order: str, argument: str) -> str:
    """Carries out one order, and says what came of it."""
    code, symbology = argument.replace("{GS}", GS), None
    if order == "as":
        symbology, _, code = code.partition(" ")
        if symbology not in AIM or not code:
            return f"!as SYMBOLOGY CODE, with one of {', '.join(AIM)}"
    try:
        if order == "unplug":
            device.unplug()
            return "unplugged"
        if order == "plug":
            device.plug()
            return "plugged in"
        match device:
            case SimulatedScanner():
                return _serial(device, order, code, symbology)
            case SimulatedWedge():
                return _wedge(device, order, code)
            case SimulatedHidPos():
                return _hidpos(device, order, code, symbology)
    except (PanierError, ValueError) as error:
        return str(error)


def _serial(device: SimulatedScanner, order: str, code: str, symbology: str | None) -> str:
    match order:
        case "scan" | "as":
            sent = device.scan(code, symbology)
        case "hold":
            sent = device.hold(code, _HELD)
        case "half":
            sent = device.half(code)
        case "wrong":
            sent = device.garble(code)
        case "noise":
            sent = device.noise(int(code or 20))
        case "baud":
            device.programming = replace(device.programming, baud=int(code))
            return f"set to {code} baud"
        case "heard":
            return sounds(device.told())
        case _:
            return f"no such order: !{order}. {SCANNER_ORDERS}"
    return f"sent {sent.data!r}" + (f", {sent.lost} bytes lost: nobody reads" if sent.lost else "")


def _wedge(device: SimulatedWedge, order: str, code: str) -> str:
    match order:
        case "scan" | "as":
            typed = device.scan(code)
        case "hold":
            typed = [device.type(device.habit.prefix + code) for _ in range(_HELD)][-1]
        case "half":
            typed = device.type(code[: len(code) // 2], terminate=False)
        case "drop":
            typed = device.type(code, drop_after=len(code))
        case "caps":
            device.press_caps_lock()
            return "Caps Lock pressed"
        case _:
            return f"no such order: !{order}. {WEDGE_ORDERS}"
    return "typed" if typed.heard else "typed, but no device is connected"


def _hidpos(device: SimulatedHidPos, order: str, code: str, symbology: str | None) -> str:
    match order:
        case "scan" | "as":
            sent = device.scan(code, symbology)
        case "hold":
            sent = device.send(_HELD * reports(code, None, device.make))
        case "half":
            # A report that says that the code goes on, and the cable is out: this is what half a code is here.
            sent = device.send(reports(code.ljust(57, "."), None, device.make)[:1])
        case "heard":
            return (
                ", ".join(f"report {packet[0]:02x}: {sounds(packet[1:].rstrip(bytes(1)))}" for packet in device.told())
                or "nothing"
            )
        case _:
            return f"no such order: !{order}. {HIDPOS_ORDERS}"
    return f"reported {len(sent.reports)}" + ("" if sent.heard else ", but no device is connected")
