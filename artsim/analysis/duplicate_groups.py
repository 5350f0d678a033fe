"""Groups around their best picture: each member shows the work of the best one, so no chain of likenesses joins two works."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from artsim.analysis.same_work import Relation, SameWork

Compare = Callable[[int, int], SameWork | None]
_SAME: frozenset[Relation] = frozenset({"same file", "same pixels", "same picture"})


@dataclass(frozen=True)
class Group:
    """`best`: the number of a picture, `members`: of the others, each with what it is to the best one."""

    best: int
    members: Mapping[int, SameWork]


def group_pictures(found: Mapping[tuple[int, int], SameWork], areas: Sequence[int], compare: Compare) -> list[Group]:
    """Groups of pictures, from pairs first < second that show one work.

    The best picture of a group is the largest of those that show the whole work, without a wall or a frame; the first, if
    they are equally large. A member shows one work with the best picture, or with another member that is the same picture as
    the best one. What remains of connected pictures makes groups of its own. `compare` compares pairs that are not in `found`;
    `areas`: pixels of each picture.
    """
    known: dict[tuple[int, int], SameWork | None] = dict(found)
    groups: list[Group] = []
    waiting = _connected(found, set().union(*found) if found else set())
    while waiting:
        pictures = waiting.pop()
        group = _star(pictures, known, areas, compare)
        if group.members:
            groups.append(group)
        left = pictures - {group.best, *group.members}
        waiting += _connected(found, left)
    return sorted(groups, key=lambda group: min(group.best, *group.members))


def _star(
    pictures: set[int], known: dict[tuple[int, int], SameWork | None], areas: Sequence[int], compare: Compare
) -> Group:
    best = _best(pictures, known, areas)
    members: dict[int, SameWork] = {}
    for picture in sorted(pictures - {best}):
        pair = min(best, picture), max(best, picture)
        if pair not in known:
            known[pair] = compare(*pair)
        if (likeness := known[pair]) is not None:
            members[picture] = likeness
    same = [picture for picture, likeness in members.items() if likeness.relation in _SAME]
    for picture in sorted(pictures - {best, *members}):
        links = [known.get((min(copy, picture), max(copy, picture))) for copy in same]
        found = [link for link in links if link is not None]
        if found:
            members[picture] = max(found, key=lambda link: link.places or 0)
    return Group(best, members)


def _best(pictures: set[int], known: Mapping[tuple[int, int], SameWork | None], areas: Sequence[int]) -> int:
    worse = set()
    for pair, likeness in known.items():
        if likeness is not None and likeness.worse is not None and pictures.issuperset(pair):
            worse.add(pair[0] if likeness.worse == "first" else pair[1])
    return min(pictures - worse or pictures, key=lambda picture: (-areas[picture], picture))


def _connected(found: Mapping[tuple[int, int], SameWork], pictures: set[int]) -> list[set[int]]:
    """The connected components of more than one picture, among `pictures`."""
    neighbours: dict[int, set[int]] = {picture: set() for picture in pictures}
    for first, second in found:
        if first in pictures and second in pictures:
            neighbours[first].add(second)
            neighbours[second].add(first)
    components = []
    while neighbours:
        start, around = neighbours.popitem()
        component = {start}
        while around:
            picture = around.pop()
            component.add(picture)
            around |= neighbours.pop(picture, set()) - component
        if len(component) > 1:
            components.append(component)
    return components
