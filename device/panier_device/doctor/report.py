"""The doctor's report, for people and for programs."""

from __future__ import annotations

from typing import Any

from panier_device.doctor.finding import Finding, Patient
from panier_device.doctor.machine import UsbDevice

_MODES = {
    "serial": "serial port", "keyboard": "keyboard", "hidpos": "HID-POS", "printer": "USB printer",
    "other": "cannot be read here",
}  # fmt: skip


def device_fields(patient: Patient, device: UsbDevice) -> dict[str, Any]:
    """One device as the fields of a JSON object."""
    known = patient.known(device)
    return {
        "port": device.port,
        "id": device.id,
        "mode": device.mode,
        "nodes": list(device.nodes),
        "serial": device.serial,
        "kind": known.kind if known else None,
        "name": f"{known.maker} {known.name}" if known else f"{device.maker} {device.name}".strip(),
        "profile": known.profile if known else "",
        "sheet": known.sheet if known else "",
    }


def in_words(patient: Patient, found: list[Finding]) -> list[str]:
    """Lines for a clerk: what is plugged in, what is wrong, what to do, and a verdict."""
    lines = ["Plugged in:"]
    shop = patient.of_the_shop
    for device, known in shop:
        lines.append(f"  {known.maker} {known.name}")
        ways = ", ".join(f"/dev/{_folder(node)}{node}" for node in device.nodes) or "no device file"
        fits = f", profile {known.profile}" if known.profile and device.mode == "serial" else ""
        kind = known.kind.replace("_", " ")
        lines.append(f"    {kind} as {_MODES[device.mode]}: {ways}{fits}  (usb {device.port}, {device.id})")
    if not shop:
        lines.append("  no scanner, scale, printer or card reader of a maker that Panier knows")
    if others := len(patient.devices) - len(shop):
        lines.append(f"  and {others} USB device{'s' if others > 1 else ''} of other makers")
    for level, head in (("problem", "Wrong:"), ("note", "To know:")):
        these = [finding for finding in found if finding.level == level]
        if these:
            lines += ["", head]
        for finding in these:
            lines.append(f"  {finding.where}: {finding.says}")
            if finding.mend:
                lines.append(f"    -> {finding.mend}")
    return [*lines, "", _verdict(patient, found)]


def _verdict(patient: Patient, found: list[Finding]) -> str:
    wrong = sum(finding.level == "problem" for finding in found)
    if wrong:
        return f"{wrong} thing{'s' if wrong > 1 else ''} to mend."
    if patient.settings:
        return f"{patient.settings.device} in store {patient.settings.store} can begin."
    return "Nothing is wrong. With --settings FILE the doctor also compares what a terminal expects."


def _folder(node: str) -> str:
    return "input/" if node.startswith("event") else "usb/" if node.startswith("lp") else ""
