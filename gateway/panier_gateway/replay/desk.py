"""What people decide about dead letters and quarantined journals: written down first, applied by the gateway, never twice."""

from __future__ import annotations

import json
import re
import sqlite3
from dataclasses import asdict, dataclass
from typing import Any, Literal

from panier.error import PanierError
from panier.message import EventBatch, decode
from panier_gateway.batch import Batch
from panier_gateway.dead_letter import Decision, Letter
from panier_gateway.intake import Intake, Taken
from panier_gateway.ledger import Ledger, OutboxKind
from panier_io.log import logger

About = Literal["event", "events", "receipt", "contact", "incident", "other"]
_PARCEL = re.compile(r"(?:the back office refused|the disk spoiled) (receipt|contact|incident) (\S+): ")


class NotReplayable(PanierError):
    """A dead letter that cannot be taken again as it is, and why."""

    code = "not_replayable"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a decision; `is_done` is False where it was refused and the letter stays, `taken` what it did to a trip."""

    decision: Decision
    is_done: bool
    text: str
    taken: Taken | None = None

    def as_json(self) -> dict[str, Any]:
        """For `--json` and for logs."""
        return {**asdict(self.decision), "ok": self.is_done, "outcome": self.text}


def about(letter: Letter) -> About:
    """What a dead letter holds: one event of a journal, an unreadable batch of events, an item for the back office, or other."""
    if letter.sequence is not None:
        return "event"
    if found := _PARCEL.match(letter.reason):
        return found[1]  # type: ignore[return-value]  (the pattern's own words)
    return "events" if letter.journal is None and letter.reason.startswith("events: ") else "other"


class Desk:
    """Applies what people decided. Lives in the ledger's thread; whatever is cut short is applied again, to the same effect."""

    def __init__(self, ledger: Ledger, intake: Intake) -> None:
        self._ledger = ledger
        self._intake = intake
        self._log = logger("replay")
        self._half_done: dict[int, Outcome] = {}
        """Decisions that were done, and of which the disk did not yet take that they are."""
        self._untold: list[Outcome] = []

    def apply(self, now: int) -> list[Outcome]:
        """Everything that was decided and not yet done or not yet told, oldest first. Raises sqlite3.OperationalError."""
        for decision in self._ledger.dead_letters.decisions():
            outcome = self._half_done[decision.id] = self._half_done.get(decision.id) or self._outcome(decision, now)
            with self._ledger.transaction():
                self._ledger.dead_letters.close(decision, outcome.text, outcome.is_done, now)
            del self._half_done[decision.id]
            self._log.info("decided", **outcome.as_json())
            self._untold.append(outcome)
        outcomes, self._untold = self._untold, []
        return outcomes

    def _outcome(self, decision: Decision, now: int) -> Outcome:
        try:
            return Outcome(decision, True, *self._do(decision, now))
        except PanierError as error:
            return Outcome(decision, False, f"{error.code}: {error}"[:500])
        except sqlite3.OperationalError:
            raise  # the disk, not the decision: it is done when there is space
        except Exception as error:
            self._log.exception("decision_failed", decision=decision.id)
            return Outcome(decision, False, f"failed: {error!r}; see the gateway's log"[:500])

    def _do(self, decision: Decision, now: int) -> tuple[str, Taken | None]:
        if decision.act == "release":
            device, _, journal = decision.body.partition(".")
            if not self._intake.release(device, journal, now):
                raise NotReplayable(f"no quarantined journal {decision.body!r} is held; see `panier replay list`")
            return f"journal {journal} of {device} is released: whoever speaks under it goes on in a new one", None
        letter = self._ledger.dead_letters.find(decision.letter)
        if letter is None or letter.decided_at is not None:
            return "nothing was left to do: the letter was dealt with before", None
        if decision.act == "drop":
            return "dropped; it stays readable here for a while", None
        return self._again(letter, decision.body or letter.payload, now)

    def _again(self, letter: Letter, content: str, now: int) -> tuple[str, Taken | None]:
        match about(letter):
            case "event":
                assert letter.device is not None
                assert letter.journal is not None
                assert letter.sequence is not None
                return self._intake.reconsider(letter.device, letter.journal, letter.sequence, _object(content), now)
            case "events":
                assert letter.device is not None
                batch = Batch(letter.device, decode(EventBatch, content.encode()))
                (taken,) = self._intake.take_in([batch], now)
                if taken.wrong:
                    raise NotReplayable(taken.wrong)
                return f"{len(taken.events)} events were taken, {len(taken.refused)} refused", taken
            case "receipt" | "contact" | "incident" as kind:
                found = _PARCEL.match(letter.reason)
                assert found is not None
                return self._post(kind, found[2], json.dumps(_object(content), ensure_ascii=False)), None
            case _:
                raise NotReplayable(
                    "only events and what was meant for the back office can be taken again; drop it with a reason"
                )

    def _post(self, kind: OutboxKind, identity: str, body: str) -> str:
        with self._ledger.transaction():
            self._ledger.post(kind, identity, body)
        return f"{kind} {identity} waits for the back office again"


def _object(content: str) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError as error:
        raise NotReplayable(f"its content is no JSON: {error}; correct it with --file") from error
    if not isinstance(found, dict):
        raise NotReplayable("its content is no JSON object; correct it with --file")
    return found  # pyright: ignore[reportUnknownVariableType]  (JSON objects have string keys)
