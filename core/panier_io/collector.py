"""The garbage collector of a server: its own default pace suits programs that keep little and make few objects at a time."""

from __future__ import annotations

import gc

_PACE = (50_000, 20, 20)
"""New objects before a first look, and looks before the next older generation has its turn; Python's own are 700, 10, 10."""


def spare_collector() -> None:
    """Call it once all is loaded, which is then never searched again.

    A delivery makes tens of thousands of objects that go by their reference counts: looking for cycles among them at the default
    pace took a quarter of the back office's processor.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_PACE)
