"""Text split where a pattern matches."""

from __future__ import annotations

import functools
from typing import Any

from homebody.errors import TextError
from homebody.kernels.patterns import ASSERT, FORK, MATCH, SET, Program, split_matches
from homebody.text._pattern import MOST_INSTRUCTIONS, Node, is_nullable, parse
from homebody.text._source import Source
from homebody.text._strings import Malformed
from homebody.text._tokenizer import Splitter


class RegexSplitter(Splitter):
    r"""Splits text where a pattern matches, at line ends unless told otherwise.

    Patterns are in RE2's syntax: literals, ``.``, ``[...]``, ``\d \s \w`` (ASCII), ``\p{L}`` and
    ``\p{Greek}`` (Unicode 16), ``[[:alpha:]]``, groups, ``|``, ``* + ? {n,m}``, their lazy forms,
    ``^ $ \A \z \b \B``, flags ``(?imsU)``; ``(?i)`` is for ASCII's letters. The leftmost match is
    taken, and of those the one that the pattern prefers, as in Perl. The time is linear in the
    text, whatever the pattern.

    Args:
        split_regex: what separates the parts; it may not match nothing. ``\r?\n`` by default.
        keep_delim_regex_pattern: separators that it matches whole are parts too; none by default.
        offset_unit, malformed: see :class:`Splitter`. Bytes that are not UTF-8 match as U+FFFD.

    Raises:
        TextError: a pattern is not in the syntax, too large, or matches nothing.

    Example:
        >>> RegexSplitter().split(["Hi there.\nWhat time is it?\r\n\n", "One line"])
        Ragged([['Hi there.', 'What time is it?'], ['One line']])
        >>> RegexSplitter(r"\s+|[,.]", r"\pP").split("Yes, please.")
        Strings(['Yes', ',', 'please', '.'])
    """

    def __init__(
        self,
        split_regex: str | None = None,
        keep_delim_regex_pattern: str = "",
        *,
        offset_unit: str = "byte",
        malformed: Malformed = "replace",
    ) -> None:
        super().__init__(offset_unit=offset_unit, malformed=malformed)
        split_regex = split_regex or "\r?\n"
        node = parse(split_regex)
        if is_nullable(node):
            raise TextError(
                f"the pattern {split_regex[:60]!r} matches nothing, which splits everywhere; "
                "give one that takes at least one character"
            )
        self._split_program = _compiled(split_regex)
        self._keep_program = (
            _compiled(keep_delim_regex_pattern) if keep_delim_regex_pattern else Program([], [])
        )

    def split_with_offsets(self, input: Any) -> tuple[Any, Any, Any]:
        source = Source(input, self._malformed)
        splits, starts, ends = split_matches(source.spans, self._split_program, self._keep_program)
        parts = source.cut(splits, starts, ends)
        source.place(splits, starts, ends, self._unit)
        parts, begins, stops = (source.shaped(v, splits) for v in (parts, starts, ends))
        return parts, begins, stops


def regex_split_with_offsets(
    input: Any, delim_regex_pattern: str, keep_delim_regex_pattern: str = ""
) -> tuple[Any, Any, Any]:
    r"""Text split where a pattern matches, and where the parts start and end, in bytes.

    Args:
        input: a str or bytes, or strings in any form that the module names, nested or not.
        delim_regex_pattern: what separates the parts, as :class:`RegexSplitter` takes it.
        keep_delim_regex_pattern: separators that it matches whole are parts too.

    Returns:
        Parts, starts and ends. Of a single string Strings and arrays [parts], of several a Ragged
        [strings, parts], nested deeper as the input is. Nothing empty is a part.

    Raises:
        TextError: the input is no text, or a pattern is refused.

    Example:
        >>> parts, starts, ends = regex_split_with_offsets("hello there", r"\s", r"\s")
        >>> parts, starts.tolist(), ends.tolist()
        (Strings(['hello', ' ', 'there']), [0, 5, 6], [5, 6, 11])
    """
    splitter = _splitter(delim_regex_pattern, keep_delim_regex_pattern)
    return splitter.split_with_offsets(input)


def regex_split(input: Any, delim_regex_pattern: str, keep_delim_regex_pattern: str = "") -> Any:
    r"""Text split where a pattern matches: the parts of :func:`regex_split_with_offsets`.

    Example:
        >>> regex_split(["hello  there"], r"\s")
        Ragged([['hello', 'there']])
    """
    return regex_split_with_offsets(input, delim_regex_pattern, keep_delim_regex_pattern)[0]


@functools.lru_cache(64)
def _splitter(split: str, keep: str) -> RegexSplitter:
    return RegexSplitter(split, keep)


def _compiled(pattern: str) -> Program:
    """A pattern's program.

    Raises:
        TextError: it is not in the syntax, or too large.
    """
    return _Compiler(pattern).program()


class _Compiler:
    """Instructions written from the end to the beginning, each knowing what comes next."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._instructions: list[tuple[int, int, int]] = [(FORK, 0, 0)]
        self._sets: dict[tuple[tuple[int, int], ...], int] = {}

    def program(self) -> Program:
        end = self._add(MATCH, 0, 0)
        begin = self._write(parse(self._pattern), end)
        self._instructions[0] = (FORK, begin, begin)
        return Program(self._instructions, [list(ranges) for ranges in self._sets])

    def _add(self, does: int, x: int, y: int) -> int:
        if len(self._instructions) == MOST_INSTRUCTIONS:
            raise TextError(
                f"the pattern {self._pattern[:60]!r} needs more than {MOST_INSTRUCTIONS} steps; "
                "repeat less in it"
            )
        self._instructions.append((does, x, y))
        return len(self._instructions) - 1

    def _write(self, node: Node, then: int) -> int:
        """Instructions for a node, before those at ``then``; where they begin."""
        match node:
            case ("set", ranges):
                number = self._sets.setdefault(tuple(ranges), len(self._sets))
                return self._add(SET, number, then)
            case ("assert", number):
                return self._add(ASSERT, number, then)
            case ("all", nodes):
                for part in reversed(nodes):
                    then = self._write(part, then)
                return then
            case ("either", nodes):
                begin = self._write(nodes[-1], then)
                for part in reversed(nodes[:-1]):
                    begin = self._add(FORK, self._write(part, then), begin)
                return begin
            case ("repeat", inner, least, most, greedy):
                return self._repeat(inner, least, most, greedy, then)
        raise AssertionError(node)

    def _repeat(self, node: Node, least: int, most: int | None, greedy: bool, then: int) -> int:
        if most is None:
            fork = self._add(FORK, 0, 0)
            inner = self._write(node, fork)
            self._instructions[fork] = (FORK, inner, then) if greedy else (FORK, then, inner)
            then = fork
        else:
            end = then
            for _ in range(most - least):
                inner = self._write(node, then)
                then = self._add(FORK, *((inner, end) if greedy else (end, inner)))
        for _ in range(least):
            then = self._write(node, then)
        return then
