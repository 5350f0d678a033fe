"""Footer of every page: the collection, its encoder, and what happens to uploads."""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup

from artsim.storage.provenance import stated_license
from artsim.ui.context import Context
from artsim.ui.labels import safe_link
from artsim.ui.templates import render


def about(context: Context) -> Markup:
    strings, manifest = context.strings, context.collection.manifest
    texts = [
        strings(
            "about.collection",
            title=manifest.title,
            count=strings.works(len(context.collection)),
            description=manifest.source.get("description") or "",
        )
    ]
    origin = context.collection.origin
    if origin is not None and origin.fetched is not None:
        texts.append(strings("about.fetched", date=origin.fetched.isoformat()))
    if begun := manifest.source.get("begun"):
        texts.append(strings("about.begun", description=begun))
    if licence := stated_license(manifest):
        texts.append(strings("about.licence", licence=licence.upper()))
    elif "license" in context.collection.state.schema:
        texts.append(strings("about.licences"))
    # only the last part of a local path, for privacy, here or on the machine where the collection was built
    encoder = Path(context.encoder).name if Path(context.encoder).is_absolute() else context.encoder
    # the reason is an element of its own, as it may be untranslated
    before, _, after = strings("about.encoder", encoder=encoder, reason="\0").partition("\0")
    return render(
        "pages/footer.html",
        strings,
        about=strings.sentences(*texts),
        source=safe_link({"url": manifest.source.get("homepage") or manifest.source.get("begun_homepage")}),
        before_reason=before,
        reason=context.encoder_reason if context.is_owner else "",
        after_reason=after,
        encoder=encoder,
        keeps_pictures=context.is_owner,
    )
