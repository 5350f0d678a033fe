"""Footer of every page: the collection, its encoder, and what happens to uploads."""

from __future__ import annotations

from pathlib import Path

from artsim.ui.context import Context
from artsim.ui.labels import safe_link
from artsim.ui.markup import Markup, element


def about(context: Context) -> Markup:
    strings, manifest = context.strings, context.collection.manifest
    texts = [
        strings(
            "about.collection",
            title=manifest.title,
            count=strings("header.works", count=strings.number(len(context.collection))),
            description=manifest.source.get("description") or "",
        )
    ]
    if manifest.license:
        texts.append(strings("about.licence", licence=manifest.license.upper()))
    # only the last part of a local path, for privacy
    encoder = Path(context.encoder).name if Path(context.encoder).is_dir() else context.encoder
    # the reason is an element of its own, as it may be untranslated
    before, _, after = strings("about.encoder", encoder=encoder, reason="\0").partition("\0")
    link = safe_link({"url": manifest.source.get("homepage")})
    source = (
        element("a", strings("about.source", host=link[1]), href=link[0], target="_blank", rel="noopener noreferrer")
        if link
        else ""
    )
    return element(
        "footer",
        element("p", " ".join(texts), " " if source else "", source),
        element("p", before, _reason(context), after, class_="which"),
        element("p", strings("about.likeness"), " ", strings("about.privacy"), _storage_note(context)),
        class_="about", aria_label=strings("about.title"),
    )  # fmt: skip


def _reason(context: Context) -> Markup:
    """Why this encoder is used; marked as English if untranslated."""
    strings, reason = context.strings, context.encoder_reason
    return element("span", strings.message(reason), lang=None if strings.translates(reason) else "en")


def _storage_note(context: Context) -> str:
    """What happens to other pictures, for an owner at this machine."""
    if context.owner_tools is None or context.owner_tools.owner.logs_in:
        return ""
    return " " + context.strings("about.kept")
