"""A serial port, set as a profile says."""

from __future__ import annotations

from typing import Literal, Protocol

import serial

_PARITY = {"none": serial.PARITY_NONE, "even": serial.PARITY_EVEN, "odd": serial.PARITY_ODD}


class LineSettings(Protocol):
    """What a profile says of the line."""

    @property
    def baud(self) -> int: ...
    @property
    def data_bits(self) -> int: ...
    @property
    def parity(self) -> Literal["none", "even", "odd"]: ...
    @property
    def stop_bits(self) -> int: ...


def open_port(name: str, line: LineSettings) -> serial.Serial:
    """The port, which never blocks. Raises OSError, ValueError."""
    return serial.Serial(
        name,
        line.baud,
        bytesize=line.data_bits,
        parity=_PARITY[line.parity],
        stopbits=line.stop_bits,
        timeout=0,
        # So that a second process cannot take every other byte.
        exclusive=True,
    )
