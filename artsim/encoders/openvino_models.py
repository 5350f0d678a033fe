"""Models of transformers in OpenVINO, on the CPU: converted once, in a process of its own, and cached.

The cache is the folder `openvino` of artsim's: for each revision of a model one folder, which names the versions of OpenVINO,
transformers and the conversion in its name. It holds OpenVINO's files and `model.json`; nothing in it is code or pickle.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
from filelock import FileLock
from pydantic import BaseModel

from artsim.encoders.agreement import Agreement, read_agreement, write_agreement
from artsim.encoders.hidden_states import ImageStates, NetworkFacts
from artsim.encoders.model_inputs import PictureNumbers, TextNumbers, Tokenizer
from artsim.encoders.protocol import PRECISIONS, Precision, reason_of
from artsim.encoders.runtime import import_openvino, usable_cores
from artsim.errors import CollectionError, EncoderError
from artsim.files.atomic import clear_leftovers, make_folders, remove_tree, replacing_folder
from artsim.files.cache import cache_folder

RECIPE = 1
"""Raise it with every change of what `openvino_conversion` writes."""
MODEL_FILE, ERROR_FILE = "model.json", "error.json"
Part = Literal["images", "texts"]

_ROOT = Path(__file__).resolve().parents[2]  # where the package artsim is
_SECONDS = 1800.0  # after which a conversion has failed
_LONGEST_RECORD = 100_000  # bytes
_SETTINGS = (".json", ".txt", ".model")  # of the network, the processor and the tokenizer
_BATCH = 4  # pictures of one call, of which one runs on each core: larger ones leave the core's cache
_BATCH_ALONE = 8
_ALONE = (
    16  # pictures up to which all cores share each call: a second compiled network takes as much memory as the first
)

_DONT_NEED = 4  # of madvise, as in mman.h
log = logging.getLogger(__name__)


class FileState(BaseModel):
    """A file of the cache as it was written."""

    size: int
    mtime_ns: int

    @classmethod
    def of(cls, path: Path) -> FileState:
        return cls(size=path.stat().st_size, mtime_ns=path.stat().st_mtime_ns)


class ConvertedModel(BaseModel):
    """The content of `model.json`."""

    problem: str = ""
    """Why there is no converted model; then all else is empty."""
    inputs: dict[Part, tuple[str, ...]] = {}
    """The names of the inputs of each network, in the order that it takes them in."""
    facts: NetworkFacts | None = None
    pictures: PictureNumbers | None = None
    """None: transformers prepares pictures."""
    texts: TextNumbers | None = None
    """None: transformers tokenizes texts, if any."""
    files: dict[str, FileState] = {}


class OpenVinoModel:
    """A converted model: see `artsim.encoders.torch_model.TorchModel`, which computes the same.

    Pictures of a build run one batch on each core, which then waits for no other; a query has all cores.
    """

    device = "cpu"
    batch_size = 16

    def __init__(self, folder: Path, converted: ConvertedModel, precision: Precision = "float32") -> None:
        assert converted.facts is not None
        self._converted = converted
        self.facts, self.pictures, self.precision = converted.facts, converted.pictures, precision
        self._inputs = converted.inputs
        self._cores = usable_cores()
        self._folder = folder
        self._openvino = import_openvino()
        self._networks: dict[tuple[Part, int], _Network] = {}
        self._lock = threading.Lock()

    @property
    def precisions(self) -> tuple[Precision, ...]:
        capabilities = self._openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        return PRECISIONS if "BF16" in capabilities else ("float32",)

    def in_precision(self, precision: Precision) -> OpenVinoModel:
        """The same model, which computes in `precision`."""
        return OpenVinoModel(self._folder, self._converted, precision)

    @property
    def agrees_in_bf16(self) -> bool:
        """Whether vectors in bf16 were measured on this machine, and found to agree with this model's."""
        agreement = read_agreement(self._folder)
        return agreement is not None and agreement.suffices and "bf16" in self.precisions

    def keep_agreement(self, agreement: Agreement) -> None:
        """Let queries compute in bf16 from now on, if it suffices."""
        write_agreement(self._folder, agreement)

    def tokenizer(self) -> Tokenizer | None:
        """None if transformers tokenizes texts."""
        return None if self._converted.texts is None else Tokenizer(self._folder, self._converted.texts)

    @property
    def embeds_text(self) -> bool:
        return "texts" in self._inputs

    def batches(self, pictures: int) -> tuple[int, int]:
        if pictures > _ALONE and pictures >= _BATCH * self._cores:
            return _BATCH, self._cores
        return min(pictures, _BATCH_ALONE), 1

    def embed_images(self, inputs: Mapping[str, np.ndarray], *, alone: bool = True) -> ImageStates:
        subject, *states = self._network("images", 1 if alone else self._cores).run(inputs)
        return ImageStates(subject, tuple(states[:-1]), states[-1])

    def embed_texts(self, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        return self._network("texts", 1).run(inputs)[0]

    def _network(self, part: Part, streams: int) -> _Network:
        """A network compiled for `streams` calls at a time, which share the cores."""
        with self._lock:
            if (part, streams) not in self._networks:
                options = {
                    "INFERENCE_PRECISION_HINT": {"float32": "f32", "bf16": "bf16"}[self.precision],
                    "INFERENCE_NUM_THREADS": self._cores,
                    "NUM_STREAMS": streams,
                    "ENABLE_CPU_PINNING": False,  # two processes would be pinned to the same core
                }
                file = self._folder / f"{part}.xml"
                compiled = self._openvino.Core().compile_model(file, "CPU", options)
                self._networks[part, streams] = _Network(compiled, self._inputs[part], file.with_suffix(".bin"))
            return self._networks[part, streams]


def _forget_pages(file: Path) -> None:
    """Take a mapped file out of memory: OpenVINO has read its weights and arranged them anew, and keeps the file mapped. Pages
    that are needed again are read again. Does nothing where the system is not Linux."""
    if sys.platform != "linux":
        return
    for line in Path("/proc/self/maps").read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        addresses, flags, *_, path = line.split(maxsplit=5)
        if path == str(file) and flags == "r--s":  # shared and never written to, so nothing can be lost
            start, end = (int(address, 16) for address in addresses.split("-"))
            ctypes.CDLL(None).madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _DONT_NEED)


class _Network:
    """A compiled network, which any number of threads may run."""

    def __init__(self, compiled: Any, names: tuple[str, ...], weights: Path) -> None:
        self._compiled, self._names, self._weights = compiled, names, weights
        self._idle: list[Any] = []  # requests: each has the memory of one call

    def run(self, inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """The outputs, as arrays of their own."""
        is_new = not self._idle
        try:
            request = self._idle.pop()
        except IndexError:
            request = self._compiled.create_infer_request()
        outputs = request.infer({number: inputs[name] for number, name in enumerate(self._names)}, share_inputs=True)
        arrays = [outputs[number] for number in range(len(outputs))]
        self._idle.append(request)
        if is_new:  # its first call reads the rest of the weights
            _forget_pages(self._weights)
        return arrays


def load_openvino_model(name: str, *, commit: str | None, revision: str) -> OpenVinoModel | None:
    """The model of a checkpoint; None, with a line in the log, if OpenVINO is absent or cannot run it here.

    `commit`: of the Hub; `revision` identifies the weights. The first time, the model is converted, which takes a minute or
    less. Raises `EncoderError` if there is no such model.
    """
    try:
        import_openvino()
        folder = cache_folder() / "openvino" / _cache_name(name, revision)
        converted = _read(folder)
        if converted is None:
            converted = _convert(name, commit, folder)
        if not converted.problem:
            return OpenVinoModel(folder, converted)
        reason = converted.problem
    except ImportError as error:
        log.info("OpenVINO cannot be imported (%s): %s runs with PyTorch, more slowly.", error, name)
        return None
    except (CollectionError, OSError, RuntimeError, subprocess.SubprocessError) as error:
        reason = reason_of(error)
    log.warning("OpenVINO cannot run %s (%s): it runs with PyTorch, more slowly.", name, reason)
    return None


def _cache_name(name: str, revision: str) -> str:
    """The hash of the model, and that of what converts it."""
    model = hashlib.sha256(revision.encode())
    for path in sorted(Path(name).glob("*")):  # of a folder, the revision tells only the weights
        if path.suffix in _SETTINGS and path.is_file():
            model.update(f"\0{path.name}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    made_with = hashlib.sha256(f"{RECIPE} {version('openvino')} {version('transformers')}".encode())
    return f"{model.hexdigest()[:32]}-{made_with.hexdigest()[:16]}"


def _read(folder: Path) -> ConvertedModel | None:
    """The converted model in `folder`; None if there is none, or a file is not as it was written."""
    try:
        with (folder / MODEL_FILE).open("rb") as file:
            converted = ConvertedModel.model_validate_json(file.read(_LONGEST_RECORD))
        states = {name: FileState.of(folder / Path(name).name) for name in converted.files}
    except (OSError, ValueError) as error:
        log.debug("There is no converted model in %s.", folder, exc_info=error)
        return None
    return converted if states == converted.files else None


def _convert(name: str, commit: str | None, folder: Path) -> ConvertedModel:
    """Convert a model into `folder`, in a process of its own, which takes its memory with it."""
    make_folders(folder.parent)
    with FileLock(folder.with_suffix(".lock")):  # of two that start at once, the second takes what the first has made
        if (converted := _read(folder)) is not None:
            return converted
        again = ", again, as its files have changed" if folder.exists() else ""
        log.info("%s is converted for OpenVINO, once%s: this takes up to a minute.", name, again)
        clear_leftovers(folder)
        with replacing_folder(folder) as new:
            _run_conversion(name, commit, new)
        for outdated in folder.parent.glob(f"{folder.name.split('-')[0]}-*"):
            if outdated.is_dir() and outdated != folder:
                remove_tree(outdated)
        converted = _read(folder)
    if converted is None:
        raise RuntimeError(f"what its conversion wrote to {folder} cannot be read")
    return converted


def _run_conversion(name: str, commit: str | None, out: Path) -> None:
    """Raises `EncoderError` if there is no such model, `RuntimeError` if the process fails."""
    request = {"name": str(Path(name).absolute()) if Path(name).is_dir() else name, "id": name, "commit": commit}
    done = subprocess.run(
        [sys.executable, "-m", "artsim.encoders.openvino_conversion"],
        cwd=_ROOT,
        env={**os.environ, "OMP_NUM_THREADS": str(usable_cores())},
        input=json.dumps({**request, "out": str(out)}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    if (out / ERROR_FILE).is_file():
        error = json.loads((out / ERROR_FILE).read_text(encoding="utf-8"))
        raise EncoderError(error["template"], **error["values"])
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:]
        raise RuntimeError(f"its conversion ended with {done.returncode}: {' '.join(last)}")
    if not (out / MODEL_FILE).is_file():
        raise RuntimeError("its conversion left no model")
