"""Words as they are compared: without case, accents and punctuation, in any script; and words that differ by typing errors."""

from __future__ import annotations

import re
import unicodedata

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_WORD = re.compile(r"[^\W_]+")
_DIGRAPH = re.compile("([aou])e")
_LETTERS = {"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ħ": "h", "ı": "i"}
"""Letters that Unicode does not decompose, folded."""
_KANA_MARKS = "\u3099\u309a"
"""Combining marks that make another letter: they stay."""
_UNSPACED = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Burmese
    (0x1780, 0x17FF),  # Khmer
    (0x3005, 0x3007),  # marks among Chinese characters
    (0x3040, 0x30FF),  # kana
    (0x3400, 0x9FFF),  # Chinese characters
    (0xAC00, 0xD7A3),  # Hangul, whose words carry endings
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)
"""Scripts in which each character is a word, as no spaces, or not all, separate words."""
_MOST_WORDS = 16  # of a text to search for; the rest is ignored
_LONGEST = 64  # characters of a word to search for
_FAR_MORE = 20
_MOST_NEAR = 8  # words that stand for one with a typing error


class _Folding(dict[int, str]):
    """The folded form of each character, made when it is first met."""

    def __missing__(self, code: int) -> str:
        folded = self[code] = _fold_character(chr(code))
        return folded


def _fold_character(character: str) -> str:
    if not character.isascii() and unicodedata.category(character) in ("Mn", "Cf") and character not in _KANA_MARKS:
        return ""  # accents, vowel points, joiners, marks of direction
    letters = ""
    for letter in unicodedata.normalize("NFKD", character.casefold()):
        if not unicodedata.combining(letter) or letter in _KANA_MARKS:
            letters += _LETTERS.get(letter, letter)
    letters = unicodedata.normalize("NFC", letters).casefold()
    if not letters.isalnum() and not character.isascii():
        return " "
    return "".join(f" {letter} " if _is_word(letter) else letter for letter in letters)


def _is_word(letter: str) -> bool:
    return any(first <= ord(letter) <= last for first, last in _UNSPACED)


_folding = _Folding()


def fold(text: str) -> str:
    """`text` without case and accents; characters of scripts without spaces are separated by some."""
    return text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).translate(_folding)


def phrase_of(text: str) -> str:
    """The folded words of a text, with one space between two; empty if it has none."""
    return " ".join(_WORD.findall(fold(text)))


def terms_of(text: str) -> list[str]:
    """What must be found, each a phrase: one per word between spaces, as "o keeffe" for O'Keeffe. At most 16."""
    phrases = (phrase_of(word[:_LONGEST]) for word in text[: 2 * _MOST_WORDS * _LONGEST].split())
    return list(dict.fromkeys(phrase for phrase in phrases if phrase))[:_MOST_WORDS]


def forgiven_errors(word: str) -> int:
    """How many typing errors are forgiven in a word: letters left out, added, changed, or swapped with the next."""
    if not word.isalpha() or len(word) < 4:
        return 0
    return 1 if len(word) < 8 else 2


class Vocabulary:
    """All words of a collection, to find those that a mistyped one may stand for."""

    def __init__(self, words: list[str], counts: list[int]) -> None:
        """`counts`: in how many works each word is."""
        kept = [number for number, word in enumerate(words) if len(word) > 2 and word.isalpha()]
        self._words = pa.array([words[number] for number in kept], pa.string())
        self._counts = np.array([counts[number] for number in kept], np.int64)
        self._lengths = np.array([len(words[number]) for number in kept], np.int64)
        self._letters = np.array([_letters(words[number]) for number in kept], np.uint64)

    def near(self, word: str) -> list[str]:
        """The words nearest to a mistyped one, the most frequent first; where there is none, those that begin nearly so.

        Only words that are far more frequent than `word` itself, which may be one, or a mistake in the collection.
        """
        errors = forgiven_errors(word)
        if not errors:
            return []
        umlauts = _DIGRAPH.sub(r"\1", word)  # "duerer" is Dürer, whatever else is near
        if umlauts != word and pc.index(self._words, umlauts).as_py() >= 0 > pc.index(self._words, word).as_py():
            return [umlauts]
        missing = np.bitwise_count(np.uint64(_letters(word)) & ~self._letters)  # letters that a word lacks
        rows = np.flatnonzero((missing <= errors) & (self._lengths >= len(word) - errors))
        if not len(rows):
            return []
        whole, begun = _distances(word, self._words.take(pa.array(rows)).to_pylist(), len(word) + errors)
        eligible = self._counts[rows] > _FAR_MORE * self._counts[rows[whole == 0]].sum()
        for distances in (whole, begun):
            least = distances[eligible].min(initial=len(word))
            if least <= errors:
                best = rows[eligible & (distances == least)]
                best = best[np.argsort(-self._counts[best], kind="stable")][:_MOST_NEAR]
                return [str(near) for near in self._words.take(pa.array(best)).to_pylist()]
        return []


def _letters(word: str) -> int:
    """The letters of a word as bits."""
    bits = 0
    for letter in word:
        bits |= 1 << (ord(letter) % 64)
    return bits


def _distances(word: str, words: list[str], width: int) -> tuple[np.ndarray, np.ndarray]:
    """(n,) each: the errors between `word` and each of `words`, and between it and the nearest beginning of each.

    The optimal string alignment distance: Damerau 1964, Levenshtein 1966. Letters after `width` are not compared.
    """
    letters = np.array(words, f"<U{width}").view(np.uint32).reshape(len(words), width).T
    codes = [ord(letter) for letter in word]
    before = earlier = np.repeat(np.arange(width + 1, dtype=np.uint8)[:, None], len(words), axis=1)  # (width + 1, n)
    for i, code in enumerate(codes):
        row = np.empty_like(before)
        row[0] = i + 1
        for j in range(width):
            row[j + 1] = np.minimum(np.minimum(before[j + 1], row[j]) + 1, before[j] + (letters[j] != code))
            if i and j:
                swapped = (letters[j] == codes[i - 1]) & (letters[j - 1] == code)
                row[j + 1] = np.where(swapped, np.minimum(row[j + 1], earlier[j - 1] + 1), row[j + 1])
        earlier, before = before, row
    lengths = np.array([len(other) for other in words])
    whole = before[np.minimum(lengths, width), np.arange(len(words))].astype(np.int64)
    return np.where(lengths <= width, whole, len(word)), before.min(axis=0).astype(np.int64)
