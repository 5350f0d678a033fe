"""Footer of every page: the collection, its encoder, and what happens to uploads."""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup

from artsim.ui.context import Context
from artsim.ui.labels import safe_link
from artsim.ui.templates import render


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
    owner_tools = context.owner_tools
    return render(
        "pages/footer.html",
        strings,
        about=" ".join(texts),
        source=safe_link({"url": manifest.source.get("homepage")}),
        before_reason=before,
        reason=context.encoder_reason,
        after_reason=after,
        keeps_pictures=owner_tools is not None and not owner_tools.owner.logs_in,
    )
