"""Figures three rows tall, of half blocks: readable at arm's length."""

from __future__ import annotations

# 3 x 5 pixels each; two pixels, one above the other, make one cell.
_PIXELS = {
    "0": "### #.# #.# #.# ###",
    "1": ".#. ##. .#. .#. ###",
    "2": "### ..# ### #.. ###",
    "3": "### ..# ### ..# ###",
    "4": "#.# #.# ### ..# ..#",
    "5": "### #.. ### ..# ###",
    "6": "### #.. ### #.# ###",
    "7": "### ..# ..# ..# ..#",
    "8": "### #.# ### #.# ###",
    "9": "### #.# ### ..# ###",
    ".": ". . . . #",
    ",": ". . . # #",
    "-": "... ... ### ... ...",
    " ": ". . . . .",
}
_CELLS = {("#", "#"): "█", ("#", "."): "▀", (".", "#"): "▄", (".", "."): " "}
ROWS = 3


def draw(text: str) -> tuple[str, ...]:
    """`text` (digits, point, comma, minus, space) as three rows of equal width. Raises KeyError for other characters."""
    glyphs = [[*_PIXELS[character].split(), ""] for character in text]
    for glyph in glyphs:
        glyph[-1] = "." * len(glyph[0])
    return tuple(
        " ".join("".join(_CELLS[pair] for pair in zip(glyph[row], glyph[row + 1], strict=True)) for glyph in glyphs)
        for row in range(0, 2 * ROWS, 2)
    )
