"""Collections as a stranger may pass them on: a file is changed, and the manifest says that it is the right one."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from manifests import manifest_of, record_file
from safetensors.numpy import load, save

VALUES: tuple[Any, ...] = (
    None,
    -1,
    0,
    7,
    10**30,
    1.5,
    float("nan"),
    True,
    "",
    "other",
    "../../other",
    "\ud800",
    [],
    {},
)
"""What is put in place of each value of `artsim.json`."""


@dataclass(frozen=True)
class Mutation:
    """A change of a collection's folder, after which all hashes are right."""

    name: str
    apply: Callable[[Path], None]

    def __str__(self) -> str:
        return self.name


def mutations(folder: Path, seed: int = 0, flips: int = 12) -> Iterator[Mutation]:
    """All changes of the collection in `folder`; `flips`: how many runs of random bytes are tried in each file."""
    for where in _places(manifest_of(folder)):
        for value in VALUES:
            yield Mutation(f"artsim.json {where} = {value!r}", partial(_set, where=where, value=value))
        yield Mutation(f"artsim.json without {where}", partial(_set, where=where, value=_set))
    names = [name for name in manifest_of(folder)["files"] if name != "README.md"]
    for name in names:
        for what, change in _contents(folder / name, np.random.default_rng(seed), flips):
            yield Mutation(f"{name} {what}", partial(_write, name=name, change=change))
        for what, change in _OF_KIND.get(Path(name).suffix, _nothing)(folder / name):
            yield Mutation(f"{name} {what}", partial(_write, name=name, change=change))
    for one in names:
        for other in names:
            if one != other:
                yield Mutation(f"{one} is {other}", partial(_exchange, name=one, other=other))


def _set(folder: Path, *, where: tuple[Any, ...], value: Any) -> None:
    """Put `value` in one place of the manifest; `_set` itself means to remove what is there."""
    manifest = manifest_of(folder)
    within: Any = manifest
    for step in where[:-1]:
        within = within[step]
    if value is _set:
        del within[where[-1]]
    else:
        within[where[-1]] = value
    (folder / "artsim.json").write_text(json.dumps(manifest), encoding="utf-8")


def _write(folder: Path, *, name: str, change: Callable[[bytes], bytes]) -> None:
    path = folder / name
    path.write_bytes(change(path.read_bytes()))
    record_file(folder, name)


def _exchange(folder: Path, *, name: str, other: str) -> None:
    (folder / name).write_bytes((folder / other).read_bytes())
    record_file(folder, name)


def _places(value: Any, where: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value in a JSON document but the hashes of files."""
    if where and where[-1] != "sha256":
        yield where
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for number, (key, item) in enumerate(items):
        if where[:1] != ("files",) or number < 1:
            yield from _places(item, (*where, key))


def _contents(path: Path, rng: np.random.Generator, flips: int) -> Iterator[tuple[str, Callable[[bytes], bytes]]]:
    """Changes of the bytes of any file."""
    size = path.stat().st_size
    yield "is empty", lambda _: b""
    yield "is text", lambda _: b"no such thing" * 40
    for stop in (4, size // 2, size - 1):
        yield f"is cut at {stop}", lambda data, stop=stop: data[:stop]
    yield "is longer", lambda data: data + bytes(64)
    for number in range(flips):
        near_an_end = number % 3
        span = min(size, 400)
        start = int(rng.integers(size) if near_an_end == 0 else rng.integers(span) + (near_an_end - 1) * (size - span))
        fill = rng.bytes(int(rng.integers(1, 9)))
        yield (
            f"has {fill.hex()} at {start}",
            lambda data, start=start, fill=fill: data[:start] + fill + data[start + len(fill) :],
        )


# --- Parquet ------------------------------------------------------------------------------------------------------------

Change = tuple[str, Callable[[bytes], bytes]]


def _tables(path: Path) -> Iterator[Change]:
    """Parquet files with other columns, rows and features."""
    table = pq.read_table(path, partitioning=None)
    rows = len(table)
    for name in table.column_names:
        yield f"without {name}", _as_parquet(lambda t, name=name: t.drop_columns([name]))
        for what, values in _odd_columns(rows).items():
            yield f"{name} holds {what}", _as_parquet(partial(_with_column, name=name, values=values))
    yield "has fewer rows", _as_parquet(lambda t: t.slice(0, rows - 1))
    yield "has more rows", _as_parquet(lambda t: pa.concat_tables([t, t]))
    yield "has no rows", _as_parquet(lambda t: t.slice(0, 0))
    yield "has a column twice", _as_parquet(lambda t: t.append_column("id", t.column("id")))
    for what, values in _odd_columns(rows).items():
        yield f"has more: {what}", _as_parquet(partial(_with_column, name="more", values=values))
    for feature in ('{"_type": "Image"}', '{"_type": "Nothing"}', "[]", "1", '{"dtype": "int8", "_type": "Value"}'):
        said = json.dumps({"info": {"features": {name: json.loads(feature) for name in table.column_names}}})
        yield f"has features {feature}", _as_parquet(lambda t, s=said: t.replace_schema_metadata({"huggingface": s}))
    for said in ("{", "[]", '{"info": 1}', '{"info": {"features": []}}'):
        yield f"has features {said}", _as_parquet(lambda t, s=said: t.replace_schema_metadata({"huggingface": s}))


def _odd_columns(rows: int) -> dict[str, pa.Array]:
    return {
        "nothing": pa.nulls(rows),
        "the same text": pa.array(["same"] * rows),
        "no text": pa.array([""] * rows),
        "null texts": pa.array([None] * rows, pa.string()),
        "numbers": pa.array(range(rows)),
        "huge numbers": pa.array([2**63 - 1 - row for row in range(rows)]),
        "nan": pa.array([float("nan")] * rows),
        "inf": pa.array([float("inf"), *[1e308] * (rows - 1)]),
        "truth": pa.array([True] * rows),
        "bytes": pa.array([b"\xff"] * rows),
        "broken text": pa.Array.from_buffers(pa.string(), rows, pa.array([b"\xff"] * rows).buffers()),
        "lists": pa.array([["a", None]] * rows),
        "lists of lists": pa.array([[["a"]]] * rows),
        "records": pa.array([{"a": 1}] * rows),
        "dates": pa.array(range(rows), pa.date32()),
        "times": pa.array([2**62] * rows, pa.timestamp("us")),
        "decimals": pa.array([1] * rows).cast(pa.decimal128(38, 2)),
        "spans": pa.array(range(rows), pa.duration("us")),
        "a dictionary": pa.array(["a"] * rows).dictionary_encode(),
    }


def _with_column(table: pa.Table, *, name: str, values: pa.Array) -> pa.Table:
    if name in table.column_names:
        return table.set_column(table.column_names.index(name), name, values)
    return table.append_column(name, values)


def _as_parquet(change: Callable[[pa.Table], pa.Table]) -> Callable[[bytes], bytes]:
    def changed(data: bytes) -> bytes:
        out = pa.BufferOutputStream()
        table = change(pq.read_table(pa.BufferReader(data)))
        if table.schema.metadata and len(table.schema.metadata.get(b"huggingface", b"")) > 300:
            table = table.replace_schema_metadata(None)  # features of other columns
        pq.write_table(table, out)
        return out.getvalue().to_pybytes()

    return changed


# --- Vectors and tensors ------------------------------------------------------------------------------------------------


def _vectors(path: Path) -> Iterator[Change]:
    """Arrow files with other columns, rows and numbers."""
    with pa.ipc.open_file(str(path)) as reader:
        table = reader.read_all()
    for name in table.column_names:
        yield f"without {name}", _as_arrow(lambda t, name=name: t.drop_columns([name]))
        for what in ("nan", "inf", "huge", "float64", "shorter", "lists"):
            yield f"{name}: {what}", _as_arrow(partial(_with_vectors, name=name, what=what))
    yield "has fewer rows", _as_arrow(lambda t: t.slice(0, len(table) - 1))
    yield "has more rows", _as_arrow(lambda t: pa.concat_tables([t, t]))


def _with_vectors(table: pa.Table, *, name: str, what: str) -> pa.Table:
    kind = table.schema.field(name).type
    numbers = table.column(name).combine_chunks().flatten().to_numpy(zero_copy_only=False).copy()
    if what in ("nan", "inf", "huge") and numbers.dtype != np.uint8:
        numbers[3] = {"nan": np.nan, "inf": np.inf, "huge": np.finfo(numbers.dtype).max}[what]
    if what == "float64":
        numbers = numbers.astype(np.float64)
    length = kind.list_size if what != "shorter" else 1
    numbers = numbers if what != "shorter" else numbers[: len(table)]
    column: pa.Array = pa.FixedSizeListArray.from_arrays(pa.array(numbers), length)
    if what == "lists":
        column = column.cast(pa.list_(kind.value_type))
    return table.set_column(table.column_names.index(name), name, column)


def _as_arrow(change: Callable[[pa.Table], pa.Table]) -> Callable[[bytes], bytes]:
    def changed(data: bytes) -> bytes:
        out = pa.BufferOutputStream()
        table = change(pa.ipc.open_file(pa.BufferReader(data)).read_all())
        with pa.ipc.new_file(out, table.schema) as writer:
            writer.write_table(table.combine_chunks())
        return out.getvalue().to_pybytes()

    return changed


def _tensors(path: Path) -> Iterator[Change]:
    """Safetensors files with other tensors, and another header."""
    for name, tensor in load(path.read_bytes()).items():
        yield f"without {name}", _as_tensors(lambda t, name=name: {k: v for k, v in t.items() if k != name})
        odd = {
            "nan": np.where(np.arange(tensor.size) == 3, np.nan, tensor.reshape(-1)).reshape(tensor.shape),
            "all nan": np.full(tensor.shape, np.nan),
            "inf": np.full(tensor.shape, np.inf),
            "huge": np.full(tensor.shape, 3e38),
            "negative": -1 - np.abs(tensor.astype(np.float32)),
            "1e9": np.full(tensor.shape, 1e9),
            "empty": tensor[:0],
            "a number": np.zeros((), np.float32),
            "shorter": tensor[:-1],
            "flat": tensor.reshape(-1),
            "deeper": tensor[None],
            "turned": tensor.T,
        }
        for what, value in odd.items():
            kind = np.float32 if tensor.dtype == np.float32 else tensor.dtype
            with np.errstate(invalid="ignore"):
                value = np.ascontiguousarray(value).astype(kind)
            yield f"{name}: {what}", _as_tensors(lambda t, name=name, value=value: {**t, name: value})
        yield f"{name}: float64", _as_tensors(lambda t, name=name: {**t, name: t[name].astype(np.float64)})
    for key, said in _header_of(path).items():
        yield f"says no {key}", _as_tensors(lambda t: t, lambda h, key=key: {k: v for k, v in h.items() if k != key})
        for value in ("", "other", "-1", "1e99", "[]", "{}", "null", '{"name": 1, "roots": {}, "fitted": 1}'):
            yield f"says {key} {value}", _as_tensors(lambda t: t, lambda h, k=key, v=value: {**h, k: v})
        if said.startswith("{"):
            for where in _places(json.loads(said)):
                for value in VALUES:
                    change = partial(_with_said, key=key, where=where, value=value)
                    yield f"says {key} {where} {value!r}", _as_tensors(lambda t: t, change)


def _with_said(header: dict[str, str], *, key: str, where: tuple[Any, ...], value: Any) -> dict[str, str]:
    said = json.loads(header[key])
    within = said
    for step in where[:-1]:
        within = within[step]
    within[where[-1]] = value
    return {**header, key: json.dumps(said)}


def _header_of(source: Path | bytes) -> dict[str, str]:
    data = source if isinstance(source, bytes) else source.read_bytes()
    return json.loads(data[8 : 8 + struct.unpack("<Q", data[:8])[0]]).get("__metadata__") or {}


def _as_tensors(
    change: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]],
    head: Callable[[dict[str, str]], dict[str, str]] = lambda header: header,
) -> Callable[[bytes], bytes]:
    return lambda data: save(change(load(data)), metadata=head(_header_of(data)))


def _indexes(path: Path) -> Iterator[Change]:
    """FAISS files with other numbers in the header, one after the other, and of other kinds."""
    import faiss

    size = path.stat().st_size
    for start in (*range(0, 128, 4), *range(max(128, size - 64), size - 8, 4)):
        for number in (-1, 0, 1, 2**30):
            yield (
                f"has {number} at {start}",
                lambda data, s=start, n=number: data[:s] + struct.pack("<i", n) + data[s + 4 :],
            )
    index = faiss.read_index(str(path))
    rows = np.ones((index.ntotal, index.d), np.float32)
    for kind in (f"PQ{index.d // 4}x4", "Flat", f"PQ{index.d // 8}x4fs", f"PQ{index.d // 4}x4fs"):
        other = faiss.index_factory(index.d, kind, faiss.METRIC_INNER_PRODUCT)
        other.train(rows)
        other.add(rows)
        yield f"is of kind {kind}", lambda _, other=other: faiss.serialize_index(other).tobytes()


def _nothing(path: Path) -> Iterator[Change]:
    return iter(())


_OF_KIND: dict[str, Callable[[Path], Iterator[Change]]] = {
    ".parquet": _tables,
    ".arrow": _vectors,
    ".safetensors": _tensors,
    ".faiss": _indexes,
}
