"""A Milvus collection that a space is searched in: its vectors, and the metadata that searches are filtered by.

Each entity points to a place in the vector columns, which stay in the collection's own files. An entity never changes: what
is added or edited later gets entities of its own, so states that were opened before find all that they know. An entity of
another state leads to a vector that is compared again, or to none, and does no harm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from artsim.errors import CollectionError
from artsim.index.milvus_server import LONG_S, MilvusServer

VERSION = 1
"""Of what is kept in Milvus, and how."""
MOST_HITS = 16_384
"""Milvus returns no more."""
MOST_FIELDS = 60
MOST_BYTES, MOST_ITEMS = 65_535, 4_096
"""Bytes of a text, and items of a list, at most."""
ENTITY, VECTOR = "entity_id", "vector"
_MARK = "artsim.version"
_PLACES = 1 << 40  # an entity is its edition * _PLACES + the place of its vector
_BATCH_BYTES = 8_000_000
_QUERIES = 16  # at once

ScalarType = Literal["text", "whole number", "number", "yes or no"]


@dataclass(frozen=True)
class ScalarField:
    """A field of metadata; `many`: it holds lists."""

    name: str
    type: ScalarType
    many: bool = False


@dataclass(frozen=True)
class Entities:
    """`places` (n,) of `vectors` (n, dimension) float32, and n values of each field."""

    places: np.ndarray
    vectors: np.ndarray
    scalars: Mapping[str, Sequence[Any]]


@dataclass(frozen=True)
class MilvusCollection:
    """The Milvus collection `name` on a server, with vectors of `dimension` numbers, compared by inner product."""

    server: MilvusServer
    name: str
    dimension: int

    def create(self, fields: Sequence[ScalarField], rows: int) -> None:
        """Make it for `rows` entities at first, unless it is there. `CollectionError` if what is there is something else."""
        if self.exists():
            self.check(0)
            return
        from pymilvus import DataType, MilvusClient

        types = {
            "text": DataType.VARCHAR,
            "whole number": DataType.INT64,
            "number": DataType.DOUBLE,
            "yes or no": DataType.BOOL,
        }
        schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False, description=f"{_MARK}={VERSION}")
        schema.add_field(ENTITY, DataType.INT64, is_primary=True)
        schema.add_field(VECTOR, DataType.FLOAT_VECTOR, dim=self.dimension)
        for field in fields:
            options: dict[str, Any] = {"max_length": MOST_BYTES} if field.type == "text" else {}
            if field.many:
                options |= {"element_type": types[field.type], "max_capacity": MOST_ITEMS}
            kind = DataType.ARRAY if field.many else types[field.type]
            schema.add_field(field.name, kind, nullable=True, **options)
        index = MilvusClient.prepare_index_params()
        index.add_index(VECTOR, index_type="FLAT", metric_type="IP")
        self.server.call(
            "create_collection",
            self.name,
            schema=schema,
            index_params=index,
            properties={_MARK: str(VERSION), "artsim.rows": str(rows)},
            consistency_level="Session",
        )

    def exists(self) -> bool:
        return bool(self.server.call("has_collection", self.name))

    def open(self, entities: int) -> None:
        """Check it, and make it ready for searches. `CollectionError` unless it is ours and has `entities` entities."""
        if not self.exists():
            raise CollectionError(
                f"There is no Milvus collection {self.name} at {self.server.uri}. Fill it again, from the collection's own "
                "files: repeat artsim build with the same arguments."
            )
        self.check(entities)
        self.server.call("load_collection", self.name, timeout=LONG_S)

    def check(self, entities: int) -> None:
        """`CollectionError` unless it is one of this version, with vectors of this dimension, and has `entities` at least."""
        found = self._described()
        version = found["version"]
        place = f"The Milvus collection {self.name} at {self.server.uri}"
        if version is None:
            raise CollectionError(
                f"{place} was not made by artsim, so it is left alone. Rename it, or use another database."
            )
        if version != str(VERSION):
            raise CollectionError(
                f"{place} is version {version}; this artsim reads {VERSION}. Update artsim, or repeat artsim build."
            )
        if found["dimension"] != self.dimension:
            raise CollectionError(
                f"{place} has vectors of {found['dimension']} numbers; those of this collection have {self.dimension}. "
                "Repeat artsim build with the same arguments."
            )
        if entities and (count := self.count()) < entities:
            raise CollectionError(
                f"{place} has {count:,} entities of {entities:,}. Fill it again, from the collection's own files: repeat "
                "artsim build with the same arguments."
            )

    def is_partial(self) -> bool:
        """Whether it is the rest of a load that ended too early."""
        rows = self._described()["rows"]
        return rows is not None and self.count() < int(rows)

    def _described(self) -> dict[str, Any]:
        found = self.server.call("describe_collection", self.name)
        properties = dict(found.get("properties") or {})
        name, _, version = str(found.get("description", "")).partition("=")
        fields = {field["name"]: field for field in found["fields"]}
        return {
            "version": properties.get(_MARK, version if name == _MARK else None),
            "rows": properties.get("artsim.rows"),
            "dimension": int(fields.get(VECTOR, {}).get("params", {}).get("dim", 0)),
        }

    def count(self) -> int:
        """The number of its entities."""
        found = self.server.call(
            "query", self.name, filter="", output_fields=["count(*)"], consistency_level="Strong", timeout=LONG_S
        )
        return int(found[0]["count(*)"])

    def write(self, entities: Entities, edition: int = 0) -> None:
        """Write entities; writing them again changes nothing. `edition` tells later ones of a place from earlier ones."""
        rows: list[dict[str, Any]] = [
            {ENTITY: edition * _PLACES + place, VECTOR: vector}
            for place, vector in zip(entities.places.tolist(), entities.vectors, strict=True)
        ]
        for name, values in entities.scalars.items():
            for row, value in zip(rows, values, strict=True):
                row[name] = value
        self.server.call("upsert", self.name, rows, timeout=LONG_S)

    @property
    def batch(self) -> int:
        """How many entities are better written at once."""
        return max(1, _BATCH_BYTES // (4 * self.dimension + 1_000))

    def flush(self) -> None:
        """Make what was written last durable, and indexed."""
        self.server.call("flush", self.name, timeout=LONG_S)

    def nearest(self, queries: np.ndarray, limit: int, expression: str) -> list[tuple[np.ndarray, np.ndarray]]:
        """For each query (q, dimension), the places of the `limit` entities with the highest inner products, and these.

        A place is there twice if two entities point to it. `expression` restricts the entities; "" is all.
        """
        found: list[tuple[np.ndarray, np.ndarray]] = []
        for start in range(0, len(queries), _QUERIES):
            answers = self.server.call(
                "search",
                self.name,
                [query.astype(np.float32) for query in queries[start : start + _QUERIES]],
                anns_field=VECTOR,
                filter=expression,
                limit=limit,
                search_params={"metric_type": "IP"},
            )
            for hits in answers:
                entities = np.array([hit[ENTITY] for hit in hits], np.int64)
                found.append((entities % _PLACES, np.array([hit["distance"] for hit in hits], np.float32)))
        return found

    def drop(self) -> None:
        """Remove it, if it is there."""
        self.server.call("drop_collection", self.name)


def names_at(server: MilvusServer, prefix: str) -> list[str]:
    """The Milvus collections whose names begin with `prefix`."""
    return [name for name in server.call("list_collections") if name.startswith(prefix)]
