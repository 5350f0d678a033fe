"""What searches keep for one another."""

from artsim.snapshot.memo import Memo


def test_the_least_recently_used_are_forgotten_and_what_lasts_never() -> None:
    memo, computed = Memo(), []

    def ask(key: int, *, lasting: bool = False) -> None:
        memo.kept(key, lambda: computed.append(key) or key, lasting=lasting)

    ask(-1, lasting=True)
    for key in range(200):
        ask(key)
        ask(0)
        ask(-1, lasting=True)
    assert computed == [-1, *range(200)]
    ask(1)
    assert computed[-1] == 1, "it was forgotten"
