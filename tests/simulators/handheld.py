"""A small handheld that keeps the contract of the screen: scans, keys, a journal, a farewell. Run as a program by the tests.

    python handheld.py NAME JOURNAL (serial PORT | wedge SOCKET) [deaf=N] [twice=N] [late=S] [unknown=DIGITS] [die=finish]

A unit costs the code's last three digits in cents. deaf=N: every Nth scan has no effect. twice=N: every Nth scan counts twice.
late=S: the second scan is painted S seconds late. unknown=DIGITS: codes that begin so are refused. die=finish: the first time, it
ends between writing a trip's end and painting the farewell.
"""

from __future__ import annotations

import json
import os
import selectors
import socket
import struct
import sys
import time
import tty
from pathlib import Path

import serial

RECORD = struct.Struct("llHHi")
DIGITS = {key: str(key - 1) for key in range(2, 11)} | {11: "0"}


class Handheld:
    def __init__(self, name: str, journal: Path, faults: dict[str, str]) -> None:
        self.name, self.journal, self.faults = name, journal, faults
        self.view = "basket"
        self.scans = 0
        self.typed = self.said = ""
        self.end = ""
        self.events = [json.loads(line) for line in journal.read_text().splitlines()] if journal.exists() else []
        self.trip = [event for event in self.events if event["trip"] == self.number() and "finish" not in event]

    def number(self) -> int:
        return 1 + sum("finish" in event for event in self.events)

    def append(self, **event: object) -> None:
        event["trip"] = self.number()
        with self.journal.open("a") as out:
            out.write(json.dumps(event) + "\n")
            out.flush()
            os.fsync(out.fileno())
        self.events.append(event)
        self.trip = [found for found in self.events if found["trip"] == self.number()]

    @property
    def units(self) -> list[str]:
        held: list[str] = []
        for event in self.trip:
            if "code" in event:
                held.append(event["code"])
            if "back" in event:
                held.pop()
        return held

    @property
    def total(self) -> int:
        return sum(int(code[-3:]) for code in self.units)

    def scan(self, code: str) -> None:
        if self.end:
            self.end = ""
        self.scans += 1
        if self.scans % int(self.faults.get("deaf", 10**9)) == 0 or code.startswith(self.faults.get("unknown", "none")):
            return
        self.said = ""
        if code.startswith("29"):
            self.append(card=code)
        elif code.startswith("99"):
            self.append(coupon=code)
            self.said = "Coupon accepted"
        else:
            self.append(code=code)
            if self.scans % int(self.faults.get("twice", 10**9)) == 0:
                self.append(code=code)
        if self.scans == 2:
            time.sleep(float(self.faults.get("late", 0)))
        self.paint()

    def key(self, sign: str) -> None:
        if self.end:
            self.end = ""
        elif self.view == "basket" and sign in "fo":
            self.view = {"f": "confirm", "o": "offers"}[sign]
        elif self.view == "basket" and sign == "+" and self.units:
            self.append(code=self.units[-1])
        elif self.view == "basket" and sign == "-" and self.units:
            self.append(back=True)
        elif self.view == "offers" and sign == "1":
            self.view = "offer"
        elif self.view == "offer" and sign in "yn":
            self.append(answer=sign)
            self.view = "basket"
        elif self.view == "confirm" and sign == "y":
            self.finish()
        elif sign == "\x1b":
            self.view = "basket"
        self.paint()

    def finish(self) -> None:
        if not self.units:
            self.append(finish=True, total=0)
            self.trip, self.view = [], "basket"
            return
        total, trip = self.total, f"{self.name}.abc234.{self.number()}"
        self.append(finish=True, total=total)
        self.trip, self.view, self.end = [], "basket", f"{trip} {total}"
        if self.faults.get("die") == "finish" and self.number() == 2:
            os._exit(9)

    def paint(self) -> None:
        rows = [f"Panier{'● online':>34}"]
        if self.end:
            trip, total = self.end.split()
            rows += ["Thank you", f"Trip {trip}", f"TOTAL {int(total) / 100:.2f}"]
        elif self.view == "offers":
            rows += ["1 Coffee", "2 Tea"]
        elif self.view == "offer":
            rows += ["Coffee: y yes, n not for me"]
        elif not self.trip:
            rows += ["Scan your card or first item"]
        else:
            rows += [f"{code} {int(code[-3:]) / 100:.2f}" for code in self.units[-12:]]
            rows += [""] * (17 - len(rows)) + [self.said, "★ 1 more: save 0.10"]
            rows += [f"{len(self.units)} items   saved 0.00", f"TOTAL  {self.total / 100:.2f}"]
            rows += ["Finish? y/n" if self.view == "confirm" else "Offers o  Finish f"]
        sys.stdout.write("\x1b[H\x1b[2J" + "\r\n".join(rows))
        sys.stdout.flush()


def codes(kind: str, descriptor: int, held: bytearray) -> list[str]:
    found: list[str] = []
    data = os.read(descriptor, 4096)
    if kind == "serial":
        held += data
        while b"\r" in held:
            code, _, rest = bytes(held).partition(b"\r")
            held[:] = rest
            found.append(code.decode())
        return found
    if not data:
        raise SystemExit("the wedge is gone")
    for _, _, kind_of_event, key, value in RECORD.iter_unpack(data):
        if (kind_of_event, value) == (1, 1) and key in DIGITS:
            held += DIGITS[key].encode()
        elif (kind_of_event, key, value) == (1, 28, 1):
            found.append(held.decode())
            held.clear()
    return found


def main() -> None:
    name, journal, kind, path, *faults = sys.argv[1:]
    handheld = Handheld(name, Path(journal), dict(fault.split("=") for fault in faults))
    tty.setraw(0)
    if kind == "serial":
        reader = serial.Serial(path, 9600, timeout=0)
    else:
        reader = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        reader.connect(path)
    held = bytearray()
    handheld.paint()
    with selectors.DefaultSelector() as chooser:
        chooser.register(0, selectors.EVENT_READ)
        chooser.register(reader.fileno(), selectors.EVENT_READ)
        while True:
            for ready, _ in chooser.select():
                if ready.fd == 0:
                    for sign in os.read(0, 64).decode():
                        handheld.key(sign)
                else:
                    for code in codes(kind, ready.fd, held):
                        handheld.scan(code)


if __name__ == "__main__":
    main()
