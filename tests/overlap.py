"""How well a region that was found lies on the true one."""

from artsim.encoders.region_vectors import Region


def intersection_over_union(first: Region, second: Region) -> float:
    """In [0, 1]: common area of two regions, divided by the area of both together."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    intersection = max(0.0, width) * max(0.0, height)
    areas = sum((right - left) * (bottom - top) for left, top, right, bottom in (first, second))
    return intersection / (areas - intersection)
