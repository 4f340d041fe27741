"""The campaign form: fields of a sentence, turned into a campaign's draft and back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from panier_backoffice.campaign.check import times_problems, words_problems
from panier_backoffice.campaign.schemas import CampaignDraft
from panier_backoffice.campaign.table import CampaignRow
from panier_backoffice.console.guest import text
from panier_backoffice.member import repository as members
from panier_backoffice.problem import Unfit
from panier_backoffice.product import repository as products
from panier_backoffice.words import Words

LONGEST = 200_000
"""Characters of one field at the most: a long list of cards fits."""
LARGEST_HOLDOUT = 90
_CODE = re.compile(r"[0-9]{1,14}")

# Where the engine's and the shop's objections belong on the page; the longest beginning that fits wins.
_BESIDE = {
    "promotion.percent": "percent",
    "promotion.n": "n",
    "promotion.price": "price",
    "promotion.buy.qty": "buy",
    "promotion.get.qty": "get",
    "promotion.get.percent": "get",
    "promotion.exclusive_group": "group",
    "promotion": "goods",
    "segment": "segment",
    "members": "listed",
    "cards": "listed",
}


@dataclass(slots=True)
class CampaignForm:
    """What is written in the form, as text: it has to hold what makes no sense, too."""

    kind: str = "percent"
    percent: str = ""
    n: str = "2"
    price: str = ""
    buy: str = "2"
    get: str = "1"
    scope: str = "products"
    skus: list[str] = field(default_factory=list[str])
    category: str = ""
    group: str = ""
    whom: str = "segment"
    segment: str = ""
    listed: str = ""
    starts: str = ""
    ends: str = ""
    holdout: str = "0"
    title: str = ""
    reason: str = ""
    definition: dict[str, Any] | None = None
    """Of a campaign that the form cannot express: kept as it is, and only the rest is edited."""

    def draft(self, session: Session, words: Words) -> CampaignDraft:
        """The campaign that the form states. Raises Unfit, by the names of the form's fields."""
        wrong: dict[str, str] = {}
        starts_at, ends_at = self._time("starts", words, wrong), self._time("ends", words, wrong)
        audience = self._audience(session, wrong)
        share = self.holdout.strip().removesuffix("%").strip() or "0"
        if not re.fullmatch(r"[0-9]{1,2}", share) or int(share) > LARGEST_HOLDOUT:
            wrong["holdout"] = f"write a whole number from 0 to {LARGEST_HOLDOUT}"
        if self.scope == "category" and not self.category.strip():
            wrong["goods"] = "choose a category"
        if self.scope == "products" and not self.skus and self.definition is None:
            wrong["goods"] = "choose at least one product"
        wrong |= words_problems(self.title, self.reason) | times_problems(starts_at, ends_at, words.now)
        if wrong:
            # What it gives cannot be checked as a whole yet; that its figures are missing can be said all the same.
            raise Unfit(wrong | self._missing_figures())
        return CampaignDraft(
            title=self.title.strip(), reason=self.reason.strip(), promotion=self._promotion(session),
            starts_at=starts_at, ends_at=ends_at, holdout=int(share), **audience,
        )  # fmt: skip

    def beside_fields(self, problems: Mapping[str, str]) -> dict[str, str]:
        """The problems under the names of the form's fields."""
        found: dict[str, str] = {}
        for path, why in problems.items():
            fits = [beginning for beginning in _BESIDE if path == beginning or path.startswith(f"{beginning}.")]
            name = {"starts_at": "starts", "ends_at": "ends"}.get(path, path)
            found.setdefault(_BESIDE[max(fits, key=len)] if fits else name, why)
        return found

    def _missing_figures(self) -> dict[str, str]:
        if self.definition is not None:
            return {}
        asked = {"n_for_price": ("n", "price"), "buy_x_get_y": ("buy", "get")}.get(self.kind, ("percent",))
        return {name: "write a number" for name in asked if not getattr(self, name).strip()}

    def _promotion(self, session: Session) -> dict[str, Any]:
        if self.definition is not None:
            return {name: value for name, value in self.definition.items() if name != "id"}
        promotion = self._effect(session)
        return {**promotion, "exclusive_group": self.group.strip()} if self.group.strip() else promotion

    def _effect(self, session: Session) -> dict[str, Any]:
        target = self._target(session)
        match self.kind:
            case "n_for_price":
                return {"kind": self.kind, "n": _whole(self.n), "price": _decimal(self.price), "target": target}
            case "buy_x_get_y":
                buy, get = (
                    {"target": target, "qty": _whole(self.buy)},
                    {"target": target, "qty": _whole(self.get), "percent": "100"},
                )
                return {"kind": self.kind, "buy": buy, "get": get}
            case _:
                return {"kind": "percent", "percent": _decimal(self.percent), "target": target}

    def _target(self, session: Session) -> dict[str, Any]:
        if self.scope == "all":
            return {"all": True}
        if self.scope == "category":
            return {"categories": [self.category.strip()]}
        known = products.known_skus(session, self.skus)
        # Who types instead of choosing may type a barcode.
        codes = {
            sku: sku.zfill(14) for sku in self.skus if sku not in known and sku.isascii() and sku.isdigit() and len(sku) <= 14
        }
        owners = products.owners(session, list(codes.values()))
        return {"skus": list(dict.fromkeys(owners.get(codes.get(sku, ""), sku) for sku in self.skus))}

    def _audience(self, session: Session, wrong: dict[str, str]) -> dict[str, Any]:
        if self.whom == "segment":
            if not self.segment:
                wrong["segment"] = "choose a group of members"
            return {"segment": self.segment or None}
        names = list(dict.fromkeys(name for name in re.split(r"[\s,;]+", self.listed) if name))
        known = members.known_members(session, names)
        owners = members.card_owners(session, [name for name in names if name not in known])
        unknown = [name for name in names if name not in known and name not in owners]
        if not names:
            wrong["listed"] = "0 members: write at least one card or member number"
        elif unknown:
            more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""  # as many as fit a line
            wrong["listed"] = f"no card or member has the number {', '.join(unknown[:5])}{more}"
        return {"members": list(dict.fromkeys(owners.get(name, name) for name in names))}

    def _time(self, name: str, words: Words, wrong: dict[str, str]) -> int | None:
        try:
            return words.read_field(getattr(self, name))
        except (ValueError, OverflowError):
            wrong[name] = "write a date and a time"
            return None


def read_form(form: FormData) -> CampaignForm:
    """What was sent."""
    names = [name for name in CampaignForm.__dataclass_fields__ if name not in ("skus", "definition")]
    filled = CampaignForm()
    for name in names:
        setattr(filled, name, text(form, name)[:LONGEST])
    typed = [value for value in form.getlist("sku") if isinstance(value, str)]
    filled.skus = list(dict.fromkeys(sku[:64] for value in typed for sku in re.split(r"[\s,;]+", value) if sku))
    return filled


def form_of(row: CampaignRow, words: Words) -> CampaignForm:
    """A campaign as the form shows it."""
    promotion = row.promotion
    filled = CampaignForm(
        kind=str(promotion.get("kind")), title=row.title, reason=row.reason, starts=words.field(row.starts_at),
        ends=words.field(row.ends_at), whom="segment" if row.segment else "listed", segment=row.segment or "",
        listed="\n".join(row.members or []), holdout=str(row.holdout),
    )  # fmt: skip
    target = promotion.get("target") or promotion.get("buy", {}).get("target", {})
    filled.skus = [str(sku) for sku in target.get("skus", [])]
    filled.category = next(iter(target.get("categories", [])), "")
    filled.scope = "products" if filled.skus else "category" if filled.category else "all"
    if not _is_expressible(promotion, target):
        filled.definition = promotion
        return filled
    filled.percent, filled.n = str(promotion.get("percent", "")), str(promotion.get("n", 2))
    filled.price, filled.group = str(promotion.get("price", "")), str(promotion.get("exclusive_group", ""))
    filled.buy, filled.get = str(promotion.get("buy", {}).get("qty", 2)), str(promotion.get("get", {}).get("qty", 1))
    return filled


def _is_expressible(promotion: Mapping[str, Any], target: Mapping[str, Any]) -> bool:
    known = {
        "percent": {"percent", "target"},
        "n_for_price": {"n", "price", "target"},
        "buy_x_get_y": {"buy", "get"},
    }.get(str(promotion.get("kind")))
    if known is None or promotion.keys() - known - {"kind", "id", "exclusive_group"}:
        return False
    get = promotion.get("get", {"percent": "100", "target": target, "qty": 1})
    simple = (
        get.get("target") == target and str(get.get("percent", "100")) == "100" and not get.keys() - {"percent", "target", "qty"}
    )
    return simple and len(target) == 1 and len(target.get("categories", [""])) == 1


def _whole(written: str) -> int | str:
    """A whole number where it is one; otherwise the text itself, which the engine refuses with its reason."""
    return int(written) if re.fullmatch(r"-?[0-9]{1,9}", written.strip()) else written.strip()


def _decimal(written: str) -> str:
    """A decimal, with the comma that many write; and without the sign that some add."""
    return written.strip().removesuffix("%").strip().replace(",", ".")
