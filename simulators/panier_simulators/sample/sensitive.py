"""Categories from which nothing is concluded about a person, and with which nobody is targeted (one-to-one.md, "Limits").

They stay in the catalogue and in trips; segments, campaigns and promotions never touch them. Alcohol and tobacco are here too:
what somebody drinks or smokes speaks of health, and many countries forbid to promote it.
"""

from __future__ import annotations

SENSITIVE_CATEGORIES = frozenset({
    "ADULT INCONTINENCE", "ANALGESICS", "ANTACIDS", "BABY FOODS", "BABY HBC", "BABYFOOD", "BEERS/ALES", "CIGARETTES", "CIGARS",
    "COLD AND FLU", "DIAPERS & DISPOSABLES", "DIETARY AID PRODUCTS", "DOMESTIC WINE", "ETHNIC PERSONAL CARE",
    "EYE AND EAR CARE PRODUCTS", "FAMILY PLANNING", "FEMININE HYGIENE", "FIRST AID PRODUCTS", "FITNESS&DIET",
    "FOOT CARE PRODUCTS", "GLASSES/VISION AIDS", "HISPANIC", "HOME HEALTH CARE", "IMPORTED WINE", "INFANT CARE PRODUCTS",
    "INFANT FORMULA", "LAXATIVES", "LIQUOR", "MISC WINE", "NATURAL VITAMINS", "NEWSPAPER", "PHARMACY", "RESTRICTED DIET",
    "SINUS AND ALLERGY", "SMOKING CESSATIONS", "TOBACCO OTHER", "VITAMINS",
})  # fmt: skip

# Kinds of goods that say something of a person although their category does not.
SENSITIVE_KINDS = "KOSHER|HALAL|RELIGIO|PREGNAN|DIABET|MEDICAT|LIQUORS|WINES|ETHNIC"
