"""Patterns in RE2's syntax, compiled to programs that take time linear in the text.

There is no backtracking, and so no pattern that takes a lifetime: what needs it (a group that is
referred to, looking ahead or behind) is not in the syntax. A pattern's program is bounded too.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from homebody.errors import TextError
from homebody.text._pattern_sets import (
    LAST,
    PERL,
    POSIX,
    Ranges,
    folded,
    joined,
    of_property,
    others,
)

MOST_INSTRUCTIONS = 10_000
MOST_REPEATED = 1000
MOST_DEEP = 100

Node = tuple[Any, ...]
"""("set", ranges), ("all", nodes), ("either", nodes), ("assert", number) or ("repeat", node, least,
most or None, greedy)."""

BEGIN, END, LINE_BEGIN, LINE_END, BOUNDARY, INSIDE = range(6)
_ESCAPES = {"a": 7, "f": 12, "t": 9, "n": 10, "r": 13, "v": 11}
_ANCHORS = {"A": BEGIN, "z": END, "b": BOUNDARY, "B": INSIDE}
_OPERATORS = set("*+?|()[]{}^$.\\")


class Flags(NamedTuple):
    """What ``(?i)`` and its like turn on."""

    i: bool = False
    m: bool = False
    s: bool = False
    U: bool = False


def parse(pattern: str) -> Node:
    """A pattern's structure.

    Raises:
        TextError: it is not in the syntax.
    """
    if not isinstance(pattern, str):
        raise TextError(f"a pattern is a {type(pattern).__name__}; give a str")
    return _Parser(pattern).whole()


def is_nullable(node: Node) -> bool:
    """Whether nothing matches."""
    match node:
        case ("set", _):
            return False
        case ("all", nodes):
            return all(map(is_nullable, nodes))
        case ("either", nodes):
            return any(map(is_nullable, nodes))
        case ("repeat", inner, least, _, _):
            return least == 0 or is_nullable(inner)
    return True


class _Parser:
    """Recursive descent over a pattern's characters."""

    def __init__(self, pattern: str) -> None:
        self._text, self._at, self._depth = pattern, 0, 0

    def whole(self) -> Node:
        node, _ = self._either(Flags())
        if self._at < len(self._text):
            raise self._wrong("a ) without (")
        return node

    def _wrong(self, what: str) -> TextError:
        return TextError(
            f"the pattern {self._text[:60]!r} has {what} at character {self._at}; "
            "patterns are in RE2's syntax"
        )

    def _peek(self, size: int = 1) -> str:
        return self._text[self._at : self._at + size]

    def _take(self, expected: str) -> bool:
        if not self._text.startswith(expected, self._at):
            return False
        self._at += len(expected)
        return True

    def _next(self) -> str:
        if self._at == len(self._text):
            raise self._wrong("no end of what was begun")
        self._at += 1
        return self._text[self._at - 1]

    def _either(self, flags: Flags) -> tuple[Node, Flags]:
        self._depth += 1
        if self._depth > MOST_DEEP:
            raise self._wrong(f"more than {MOST_DEEP} groups within each other")
        choices: list[Node] = []
        while True:
            node, flags = self._all(flags)
            choices.append(node)
            if not self._take("|"):
                self._depth -= 1
                return (choices[0] if len(choices) == 1 else ("either", choices)), flags

    def _all(self, flags: Flags) -> tuple[Node, Flags]:
        nodes: list[Node] = []
        while self._at < len(self._text) and self._peek() not in "|)":
            if self._take(r"\Q"):
                end = self._text.find(r"\E", self._at)
                end = len(self._text) if end < 0 else end
                nodes += [self._one(ord(c), flags) for c in self._text[self._at : end]]
                empty = self._at == end
                self._at = min(len(self._text), end + 2)
                if not empty:
                    nodes.append(self._repeated(nodes.pop(), flags))
                continue
            if self._peek(2) == "(?" and (changed := self._flags(flags)) is not None:
                flags = changed
                continue
            nodes.append(self._repeated(self._atom(flags), flags))
        return ("all", nodes), flags

    def _flags(self, flags: Flags) -> Flags | None:
        """What ``(?flags)`` makes of them; None, and nothing read, where a group begins."""
        end = self._text.find(")", self._at)
        changed = self._changed(self._text[self._at + 2 : end], flags) if end > 0 else None
        if changed is not None:
            self._at = end + 1
        return changed

    def _changed(self, letters: str, flags: Flags) -> Flags | None:
        on, _, off = letters.partition("-")
        known = set("imsU")
        if not letters or not (known >= set(on + off)) or (letters.endswith("-")):
            return None
        return flags._replace(**dict.fromkeys(on, True), **dict.fromkeys(off, False))

    def _one(self, code: int, flags: Flags) -> Node:
        return ("set", folded([(code, code)]) if flags.i else [(code, code)])

    def _atom(self, flags: Flags) -> Node:
        char = self._next()
        match char:
            case "(":
                return self._group(flags)
            case "[":
                return self._class(flags)
            case ".":
                return ("set", [(0, LAST)] if flags.s else others([(10, 10)]))
            case "^":
                return ("assert", LINE_BEGIN if flags.m else BEGIN)
            case "$":
                return ("assert", LINE_END if flags.m else END)
            case "\\":
                if self._peek() in _ANCHORS and self._peek():
                    return ("assert", _ANCHORS[self._next()])
                ranges = self._escaped()
                return ("set", folded(ranges) if flags.i else ranges)
        if char in "*+?":
            raise self._wrong(f"{char} with nothing before it")
        return self._one(ord(char), flags)

    def _group(self, flags: Flags) -> Node:
        if self._take("?"):
            if self._take("P<") or (self._peek() == "<" and self._take("<")):
                end = self._text.find(">", self._at)
                name = self._text[self._at : end] if end > 0 else ""
                if not name.isidentifier():
                    raise self._wrong("a group that is not in the syntax")
                self._at = end + 1
            else:
                end = self._text.find(":", self._at)
                letters = self._text[self._at : end] if end > 0 else "?"
                changed = flags if letters == "" else self._changed(letters, flags)
                if changed is None:
                    raise self._wrong("a group that is not in the syntax")
                self._at, flags = end + 1, changed
        node, _ = self._either(flags)
        if not self._take(")"):
            raise self._wrong("a ( without )")
        return node

    def _repeated(self, node: Node, flags: Flags) -> Node:
        while True:
            begin = self._at
            bounds = self._bounds()
            if bounds is None:
                return node
            least, most = bounds
            if node[0] == "repeat" and self._text[begin - 1] in "*+?}" and begin:
                raise self._wrong("a repetition of a repetition without a group")
            if max(least, most or 0) > MOST_REPEATED or (most is not None and most < least):
                raise self._wrong(f"a repetition out of order or above {MOST_REPEATED}")
            node = ("repeat", node, least, most, self._take("?") == flags.U)
            if self._peek() and self._peek() in "*+?":
                raise self._wrong("a repetition of a repetition without a group")

    def _bounds(self) -> tuple[int, int | None] | None:
        for sign, bounds in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self._take(sign):
                return bounds
        end = self._text.find("}", self._at)
        if self._peek() != "{" or end < 0:
            return None
        low, comma, high = self._text[self._at + 1 : end].partition(",")
        if not (low.isascii() and low.isdigit() and len(low) < 5):
            return None
        if high and not (high.isascii() and high.isdigit() and len(high) < 5):
            return None
        self._at = end + 1
        return int(low), (int(high) if high else None if comma else int(low))

    def _escaped(self) -> Ranges:
        """The characters of an escape, whose backslash is read."""
        char = self._next()
        if char.lower() in PERL:
            ranges = PERL[char.lower()]
            return others(ranges) if char.isupper() else ranges
        if char in "pP":
            name = self._next()
            if name == "{":
                end = self._text.find("}", self._at)
                if end < 0:
                    raise self._wrong("a { without }")
                name, self._at = self._text[self._at : end], end + 1
            negated = (char == "P") != name.startswith("^")
            ranges = of_property(name.removeprefix("^"))
            return others(ranges) if negated else ranges
        code = self._code(char)
        return [(code, code)]

    def _code(self, char: str) -> int:
        if char in _ESCAPES:
            return _ESCAPES[char]
        if char == "x":
            if self._take("{"):
                end = self._text.find("}", self._at)
                digits, self._at = self._text[self._at : max(end, self._at)], end + 1
                if end < 0:
                    raise self._wrong("a { without }")
            else:
                digits = self._peek(2)
                self._at += 2
            if not 1 <= len(digits) <= 8 or not set("0123456789abcdefABCDEF") >= set(digits):
                raise self._wrong("an \\x without its digits")
            if int(digits, 16) > LAST:
                raise self._wrong("an \\x above 10FFFF")
            return int(digits, 16)
        if char == "0":
            return 0
        if char.isascii() and char.isalnum():
            raise self._wrong(f"\\{char}, which is not in the syntax,")
        return ord(char)

    def _class(self, flags: Flags) -> Node:
        """``[...]``, whose bracket is read."""
        negated = self._take("^")
        ranges: Ranges = []
        first = True
        while first or self._peek() != "]":
            first = False
            if self._peek(2) == "[:":
                end = self._text.find(":]", self._at)
                name = self._text[self._at + 2 : max(end, 0)]
                if name.removeprefix("^") not in POSIX:
                    raise self._wrong("a [:class:] that there is not")
                chosen = POSIX[name.removeprefix("^")]
                ranges += others(chosen) if name.startswith("^") else chosen
                self._at = end + 2
                continue
            low = self._item()
            if self._peek() == "-" and self._peek(2) != "-]" and len(low) == 1 and (
                low[0][0] == low[0][1]
            ):  # fmt: skip
                self._at += 1
                high = self._item()
                if len(high) != 1 or high[0][0] != high[0][1] or high[0][0] < low[0][0]:
                    raise self._wrong("a range out of order")
                low = [(low[0][0], high[0][0])]
            ranges += low
        self._at += 1
        ranges = folded(ranges) if flags.i else joined(ranges)
        return ("set", others(ranges) if negated else ranges)

    def _item(self) -> Ranges:
        char = self._next()
        return self._escaped() if char == "\\" else [(ord(char), ord(char))]
