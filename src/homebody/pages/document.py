"""A page's frame: its head, its policy, its style and its foot."""

from __future__ import annotations

from collections.abc import Iterable

from homebody.pages.style import STYLE
from homebody.pages.words import as_text

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""What a page may load (nothing), run (nothing) and send (nothing); style is its own."""


def document(title: str, parts: Iterable[str], *, footer: str, style: str = "") -> str:
    """An HTML document that refers to nothing outside itself.

    Args:
        title: any text.
        parts: HTML, in order; empty ones are left out.
        footer: any text, such as the report's format.
        style: CSS beside :data:`homebody.pages.style.STYLE`.

    Example:
        >>> "<title>a &lt; b</title>" in document("a < b", ["<p>less</p>"], footer="Homebody")
        True
    """
    body = "\n".join(part for part in parts if part)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{as_text(title)}</title>\n<style>{STYLE}{style}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n<footer>Homebody · {as_text(footer)}</footer>\n"
        "</body>\n</html>\n"
    )
