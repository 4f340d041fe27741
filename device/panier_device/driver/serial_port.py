"""A serial port, set as a profile says."""

from __future__ import annotations

import termios
from typing import Any, Literal, Protocol

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
    return opened(name, baudrate=line.baud, bytesize=line.data_bits, parity=_PARITY[line.parity], stopbits=line.stop_bits)


def opened(name: str, **line: Any) -> serial.Serial:
    """The port with pyserial's own settings, which never blocks. Raises OSError, ValueError."""
    try:
        # Exclusive, so that a second process cannot take every other byte.
        return serial.Serial(name, timeout=0, exclusive=True, **line)
    except termios.error as error:
        # Neither of the two: a plug was pulled while pyserial set the line.
        raise OSError(*error.args) from error
