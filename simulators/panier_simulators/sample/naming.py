"""Names that people can read: products from the data's shortened capitals, members from a fixed list of first names."""

from __future__ import annotations

import re

# One row of a handheld holds 38 characters.
LONGEST = 38

_WORDS = {
    "BEERALEMALT": "Beer, Ale, Malt", "BEV": "Beverage", "BG": "Bags", "BKD": "Baked", "BN": "Bean", "BNLS": "Boneless",
    "BRD": "Breaded", "BRKFST": "Breakfast", "BTL": "Bottle", "BTR": "Butter", "CARB": "Carbonated", "CATFD": "Cat Food",
    "CHICK": "Chicken", "CHIX": "Chicken", "CHOC": "Chocolate", "CHOCOCLATE": "Chocolate", "CHOCOL": "Chocolate",
    "CHP": "Chop", "CKYS": "Cookies", "CLEANG": "Cleaning", "CNDY": "Candy", "CNTRL": "Control", "CONC": "Concentrate",
    "CONTAINR": "Containers", "CRKR": "Crackers", "CRYSTL": "Crystal", "DAN": "Danish", "DECORS": "Decorations",
    "DEOD": "Deodorant", "DNR": "Dinner", "DNRS": "Dinners", "DOGFD": "Dog Food", "DPS": "Dips", "DRESSING": "Dressing",
    "DRNK": "Drink", "DRNKS": "Drinks", "DRP": "Drops", "DRSNG": "Dressing", "DSH": "Dish", "DSHS": "Dishes", "DVD": "DVD",
    "BBQ": "BBQ", "FD": "Food", "FEM": "Feminine", "FLVR": "Flavored", "FLVRD": "Flavored", "FRE": "Fresh", "FRZ": "Frozen",
    "FRZN": "Frozen", "GDS": "Goods", "GRND": "Ground", "HBC": "Health and Beauty", "HYGN": "Hygiene", "INCL": "Including",
    "IQF": "IQF", "IWS": "Wrapped", "JCE": "Juice", "JUIC": "Juice", "LIQ": "Liquid", "LIQS": "Liquids", "LOZNG": "Lozenges",
    "MACH": "Machine", "MARINAD": "Marinade", "MEMORABLILIA": "Memorabilia", "MISC": "Various", "MLT": "Multi",
    "MULTIGRAIN": "Multigrain", "MUSTAR": "Mustard", "MX": "Mix", "MXS": "Mixes", "NZ": "NZ", "OCCAS": "Occasion",
    "PICKLD": "Pickled", "PK": "Pack", "PKG": "Packaged", "PKGD": "Packaged", "PKLD": "Pickled", "PNT": "Peanut",
    "PREM": "Premium", "PREP": "Prepared", "PREPACK": "Prepacked", "PREPORTND": "Portioned", "PRPCK": "Prepacked",
    "PTTY": "Patty", "PWDR": "Powder", "REFRGRATD": "Chilled", "REFRIG": "Chilled", "REG": "Regular", "RTS": "Ready",
    "RW": "Random Weight", "SAL": "Salad", "SALD": "Salad", "SAUCESSALSAPICANTEE": "Sauces and Salsa", "SFT": "Soft",
    "SGL": "Single", "SHERBTS": "Sherbets", "SHLFSH": "Shellfish", "SLC": "Slice", "SNDWCH": "Sandwich", "SNGL": "Single",
    "SNKS": "Snacks", "SPF": "SPF", "SPLY": "Supplies", "SPRD": "Spread", "SRV": "Serve", "SS": "Single", "STK": "Stick",
    "SUP": "Super", "SUPPPLIES": "Supplies", "SV": "Serve", "SW": "Sweet", "SWEETNERS": "Sweeteners", "SWT": "Sweet",
    "SYRP": "Syrup", "TISS": "Tissue", "TRSH": "Trash", "UNFLVRD": "Unflavored", "VAC": "Vacuum", "VEG": "Vegetable",
    "VEND": "Vending", "W": "with", "WHLSM": "Wholesome", "WHT": "White", "WT": "Weight", "WTR": "Water",
    "XPCTRNT": "Expectorant",
    "AND": "and", "OR": "or", "IN": "in", "OF": "of", "FOR": "for", "WITH": "with", "THE": "the",
}  # fmt: skip

# Left behind by the data's 30-character limit, or said again by the size: they tell a shopper nothing.
_DROPPED = frozenset({"ALL", "EX", "EXCP", "EXCEPT", "INCL", "INCLUDI", "INCLUDING", "MW", "N", "O", "TYPES", "S"})

# The data's frequent names that no rule below would make good.
_PHRASES = {
    "FLUID MILK WHITE ONLY": "MILK",
    "YOGURT NOT MULTI-PACKS": "YOGURT",
    "MAINSTREAM WHITE BREAD": "WHITE BREAD",
    "MAINSTREAM WHEAT/MULTIGRAIN BR": "WHEAT/MULTIGRAIN BREAD",
    "DAIRY CASE 100% PURE JUICE - O": "ORANGE JUICE",
    "SOFT DRINKS 12/18&15PK CAN CAR": "SOFT DRINK CANS",
    "SOFT DRINKS 20PK&24PK CAN CARB": "SOFT DRINK CANS",
    "RTS SOUP: CHUNKY/HOMESTYLE ET": "CHUNKY SOUP",
    "NATURAL CHEESE EXACT WT CHUNKS": "NATURAL CHEESE CHUNKS",
    "NATURAL CHEESE EXACT WT SLICES": "NATURAL CHEESE SLICES",
    "TOMATOES: STEWED/DICED/CRMD": "TOMATOES STEWED/DICED",
    "CARDS EVERYDAY": "GREETING CARD",
    "CARDS SEASONAL": "SEASONAL GREETING CARD",
}

# Qualities that name nothing by themselves: the category goes before them, as in "Beef, primal".
_QUALITIES = frozenset({
    "BETTER FOR YOU", "CHOICE", "ECONOMY", "ENHANCED", "MAINSTREAM", "MISCELLANEOUS", "NATURAL", "OTHER", "PREMIUM", "PRIMAL",
    "SEASONAL", "SELECT", "SMOKED/COOKED", "SPECIALTY", "SUPER PREMIUM", "TRADITIONAL", "VALUE", "VARIETY",
})  # fmt: skip

_UNITS = {"GA": "gal"}

_FIRST_NAMES = (
    "Abigail", "Adam", "Aisha", "Alan", "Alice", "Amara", "Amelia", "Amir", "Ana", "Andre", "Angela", "Anita", "Anthony",
    "Anya", "Arthur", "Astrid", "Aurora", "Barbara", "Beatriz", "Ben", "Bianca", "Brian", "Bruno", "Camille", "Carl",
    "Carla", "Carlos", "Caroline", "Cecilia", "Charles", "Chiara", "Chloe", "Claire", "Clara", "Colin", "Connor", "Cora",
    "Dana", "Daniel", "Daria", "David", "Deborah", "Diego", "Dmitri", "Dora", "Dylan", "Edith", "Edward", "Elena", "Eli",
    "Elif", "Ella", "Emil", "Emily", "Emma", "Eric", "Esther", "Ethan", "Eva", "Farah", "Felix", "Fiona", "Florence",
    "Francis", "Frank", "Gabriel", "George", "Gina", "Grace", "Greta", "Hana", "Hannah", "Harold", "Harriet", "Hassan",
    "Hazel", "Helen", "Henry", "Hugo", "Ian", "Ibrahim", "Ida", "Imani", "Ines", "Ingrid", "Irene", "Isaac", "Isabel",
    "Ivan", "Jack", "Jacob", "James", "Jane", "Jasmine", "Jean", "Joan", "Johan", "John", "Jonas", "Joseph", "Joy", "Julia",
    "Julian", "Karen", "Karim", "Kate", "Keiko", "Kevin", "Laura", "Lea", "Leila", "Leo", "Lewis", "Liam", "Lily", "Linda",
    "Louis", "Lucas", "Lucia", "Lucy", "Lydia", "Mabel", "Malik", "Marco", "Maria", "Mark", "Marta", "Martin", "Mary",
    "Mateo", "Max", "Maya", "Mei", "Mia", "Michael", "Mina", "Miriam", "Nadia", "Naomi", "Nathan", "Nina", "Noah", "Nora",
    "Olga", "Oliver", "Olivia", "Omar", "Oscar", "Otto", "Paul", "Paula", "Pedro", "Peter", "Philip", "Priya", "Rachel",
    "Rafael", "Ravi", "Rebecca", "Rita", "Robert", "Rosa", "Rose", "Ruth", "Ryan", "Samir", "Samuel", "Sara", "Sofia",
    "Sonia", "Stella", "Stephen", "Sven", "Tara", "Theo", "Thomas", "Tomas", "Uma", "Valerie", "Vera", "Victor", "Viola",
    "Walter", "Wanda", "William", "Xavier", "Yara", "Yusuf", "Zoe",
)  # fmt: skip


def readable(shouted: str) -> str:
    """`"FRZN SS PREMIUM ENTREES/DNRS/N"` → `"Frozen Single Premium Entrees/Dinners"`."""
    closed = re.sub(r"\([^()]*\)", " ", _PHRASES.get(shouted, shouted))
    text = re.sub(r"\(.*", " ", closed) or shouted
    text = re.sub(r"\b(WOMEN|MEN|CHILDREN)S?\b(?: S\b)?", r"\1'S", text)
    text = re.sub(r"\s*[-:]\s*", " ", text)
    parts = [_part(part) for part in re.split(r"([/&\s]+)", text)]
    joined = re.sub(r"\s+", " ", "".join(parts))
    tidy = re.sub(r"\s*&\s*", " & ", re.sub(r"\s*/\s*", "/", joined)).strip(" /&,.-")
    return tidy[:1].upper() + tidy[1:]


def size(package: str | None, department: str = "") -> str:
    """`"14.5 OZ"` → `"14.5 oz"`, `"12 OZ/12 PK"` → `"12 oz"`; nothing where the data has no figure with a unit."""
    found = re.match(r"(\d[\d.]*) ?([A-Z]+)", package or "")
    # Fruit and vegetables carry the size of the crate: a banana of 40 lb.
    if not found or (department == "PRODUCE" and (found[2] == "CT" or float(found[1].rstrip(".")) > 10)):
        return ""
    return f"{found[1]} {_UNITS.get(found[2], found[2].lower())}"


def kind_name(kind: str | None, category: str | None, department: str) -> str:
    """What sort of thing it is, in readable words: the product type, else the category, else the department."""
    if kind in _QUALITIES and category:
        return f"{readable(category)}, {readable(kind).lower()}"
    return readable(kind or category or department) or "Article"


def product_name(what: str, packed: str, *, own_brand: bool) -> str:
    """A name of at most 38 characters, such as `"Apple Sauce 50 oz, own brand"`; the least telling part gives way first."""
    sized = f" {packed}".rstrip()
    for tail in (sized + (", own brand" if own_brand else ""), sized, ""):
        if len(what) + len(tail) <= LONGEST:
            return what + tail
    return _cut(what, LONGEST)


def first_name(household: int) -> str:
    """A first name for a household; always the same one."""
    # A stride that shares no factor with the list's length walks through all names before one comes again.
    return _FIRST_NAMES[household * 83 % len(_FIRST_NAMES)]


def _part(word: str) -> str:
    bare = word.strip(".,'")
    if bare in _DROPPED:
        return ""
    if bare in _WORDS:
        return _WORDS[bare]
    return word[:1].upper() + word[1:].lower() if word.isupper() or "'" in word else word


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length + 1].rpartition(" ")[0] or text[:length]
