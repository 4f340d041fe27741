"""`panier sheet`: the configuration barcodes that set a scanner as Panier wants it, on a page to print."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from panier_device.library.sheet import Sheet, Target


def sheet(
    model: str = typer.Argument("", help="A scanner's model or maker, such as honeywell-1450g; without one, all that there are."),
    out: Path | None = typer.Option(None, help="File to write: .html, .svg or .pdf. Without one, the steps in words."),
    mode: str = typer.Option("serial", help="What the scanner is to be: serial, keyboard or hidpos."),
    as_json: bool = typer.Option(False, "--json", help="The sheet as one JSON object, for programs."),
) -> None:
    """Print the barcodes that program a scanner: factory settings, interface, AIM identifiers, suffix, and a proof at the end.

    Print the page at 100 % and scan it from the top.
    """
    from panier.error import PanierError
    from panier_device.library.sheet import load_sheet
    from panier_io.firmware import firmware_config

    folder = firmware_config() / "sheets"
    try:
        if not model:
            _list(folder, as_json)
            return
        loaded = load_sheet(model, folder)
        if mode not in loaded.targets:
            print(f"panier sheet: this sheet leads to {', '.join(loaded.targets)}, not to {mode!r}", file=sys.stderr)
            raise typer.Exit(1)
        _answer(loaded, model, loaded.targets[loaded.targets.index(mode)], out, as_json)
    except (PanierError, OSError) as error:
        # Of a file that cannot be written, the reason and the file, without Python's number.
        says = (
            f"{error.filename} cannot be written: {error.strerror}" if isinstance(error, OSError) and error.errno else str(error)
        )
        print(f"panier sheet: {says}", file=sys.stderr)
        raise typer.Exit(1) from error


def _answer(loaded: Sheet, name: str, target: Target, out: Path | None, as_json: bool) -> None:
    written = _write(loaded, name, target, out) if out else ""
    steps = [{"step": place, **step.model_dump(exclude={"only"})} for place, step in enumerate(loaded.steps(target), 1)]
    if as_json:
        print(json.dumps({"title": loaded.title, "mode": target, "steps": steps, "unknown": loaded.unknown}, ensure_ascii=False))
    elif out:
        drawn = sum(bool(step["code"]) for step in steps)
        others = len(steps) - drawn
        manual = f", and where in the maker's manual {others} more {'stands' if others == 1 else 'stand'}" if others else ""
        print(f"{written}: {drawn} codes and the proof{manual}; print at 100 %, scan from the top, cover the others")
    else:
        print(f"{loaded.title}, to {target}:")
        for step in steps:
            print(f"{step['step']:>3}  {step['title']}: {step['code'] or 'in the manual: ' + str(step['manual'])}")
        print(f"  -  then the proof. --out sheet.html draws it.\n{loaded.unknown}")


def _list(folder: Path, as_json: bool) -> None:
    from panier_device.library.sheet import load_sheet

    sheets = {path.stem: load_sheet(path.stem, folder) for path in sorted(folder.glob("*.toml"))}
    if as_json:
        print(
            json.dumps({name: {"title": one.title, "models": one.models, "modes": one.targets} for name, one in sheets.items()})
        )
        return
    for name, one in sheets.items():
        print(f"{name}  ({one.title})\n    {', '.join(one.models)}; to {', '.join(one.targets)}")


def _write(loaded: Sheet, name: str, target: Target, out: Path) -> str:
    from panier_device.library.page import lay_out
    from panier_device.library.paper import as_html, as_pdf, as_svg

    pages, title = lay_out(loaded, name, target), loaded.title
    match out.suffix:
        case ".html":
            out.write_text(as_html(pages, title), encoding="utf-8")
        case ".pdf":
            out.write_bytes(as_pdf(pages, title))
        case ".svg":
            files = [out] if len(pages) == 1 else [out.with_stem(f"{out.stem}-{number}") for number in range(1, len(pages) + 1)]
            for page, file in zip(pages, files, strict=True):
                file.write_text(as_svg(page), encoding="utf-8")
            return ", ".join(map(str, files))
        case _:
            raise OSError(f"{out}: a file ending in .html, .svg or .pdf is wanted")
    return str(out)
