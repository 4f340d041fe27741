"""Colours: dark on light like a paper receipt, because a shop is bright; one accent for money saved, one for attention."""

from __future__ import annotations

from rich.style import Style

from panier_device.screen.row import Ink

_PAPER, _INK, _FAINT = "#fbfaf5", "#14181c", "#5c6670"
_BAR, _BAR_INK = "#12303f", "#ffffff"
_SAVING = "#0b6b3a"
_ALARM = "#a4161a"
_PANEL, _LAST, _TOTAL = "#fff1c2", "#e4eef3", "#ffffff"
_KEY = "#dfe3e6"

INKS: dict[Ink, Style] = {
    "page": Style(color=_INK, bgcolor=_PAPER),
    "faint": Style(color=_FAINT, bgcolor=_PAPER),
    "bold": Style(color=_INK, bgcolor=_PAPER, bold=True),
    "saving": Style(color=_SAVING, bgcolor=_PAPER),
    "alarm": Style(color=_ALARM, bgcolor=_PAPER, bold=True),
    "bar": Style(color=_BAR_INK, bgcolor=_BAR, bold=True),
    "bar_online": Style(color="#8fe3b0", bgcolor=_BAR),
    "bar_offline": Style(color="#ffc78a", bgcolor=_BAR, bold=True),
    "last": Style(color=_FAINT, bgcolor=_LAST),
    "last_bold": Style(color=_INK, bgcolor=_LAST, bold=True),
    "last_saving": Style(color=_SAVING, bgcolor=_LAST, bold=True),
    "panel": Style(color=_INK, bgcolor=_PANEL),
    "panel_faint": Style(color=_FAINT, bgcolor=_PANEL),
    "panel_bold": Style(color=_INK, bgcolor=_PANEL, bold=True),
    "panel_saving": Style(color=_SAVING, bgcolor=_PANEL, bold=True),
    "fresh": Style(color="#ffffff", bgcolor=_SAVING, bold=True),
    "total": Style(color=_INK, bgcolor=_TOTAL, bold=True),
    "total_faint": Style(color="#b8c0c6", bgcolor=_TOTAL),
    "total_saving": Style(color=_SAVING, bgcolor=_TOTAL, bold=True),
    "notice": Style(color="#ffffff", bgcolor=_ALARM, bold=True),
    "notice_faint": Style(color="#ffe3e1", bgcolor=_ALARM),
    "good": Style(color="#ffffff", bgcolor=_SAVING, bold=True),
    "good_faint": Style(color="#d9f5e4", bgcolor=_SAVING),
    "key": Style(color=_INK, bgcolor="#b8c0c6", bold=True),
    "word": Style(color=_INK, bgcolor=_KEY),
    "main_key": Style(color="#ffffff", bgcolor=_BAR, bold=True),
    "main_word": Style(color="#ffffff", bgcolor=_BAR, bold=True),
}
