"""A page as a tree: what a reader of HTML finds in it, not its markup."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "wbr"}
LOADING = {"src", "srcset", "xlink:href", "action", "data", "poster", "background", "formaction"}
"""Attributes that load something or send it somewhere."""


@dataclass
class Element:
    """One element; ``find`` looks among all that it holds."""

    tag: str
    attributes: dict[str, str]
    parent: Element | None
    children: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(c if isinstance(c, str) else c.text for c in self.children)

    def find(self, tag: str, **attributes: str) -> list[Element]:
        found = []
        for child in self.children:
            if isinstance(child, str):
                continue
            wanted = {k.rstrip("_"): v for k, v in attributes.items()}
            if child.tag == tag and wanted.items() <= child.attributes.items():
                found.append(child)
            found += child.find(tag, **attributes)
        return found

    @property
    def all(self) -> list[Element]:
        inner = [c for c in self.children if not isinstance(c, str)]
        return inner + [e for c in inner for e in c.all]


class Reader(HTMLParser):
    """Builds a tree; every tag must close in its place and no attribute come twice."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.root = self.here = Element("", {}, None)
        self.feed(text)
        self.close()
        assert self.here is self.root, f"{self.here.tag} stays open"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), (tag, names)
        element = Element(tag, {k: v or "" for k, v in attrs}, self.here)
        self.here.children.append(element)
        if tag not in VOID:
            self.here = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.here.tag == tag, f"</{tag}> closes <{self.here.tag}>"
        assert self.here.parent is not None
        self.here = self.here.parent

    def handle_data(self, data: str) -> None:
        self.here.children.append(data)


def verify_self_contained(text: str) -> Element:
    """A page loads nothing, runs nothing and refers to nothing outside itself; its tree."""
    root = Reader(text).root
    for element in root.all:
        assert not LOADING & element.attributes.keys()
        assert not [a for a in element.attributes if a.startswith("on")]
        assert element.attributes.get("href", "#").startswith("#")
        assert element.tag not in ("script", "img", "iframe", "object", "embed", "link", "base")
    (style,) = root.find("style")
    assert "url(" not in style.text
    assert "@import" not in style.text
    (policy,) = root.find("meta", **{"http-equiv": "Content-Security-Policy"})
    rules = policy.attributes["content"].split("; ")
    assert rules[:2] == ["default-src 'none'", "style-src 'unsafe-inline'"]
    assert all(rule.endswith("'none'") for rule in rules[2:])
    return root
