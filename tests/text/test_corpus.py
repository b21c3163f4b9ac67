"""What the comparisons rest on is itself what it says."""

from __future__ import annotations

import unicodedata

from tests.text import corpus


def test_hostile_strings_are_the_same_each_time() -> None:
    assert corpus.hostile.__wrapped__(300) == corpus.hostile.__wrapped__(300)
    assert corpus.hostile.__wrapped__(300, 7) != corpus.hostile.__wrapped__(300)


def test_hostile_strings_hold_every_kind() -> None:
    strings = corpus.hostile()
    text = b"\n".join(strings)
    decoded = text.decode("utf-8", "ignore")
    kinds = {unicodedata.category(character) for character in set(decoded)}
    malformed = sum(string != string.decode("utf-8", "ignore").encode() for string in strings)
    assert len(strings) == 20_000
    assert kinds >= {"Cc", "Cf", "Cn", "Co", "Ll", "Lm", "Lo", "Lt", "Lu", "Mc", "Me", "Mn"}
    assert kinds >= {"Nd", "Nl", "No", "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps"}
    assert kinds >= {"Sc", "Sk", "Sm", "So", "Zl", "Zp", "Zs"}
    assert 3_000 < malformed < 17_000
    assert b"\xed\xa0\x80" in text
    assert b"\0" in text
    assert sum(len(string) > 1_000_000 for string in strings) == 8


def test_documents_are_many_and_of_many_scripts() -> None:
    documents = corpus.documents()
    assert len(documents) == len(set(documents))
    assert sum(len(document.encode()) for document in documents) >= corpus.BYTES
    scripts = {
        unicodedata.name(character, " ").split()[0]
        for character in set("".join(documents))
        if character.isalpha()
    }
    assert scripts >= {"ARABIC", "BENGALI", "CJK", "CYRILLIC", "DEVANAGARI", "ETHIOPIC", "GREEK"}
    assert scripts >= {"GUJARATI", "HANGUL", "HEBREW", "HIRAGANA", "KANNADA", "KHMER", "LATIN"}
    assert scripts >= {"MALAYALAM", "TAMIL", "TELUGU", "THAI", "TIBETAN"}
