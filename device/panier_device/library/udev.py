"""udev's rules for the devices of the library: stable names, rights for the terminal's user, and nobody else at their ports."""

from __future__ import annotations

from collections.abc import Iterator

from panier_device.library.device import Kind, Library, Maker

_HEAD = """\
# Made from firmware-config/devices by firmware-config/schema/derive.py; change those, not this file.
# Copy it to /etc/udev/rules.d, then: udevadm control --reload && udevadm trigger
#
# scanner0 is the one at ttyACM0 or ttyUSB0; scanner-1-2 is the one in USB port 1-2, whatever it is called today.
ACTION=="remove", GOTO="panier_end"
"""
_LINKS: dict[Kind, str] = {
    "scanner": "scanner", "adapter": "serial", "card_reader": "cards", "scale": "scale", "printer": "printer",
}  # fmt: skip


def rules(library: Library) -> str:
    """The text of 99-panier.rules."""
    lines = [line for maker in sorted(library.makers.values(), key=lambda one: one.vendor) for line in _rules(maker)]
    return "\n".join([_HEAD, *lines, 'LABEL="panier_end"', ""])


def _rules(maker: Maker) -> Iterator[str]:
    link, vendor = _LINKS[maker.kind], f'ATTRS{{idVendor}}=="{maker.vendor}"'
    yield f"# {maker.maker}"
    # ModemManager would send AT commands to a serial port that it does not know.
    yield (
        f'SUBSYSTEM=="tty", {vendor}, ENV{{ID_MM_DEVICE_IGNORE}}="1", GROUP="dialout", MODE="0660", '
        f'SYMLINK+="retail/{link}%n retail/{link}-%b"'
    )
    if maker.kind in ("scanner", "card_reader"):
        # What a scanner types belongs to the terminal alone, not to whatever has the focus.
        yield (
            f'SUBSYSTEM=="input", KERNEL=="event*", {vendor}, ENV{{ID_INPUT_KEYBOARD}}=="1", ENV{{LIBINPUT_IGNORE_DEVICE}}="1", '
            f'GROUP="input", MODE="0660", SYMLINK+="retail/{link}-keys-%b"'
        )
    if maker.kind in ("scanner", "card_reader", "scale"):
        yield f'SUBSYSTEM=="hidraw", {vendor}, GROUP="input", MODE="0660", SYMLINK+="retail/{link}-hid-%b"'
    if maker.kind == "printer":
        names = f'SYMLINK+="retail/{link}%n retail/{link}-%b"'
        yield f'SUBSYSTEM=="usbmisc", KERNEL=="lp*", {vendor}, GROUP="lp", MODE="0660", {names}'
    yield ""
