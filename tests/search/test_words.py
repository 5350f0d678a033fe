"""Words are compared without case, accents and punctuation, and by the typing errors between them."""

import pytest

from artsim.search.words import Vocabulary, fold, phrase_of, terms_of


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("DÜRER", "durer"),
        ("Du\u0308rer", "durer"),
        ("Łódź, Øresund; Œuvre", "lodz oresund oeuvre"),
        ("ß", "ss"),
        ("ΟΔΥΣΣΕΥΣ", "οδυσσευς"),
        ("Ёлка", "елка"),
        ("ﻣﺤﻤﻮﺩ", "محمود"),
        ("Ｖａｎ", "van"),
        ("ｶﾞ", "ガ"),
        ("가", "가"),
        ("İstanbul", "istanbul"),
    ],
)
def test_spellings_of_a_word_are_one(one: str, other: str) -> None:
    assert phrase_of(one) == phrase_of(other)


def test_other_letters_stay_other_letters_and_each_chinese_character_is_a_word() -> None:
    assert phrase_of("が") != phrase_of("か")
    assert phrase_of("神奈川ok") == "神 奈 川 ok"
    assert fold("O'Keeffe") == "o'keeffe" and terms_of("O'Keeffe  O'KEEFFE ... x") == ["o keeffe", "x"]
    assert len(terms_of(" ".join(map(str, range(99))))) == 16 and terms_of("x" * 9999) == ["x" * 64]


def test_the_nearest_words_stand_for_a_mistyped_one_if_they_are_far_more_frequent() -> None:
    words = {
        "vermeer": 30,
        "vermes": 1,
        "verse": 9,
        "durer": 5,
        "querer": 9,
        "monet": 2,
        "manet": 39,
        "hokusai": 3,
        "1889": 9,
    }
    vocabulary = Vocabulary(list(words), list(words.values()))
    expected = {
        "vermer": ["vermeer", "vermes"], "vemreer": ["vermeer"], "duerer": ["durer"], "monet": [], "1888": [], "mnt": [],
        "hokusia": ["hokusai"], "hokisa": ["hokusai"], "hoxusa": ["hokusai"], "zzzzzzzz": [], "vermeerts": ["vermeer"],
    }  # fmt: skip
    assert {word: vocabulary.near(word) for word in expected} == expected
    assert Vocabulary(["monet", "manet"], [2, 41]).near("monet") == ["manet"]
    assert Vocabulary([], []).near("monet") == []
