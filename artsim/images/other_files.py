"""What artsim does not read, told by the first bytes: the name of the format, and what would make it readable."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

from artsim.images.formats import EXTENSIONS, FORMATS, brands_of, format_of

HEAD = 1024
"""Bytes of a file's beginning that tell what it is."""


@dataclass(frozen=True)
class FileKind:
    """A kind of file: `name` in words, and `advice`, what would make artsim read it (empty: nothing)."""

    name: str
    advice: str = ""
    is_picture: bool = False
    """Whether it is a format of pictures, whose name is the same in all languages."""


def _picture(name: str, advice: str = "Save them as JPEG, PNG or TIFF.") -> FileKind:
    return FileKind(name, advice, is_picture=True)


_RAW = _picture("RAW", "Export them as JPEG or TIFF, with the program of the camera or a photo editor.")
_UNPACK = FileKind("archive", "Unpack them.")
_OFFICE = FileKind("document", "Export their pictures as JPEG, PNG or TIFF.")
_VIDEO = FileKind("film", "Save single frames of them as JPEG.")
_SOUND = FileKind("sound")
_TABLE = FileKind(
    "table", "Name it metadata.csv (.tsv, .jsonl, .parquet or .xlsx), with a column file_name, to have it read."
)
_TEXT = FileKind("text")
_PAGE = FileKind("web page (HTML)", "They were saved in place of pictures: download the pictures again.")
EMPTY = FileKind("empty file", "Copy or download them again.")
_HEIC = _picture("HEIC", "Install its reader: pip install pillow-heif")

_RAW_NAMES = frozenset(
    ".3fr .arw .cr2 .cr3 .dcr .dng .erf .fff .iiq .kdc .mef .mos .nef .nrw .orf .pef .raf .raw .rw2 .rwl .sr2 .srf .srw "
    ".x3f".split()
)
_TABLE_NAMES = frozenset(".csv .tsv .jsonl .parquet .xlsx .xls .ods".split())
_STARTS = {
    b"8BPS": _picture("Photoshop"),
    b"gimp xcf": _picture("GIMP"),
    b"\xff\x0a": _picture("JPEG XL"),
    b"\0\0\0\x0cJXL ": _picture("JPEG XL"),
    b"II\xbc\x01": _picture("JPEG XR"),
    b"%PDF": _picture("PDF", "Export their pages or pictures as JPEG, PNG or TIFF."),
    b"%!PS": _picture("PostScript"),
    b"\xc5\xd0\xd3\xc6": _picture("PostScript"),
    b"v/1\x01": _picture("OpenEXR"),
    b"#?RADIANCE": _picture("Radiance HDR"),
    b"DDS ": _picture("DirectDraw"),
    b"\0\0\x01\0": _picture("ICO"),
    b"icns": _picture("ICNS"),
    b"AT&TFORM": _picture("DjVu"),
    b"SIMPLE  =": _picture("FITS"),
    b"IIRO": _RAW, b"IIRS": _RAW, b"IIU\0": _RAW, b"FUJIFILM": _RAW, b"FOVb": _RAW,
    b"Rar!": _UNPACK, b"7z\xbc\xaf": _UNPACK, b"\x1f\x8b": _UNPACK, b"BZh": _UNPACK, b"\xfd7zXZ": _UNPACK,
    b"\xd0\xcf\x11\xe0": _OFFICE,
    b"\x1aE\xdf\xa3": _VIDEO, b"\0\0\x01\xba": _VIDEO, b"FLV": _VIDEO,
    b"ID3": _SOUND, b"OggS": _SOUND, b"fLaC": _SOUND,
    b"PAR1": _TABLE,
}  # fmt: skip


def kind_of_file(head: bytes, name: str = "") -> FileKind:
    """The kind of a file that begins with `head` (`HEAD` bytes), which `name` may make more precise.

    That of a file which artsim reads is the name of its format, without advice.
    """
    kind, suffix = format_of(head), _suffix(name)
    if not head:
        return EMPTY
    if kind == "TIFF" and (suffix in _RAW_NAMES or head[8:10] == b"CR"):
        return _RAW  # what reads it as TIFF finds a thumbnail
    if kind is not None:
        return FileKind(kind) if kind in FORMATS else _HEIC
    return _by_start(head) or _by_text(head, PurePath(name).suffix.lower())


def opens_as_picture(kind: FileKind, name: str) -> bool:
    """Whether a file of this kind is to be opened as a picture: artsim reads the format, or it has the name of a picture."""
    return kind.name in FORMATS or _suffix(name) in EXTENSIONS


def _suffix(name: str) -> str:
    """The ending of a file name in small letters, with its dot; for names of a folder of a million files."""
    return f".{name.rpartition('.')[2].lower()}"


def _by_start(head: bytes) -> FileKind | None:
    if head[4:8] == b"ftyp":
        brands = brands_of(head)
        return _RAW if b"crx " in brands else _SOUND if b"M4A " in brands else _VIDEO
    if head[:4] == b"RIFF":
        return _VIDEO if head[8:12] == b"AVI " else _SOUND
    if head[:4] == b"PK\3\4":
        office = any(word in head for word in (b"[Content_Types].xml", b"mimetypeapplication/", b"word/", b"xl/"))
        return _OFFICE if office else _UNPACK
    if head[128:132] == b"DICM":
        return _picture("DICOM")
    if head[257:262] == b"ustar":
        return _UNPACK
    return next((kind for start, kind in _STARTS.items() if head.startswith(start)), None)


def _by_text(head: bytes, suffix: str) -> FileKind:
    beginning = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if b"<svg" in beginning:
        return _picture("SVG", "Export them as PNG.")
    if beginning.startswith((b"<!doctype html", b"<html")):
        return _PAGE
    if suffix in _TABLE_NAMES:
        return _TABLE
    if suffix in _RAW_NAMES:
        return _RAW
    if b"\0" not in head and _is_text(head):
        return _TEXT
    return FileKind(f"unknown format ({suffix})" if suffix else "unknown format")


def _is_text(head: bytes) -> bool:
    try:
        head[: HEAD - 4].decode()
    except UnicodeDecodeError as error:
        return error.end >= len(head) - 4  # a letter that is cut
    return True
