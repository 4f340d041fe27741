"""Pages on paper: as SVG, as HTML around it, and as PDF."""

from __future__ import annotations

from html import escape

from panier_device.library.page import HEIGHT, WIDTH, Box, Page, Text

_POINT = 25.4 / 72
_GREY = "#555"


def as_svg(page: Page) -> str:
    """One page as an SVG document in millimetres."""
    marks = "\n".join(_svg_box(mark) if isinstance(mark, Box) else _svg_text(mark) for mark in page.marks)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH:g}mm" height="{HEIGHT:g}mm" viewBox="0 0 {WIDTH:g} {HEIGHT:g}">\n'
        f'<rect width="{WIDTH:g}" height="{HEIGHT:g}" fill="#fff"/>\n{marks}\n</svg>\n'
    )


def as_html(pages: list[Page], title: str) -> str:
    """All pages for a browser, one a sheet of paper."""
    bodies = "".join(f"<section>{as_svg(page)}</section>\n" for page in pages)
    style = "@page{size:A4;margin:0}body{margin:0;background:#ddd}section{break-after:page}svg{display:block;margin:0 auto}"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{style}</style></head>\n<body>\n{bodies}</body></html>\n"
    )


def as_pdf(pages: list[Page], title: str) -> bytes:
    """All pages as PDF 1.4 with the fonts that every reader has; needs no library and is the same each time."""
    size = f"[0 0 {WIDTH / _POINT:.2f} {HEIGHT / _POINT:.2f}]"
    kids = " ".join(f"{6 + 2 * place} 0 R" for place in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>",
        b"<< /Title (" + _pdf_string(title) + b") /Producer (Panier) >>",
    ]
    for place, page in enumerate(pages):
        drawing = b"\n".join(_pdf_box(mark) if isinstance(mark, Box) else _pdf_text(mark) for mark in page.marks)
        fonts = "/Resources << /Font << /F1 3 0 R /F2 4 0 R >> >>"
        objects.append(f"<< /Type /Page /Parent 2 0 R /MediaBox {size} {fonts} /Contents {7 + 2 * place} 0 R >>".encode())
        objects.append(b"<< /Length %d >>\nstream\n%b\nendstream" % (len(drawing), drawing))
    return _pdf_file(objects)


def _svg_box(box: Box) -> str:
    place = f'x="{box.x:.3f}" y="{box.y:.3f}" width="{box.width:.3f}" height="{box.height:.3f}"'
    return f'<rect {place} shape-rendering="crispEdges"/>'


def _svg_text(text: Text) -> str:
    weight = ' font-weight="bold"' if text.bold else ""
    colour = f' fill="{_GREY}"' if text.grey else ""
    place = f'x="{text.x:g}" y="{text.y:.2f}" font-size="{text.size * _POINT:.2f}"'
    return f'<text {place} font-family="Helvetica, Arial, sans-serif"{weight}{colour}>{escape(text.text)}</text>'


def _pdf_box(box: Box) -> bytes:
    x, y = box.x / _POINT, (HEIGHT - box.y - box.height) / _POINT
    return f"{x:.3f} {y:.3f} {box.width / _POINT:.3f} {box.height / _POINT:.3f} re f".encode()


def _pdf_text(text: Text) -> bytes:
    x, y = text.x / _POINT, (HEIGHT - text.y) / _POINT
    grey = "0.33 g" if text.grey else "0 g"
    head = f"BT {grey} /F{2 if text.bold else 1} {text.size:g} Tf {x:.2f} {y:.2f} Td (".encode()
    return head + _pdf_string(text.text) + b") Tj ET 0 g"


def _pdf_string(text: str) -> bytes:
    escaped = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    # The core fonts have no check mark.
    return escaped.replace("\u2713", "OK").encode("cp1252", "replace")


def _pdf_file(objects: list[bytes]) -> bytes:
    out, places = bytearray(b"%PDF-1.4\n"), list[int]()
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer << /Size %d /Root 1 0 R /Info 5 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)
