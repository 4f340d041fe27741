"""Reads products."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import ColumnElement, Select, and_, case, delete, func, or_, select
from sqlalchemy.orm import Session

from panier_backoffice.database import among, put, put_new
from panier_backoffice.feed.table import FeedRow
from panier_backoffice.product.table import CostRow, GtinRow, ProductRow


def find(session: Session, sku: str) -> ProductRow | None:
    return session.get(ProductRow, sku)


def gtins_of(session: Session, skus: Collection[str]) -> dict[str, list[str]]:
    """The GTIN-14s of each SKU, sorted."""
    found: dict[str, list[str]] = {sku: [] for sku in skus}
    asked = select(GtinRow.gtin, GtinRow.sku).where(among(session, GtinRow.sku, skus)).order_by(GtinRow.gtin)
    for gtin, sku in session.execute(asked):
        found[sku].append(gtin)
    return found


def owners(session: Session, gtins: Collection[str]) -> dict[str, str]:
    """Which SKU each known GTIN-14 belongs to."""
    return dict(session.execute(select(GtinRow.gtin, GtinRow.sku).where(among(session, GtinRow.gtin, gtins))).all())


def bodies(session: Session, skus: Collection[str]) -> dict[str, str]:
    """The feed's newest body of each known SKU."""
    found = select(ProductRow.sku, FeedRow.body).join(FeedRow, FeedRow.sequence == ProductRow.sequence)
    return {sku: body for sku, body in session.execute(found.where(among(session, ProductRow.sku, skus))) if body is not None}


def replace_gtins(session: Session, gtins: Mapping[str, Sequence[str]], known: Collection[str]) -> None:
    """Makes exactly these GTIN-14s identify each SKU; `known` are those SKUs that may hold others until now."""
    if known:
        session.execute(delete(GtinRow).where(among(session, GtinRow.sku, known)))
    put_new(session, GtinRow, [{"gtin": gtin, "sku": sku} for sku, held in gtins.items() for gtin in held])


def put_rows(session: Session, rows: Sequence[dict[str, object]]) -> None:
    put(session, ProductRow, rows, ["sku"])


def put_costs(session: Session, costs: Mapping[str, int | None]) -> None:
    """What units of these products cost the shop from now on; None: that is not known any more."""
    put(session, CostRow, [{"sku": sku, "cost": cost} for sku, cost in costs.items() if cost is not None], ["sku"])
    unknown = [sku for sku, cost in costs.items() if cost is None]
    if unknown:
        session.execute(delete(CostRow).where(among(session, CostRow.sku, unknown)))


def costs_of(session: Session, skus: Collection[str]) -> dict[str, int]:
    """The cost of each SKU where it is known."""
    return dict(session.execute(select(CostRow.sku, CostRow.cost).where(among(session, CostRow.sku, skus))).all())


def remove(session: Session, sku: str) -> None:
    session.execute(delete(GtinRow).where(GtinRow.sku == sku))
    session.execute(delete(CostRow).where(CostRow.sku == sku))
    session.execute(delete(ProductRow).where(ProductRow.sku == sku))


def suggest(session: Session, words: str, limit: int) -> list[ProductRow]:
    """What `words` most likely mean, best first: the SKU or code itself, the name, its beginning, a word in it, then the rest
    that search finds; shorter names first.
    """
    typed = " ".join(words.split())
    if not typed:
        return []
    name, every = func.lower(ProductRow.name), typed.split()[:8]
    rank = case(
        (or_(ProductRow.sku == typed, ProductRow.sku.in_(_skus_of_code(typed))), 0),
        (name == typed.lower(), 1),
        (ProductRow.name.istartswith(typed, autoescape=True), 2),
        (and_(*(_has_word(word) for word in every)), 3),
        (and_(*(ProductRow.name.icontains(word, autoescape=True) for word in every)), 4),
        else_=5,
    )
    fits = or_(ProductRow.sku == typed, ProductRow.sku.in_(_skus_of_code(typed)), and_(*(_holds(word) for word in every)))
    asked = select(ProductRow).where(fits).order_by(rank, func.length(ProductRow.name), ProductRow.name, ProductRow.sku)
    return list(session.scalars(asked.limit(limit)))


def search(session: Session, words: str, limit: int, after: str = "") -> list[ProductRow]:
    """Products whose name holds all `words`, or whose SKU or code is what was typed; by SKU after `after`, exact ones first."""
    asked = select(ProductRow).where(ProductRow.sku > after).order_by(ProductRow.sku).limit(limit)
    if not words.strip():
        return list(session.scalars(asked))
    typed = words.strip()
    exact = select(ProductRow).where(or_(ProductRow.sku == typed, ProductRow.sku.in_(_skus_of_code(typed))))
    first = [] if after else list(session.scalars(exact))
    named = session.scalars(asked.where(*(_holds(word) for word in typed.split()[:8])))
    held = {row.sku for row in first}
    return (first + [row for row in named if row.sku not in held])[:limit]


def _skus_of_code(typed: str) -> Select[str]:
    gtin = typed.zfill(14) if typed.isascii() and typed.isdigit() and len(typed) <= 14 else ""
    return select(GtinRow.sku).where(GtinRow.gtin == gtin)


def _holds(word: str) -> ColumnElement[bool]:
    return or_(ProductRow.name.icontains(word, autoescape=True), ProductRow.category.icontains(word, autoescape=True))


def _has_word(word: str) -> ColumnElement[bool]:
    """The name begins with `word`, or a later word of it does."""
    return or_(ProductRow.name.istartswith(word, autoescape=True), ProductRow.name.icontains(f" {word}", autoescape=True))


def categories(session: Session) -> list[tuple[str, int]]:
    """Category names that products carry, with their numbers, by name."""
    asked = select(ProductRow.category, func.count()).where(ProductRow.category != "").group_by(ProductRow.category)
    return [(name, count) for name, count in session.execute(asked.order_by(ProductRow.category))]


def known_skus(session: Session, skus: Collection[str]) -> dict[str, ProductRow]:
    return {row.sku: row for row in session.scalars(select(ProductRow).where(among(session, ProductRow.sku, skus)))}


def sold(session: Session, skus: Collection[str]) -> set[str]:
    """Those of `skus` that the shop sells."""
    return set(session.scalars(select(ProductRow.sku).where(among(session, ProductRow.sku, skus))))


def skus_like(session: Session, sku: str) -> list[str]:
    """SKUs that begin or end as this one does, some hundred at the most."""
    half = (len(sku) + 1) // 2
    alike = or_(ProductRow.sku.istartswith(sku[:half], autoescape=True), ProductRow.sku.iendswith(sku[-half:], autoescape=True))
    return list(session.scalars(select(ProductRow.sku).where(alike).order_by(ProductRow.sku).limit(300)))


def known_categories(session: Session, names: Collection[str]) -> set[str]:
    return set(session.scalars(select(ProductRow.category).where(among(session, ProductRow.category, names)).distinct()))


def dearest(session: Session, skus: Collection[str] | None, names: Collection[str] | None) -> int | None:
    """The highest shelf price among `skus` in the categories `names` (None: any); None where no product fits."""
    asked = select(func.max(ProductRow.unit_price))
    if skus is not None:
        asked = asked.where(among(session, ProductRow.sku, skus))
    if names is not None:
        asked = asked.where(among(session, ProductRow.category, names))
    return session.execute(asked).scalar_one()


def count(session: Session) -> int:
    return session.execute(select(func.count()).select_from(ProductRow)).scalar_one()
