"""The columns of a Hub dataset: which one holds the pictures, which are kept as metadata, and as what.

Datasets declare their columns as `datasets` features, or not at all: pictures also come as bytes, as a struct of bytes and
path, as a list of several pictures of a work, or as addresses. The fields of other structs, such as the `json` of a WebDataset,
are columns too, named as `datasets` flattens them: `json.height`; but `json.title` is the title, if no column is.
"""

from __future__ import annotations

import datetime
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from artsim.columns import COLUMNS, column_of, standard_names
from artsim.errors import SourceError
from artsim.images.formats import EXTENSIONS, format_of
from artsim.web.http import is_address

Row = Mapping[str, Any]
_DATES = ("timestamp", "date", "time")
_OF_TARS = "__url__"  # `datasets` adds the path of a TAR to each of its rows
_NOT_OF_FIELDS = ("id", "image", "image_url", "sha256")  # columns that are about the picture file or artsim's own
_ORDER = ("picture", "pictures", "bytes", "address")
"""The kinds of columns with pictures, the surest first."""


@dataclass(frozen=True)
class Columns:
    """How the columns of a dataset are used."""

    image: str
    """The column of the pictures."""
    kind: str
    """What it holds, one of `_ORDER`."""
    other_images: tuple[str, ...]
    kept: Mapping[str, str]
    """Metadata columns -> their names in the collection."""
    left_out: tuple[str, ...]
    features: Mapping[str, Any]
    """The dataset's own features, of all columns and fields."""
    fields: Mapping[str, tuple[str, str]]
    """Which of them are fields of a struct: their columns and names there."""

    def metadata_features(self) -> dict[str, Any]:
        """The features of the metadata columns, by their names in the collection."""
        return {new: kept_feature(self.features[old]) for old, new in self.kept.items()}

    def metadata(self, row: Row) -> dict[str, Any]:
        """The metadata of a row. Labels become words."""
        return {new: plain_value(self._value(row, old), self.features[old]) for old, new in self.kept.items()}

    def _value(self, row: Row, name: str) -> Any:
        if name not in self.fields:
            return row.get(name)
        column, field = self.fields[name]
        return (row.get(column) or {}).get(field)

    def notes(self) -> Iterator[str]:
        """How the columns are used, as sentences."""
        said = {"pictures": ", the first of each work's", "address": ", fetched from the addresses in it"}
        others = f" --image-column takes another: {', '.join(self.other_images)}." if self.other_images else ""
        yield f"Pictures: column {self.image}{said.get(self.kind, '')}.{others}"
        if self.kept:
            yield f"Columns: {', '.join(_described(old, new, self.features[old]) for old, new in self.kept.items())}."
        if self.left_out:
            words = ", ".join(f"{name} ({_type_name(self.features[name])})" for name in self.left_out)
            yield f"Left out, as artsim keeps texts, numbers and lists of them: {words}."


def use_columns(
    features: Mapping[str, Any], sample: Iterable[Row], *, repo: str, wanted: str | None, fetches: bool
) -> Columns:
    """Decide how the columns of `repo` are used, from their features and, where these do not tell, from a `sample` of rows.

    Raises `SourceError` if `wanted` or every column holds no pictures, or only addresses, and these are not fetched.
    """
    kinds = {name: kind for name, feature in features.items() if (kind := _declared_kind(feature))}
    if (wanted or "") not in kinds and (wanted or not kinds):
        kinds |= _sampled_kinds(features, list(sample))
    image = _choose(kinds, features, repo=repo, wanted=wanted)
    if kinds[image] == "address" and not fetches:
        raise SourceError(
            f"The column {image} of {repo} holds addresses of pictures on other servers. --fetch-images fetches them from there."
        )
    fields = _fields(features, without=kinds)
    features = {**features, **{name: features[column][field] for name, (column, field) in fields.items()}}
    names = [name for name, feature in features.items() if kept_feature(feature) is not None and name != _OF_TARS]
    if kinds[image] != "address":
        names = [name for name in names if name != image]
    kept = _new_names(names, fields, address=image if kinds[image] == "address" else None)
    structs = {column for column, _ in fields.values()}
    return Columns(
        image=image,
        kind=kinds[image],
        other_images=tuple(name for name in kinds if name != image),
        kept=kept,
        left_out=tuple(name for name in features if name not in (*kept, *kinds, *structs, _OF_TARS)),
        features=features,
        fields=fields,
    )


def first_picture(value: Any) -> tuple[bytes | None, str | None]:
    """The bytes or the path or address of a row's picture, of the first one in a list; None and None if there is none."""
    if isinstance(value, list):
        return next((found for item in value if any(found := first_picture(item))), (None, None))
    if isinstance(value, dict):
        data, path = value.get("bytes"), value.get("path")
        return (data, None) if isinstance(data, bytes) and data else (None, path if isinstance(path, str) else None)
    if isinstance(value, bytes):
        return value or None, None
    return None, value.strip() if isinstance(value, str) and value.strip() else None


def kept_feature(feature: Any) -> Any | None:
    """The feature in the collection of a column that is kept: texts, numbers, and lists of variable length of them."""
    from datasets import ClassLabel, List, Value

    if isinstance(feature, ClassLabel):
        return Value("string")
    if isinstance(feature, Value):
        if feature.dtype in ("binary", "large_binary") or feature.dtype.startswith("duration"):
            return None
        text = feature.dtype in ("large_string", "null") or feature.dtype.startswith((*_DATES, "decimal"))
        return Value("string") if text else feature
    if isinstance(feature, List) and feature.length == -1 and not isinstance(feature.feature, List):
        inner = kept_feature(feature.feature)
        return None if inner is None else List(inner)
    return None


def plain_value(value: Any, feature: Any) -> Any:
    """Labels as words, dates and decimals as text; None for -1, which marks a missing label."""
    from datasets import ClassLabel, List

    if value is None:
        return None
    if isinstance(feature, ClassLabel):
        if not isinstance(value, int):
            return str(value)
        return None if value < 0 else feature.names[value] if value < feature.num_classes else str(value)
    if isinstance(feature, List):
        return [plain_value(item, feature.feature) for item in value]
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    return value if isinstance(value, str | int | float) else str(value)


def _fields(features: Mapping[str, Any], *, without: Container[str]) -> dict[str, tuple[str, str]]:
    """The fields of structs that are not among the columns `without`, by the names that they have as columns."""
    return {
        f"{column}.{field}": (column, field)
        for column, feature in features.items()
        if isinstance(feature, dict) and column not in without
        for field in feature
        if f"{column}.{field}" not in features
    }


def _new_names(names: Sequence[str], fields: Mapping[str, tuple[str, str]], *, address: str | None) -> dict[str, str]:
    """The names in the collection. A field that artsim knows by its own name has that, unless a column has it.

    `address`: the column of the addresses of pictures.
    """
    columns = [name for name in names if name not in fields]
    plain = ["image_url" if name == address and "image_url" not in columns else name for name in columns]
    new = dict(zip(columns, map(_own_name, standard_names(plain)), strict=True))
    inner = [name for name in names if name in fields]
    for name, known in zip(inner, standard_names(fields[name][1] for name in inner), strict=True):
        is_free = known in COLUMNS and known not in (*_NOT_OF_FIELDS, *new.values())
        new[name] = known if is_free else name
    return {name: new[name] for name in names}


def _declared_kind(feature: Any) -> str | None:
    """What a column with pictures holds, as far as its feature tells."""
    from datasets import Image, List

    if isinstance(feature, Image):
        return "picture"
    if isinstance(feature, List):
        return "pictures" if _declared_kind(feature.feature) in ("picture", "bytes") else None
    if isinstance(feature, dict) and "bytes" in feature:
        return "bytes" if getattr(feature["bytes"], "dtype", "") in ("binary", "large_binary") else None
    return None


def _sampled_kinds(features: Mapping[str, Any], sample: list[Row]) -> dict[str, str]:
    """The columns of bytes and of texts whose first value is a picture or its address, with their kinds."""
    kinds = {}
    for name in features:
        data, text = next((found for row in sample if any(found := first_picture(row.get(name)))), (None, None))
        if data and format_of(data):
            kinds[name] = "pictures" if any(isinstance(row.get(name), list) for row in sample) else "bytes"
        elif text and is_address(text) and _may_be_a_picture(name, text):
            kinds[name] = "address"
    return kinds


def _may_be_a_picture(name: str, address: str) -> bool:
    """Whether the column or the address says that it is of a picture; the page of a work is none."""
    ends = urlsplit(address).path.lower().endswith(tuple(EXTENSIONS))
    return ends or any(word in name.lower() for word in ("image", "img", "picture", "photo", "thumb", "iiif"))


def _choose(kinds: Mapping[str, str], features: Mapping[str, Any], *, repo: str, wanted: str | None) -> str:
    """The column `wanted`; or the one called image among the surest kind, or the first of that kind."""
    if wanted and wanted not in features:
        raise SourceError(f"{repo} has no column {wanted}; its columns are {', '.join(features)}.")
    if wanted and wanted not in kinds:
        known = f"; those with pictures are {', '.join(kinds)}" if kinds else ""
        raise SourceError(f"The column {wanted} of {repo} holds no pictures{known}.")
    if not kinds:
        raise SourceError(f"{repo} has no image column; its columns are {', '.join(features)}.")
    surest = min(kinds.values(), key=_ORDER.index)
    best = [name for name, kind in kinds.items() if kind == surest]
    return wanted or ("image" if "image" in best else best[0])


def _own_name(name: str) -> str:
    """The id of a work is its row number, which is unique; the dataset's own `id` is kept as `source_id`."""
    return "source_id" if name == "id" else name


def _described(old: str, new: str, feature: Any) -> str:
    renamed = f" as {new}" if new != old else ""
    role = column_of(new).label
    words = [_type_name(feature), *([f"shown as the {role}"] if role else [])]
    return f"{old}{renamed} ({', '.join(words)})"


def _type_name(feature: Any) -> str:
    """The type of a column in words."""
    from datasets import ClassLabel, List, Value

    if isinstance(feature, ClassLabel):
        return f"words for {feature.num_classes} labels"
    if isinstance(feature, List):
        length = "" if feature.length == -1 else f"{feature.length} "
        return f"list of {length}{_type_name(feature.feature)}"
    if isinstance(feature, dict):
        return f"fields {', '.join(feature)}"
    if not isinstance(feature, Value):
        return type(feature).__name__.lower()
    kinds = {"string": "text", "large_string": "text", "bool": "yes or no", "binary": "bytes", "large_binary": "bytes"}
    number = feature.dtype.startswith(("int", "uint", "float"))
    return kinds.get(feature.dtype, "number" if number else feature.dtype)
