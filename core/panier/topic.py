"""The one table of MQTT topics: who says what where, and so who may.

    panier/1/{store}/{device}/up/...     only the device publishes
    panier/1/{store}/{device}/down/...   only the gateway publishes, only the device listens
    panier/1/{store}/store/...           public within the store: only the gateway publishes
    panier/1/{store}/staff/...           between gateway and monitors

"1" is the version of the protocol: a change that an old reader cannot ignore gets a new number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from panier.error import PanierError

ROOT = "panier/1"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_RESERVED = frozenset({"store", "staff"})


class BadName(PanierError):
    """A store or device name that cannot stand in a topic."""

    code = "bad_name"


def checked_name(name: str) -> str:
    """`name` itself where it may stand in a topic as a store or a device. Raises BadName."""
    if not _is_name(name):
        raise BadName(f"{name!r} cannot name a store or device; use 1 to 32 of a-z, 0-9 and -, not 'store' or 'staff'")
    return name


def _is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None and name not in _RESERVED


@dataclass(frozen=True, slots=True)
class StoreTopics:
    """Topics of one store, as the gateway and the monitors use them."""

    store: str

    def __post_init__(self) -> None:
        checked_name(self.store)

    @property
    def root(self) -> str:
        return f"{ROOT}/{self.store}"

    @property
    def manifest(self) -> str:
        """Retained, public: version and fingerprint of the newest snapshot, and the gateway's boot id."""
        return f"{self.root}/store/manifest"

    @property
    def every_device(self) -> str:
        """Filter for all that devices say."""
        return f"{self.root}/+/up/#"

    @property
    def live(self) -> str:
        """Filter for the live rows of all terminals."""
        return f"{self.root}/staff/live/#"

    @property
    def counters(self) -> str:
        """Retained: the counters of the shift."""
        return f"{self.root}/staff/counters"

    @property
    def act(self) -> str:
        """What staff do on a monitor."""
        return f"{self.root}/staff/act"

    def live_row(self, device: str) -> str:
        """Retained: the live row of one terminal."""
        return f"{self.root}/staff/live/{checked_name(device)}"

    def device(self, device: str) -> DeviceTopics:
        return DeviceTopics(self.store, device)

    def sender(self, topic: str) -> tuple[str, str] | None:
        """(device, what) of a topic below some device's `up`, else None: the device is who the broker let publish there."""
        parts = topic.split("/")
        if len(parts) == 6 and "/".join(parts[:3]) == self.root and parts[4] == "up" and _is_name(parts[3]):
            return parts[3], parts[5]
        return None


@dataclass(frozen=True, slots=True)
class DeviceTopics:
    """Topics of one device."""

    store: str
    device: str

    def __post_init__(self) -> None:
        checked_name(self.store)
        checked_name(self.device)

    @property
    def root(self) -> str:
        return f"{ROOT}/{self.store}/{self.device}"

    @property
    def events(self) -> str:
        return f"{self.root}/up/events"

    @property
    def status(self) -> str:
        """Retained: birth message and last will."""
        return f"{self.root}/up/status"

    @property
    def ask(self) -> str:
        """Requests for parts of a snapshot."""
        return f"{self.root}/up/ask"

    @property
    def acknowledgement(self) -> str:
        return f"{self.root}/down/ack"

    @property
    def snapshot(self) -> str:
        """Parts of a snapshot, zlib-compressed JSON, as asked for."""
        return f"{self.root}/down/snapshot"

    @property
    def capsule(self) -> str:
        return f"{self.root}/down/capsule"

    @property
    def lease(self) -> str:
        """What the device may use of limited promotions."""
        return f"{self.root}/down/lease"

    @property
    def notice(self) -> str:
        """What the shopper should know: an unknown card, staff on the way."""
        return f"{self.root}/down/notice"

    @property
    def price(self) -> str:
        """Staff's price for a code that the shop does not know."""
        return f"{self.root}/down/price"

    @property
    def listens(self) -> tuple[str, ...]:
        """Filters that a device subscribes to: its own, and the store's public topics."""
        return (f"{self.root}/down/#", f"{ROOT}/{self.store}/store/#")
