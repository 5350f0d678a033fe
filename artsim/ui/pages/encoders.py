"""`/encoders?work=ID`: the matches of each encoder of the collection, side by side."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from artsim.messages.strings import Strings
from artsim.search.encoder_comparison import EncoderAnswers, EncoderComparison
from artsim.ui.addresses import page_address, search_address
from artsim.ui.context import Context
from artsim.ui.labels import label_of, share_text
from artsim.ui.markup import Markup, element
from artsim.ui.pages.layout import document, view
from artsim.ui.pages.tiles import tile, work_picture

SHOWN = 8


def routes(context: Context) -> list[Route]:
    return [Route("/encoders", view(context, "encoders", _encoders))]


def _encoders(context: Context, request: Request) -> Response:
    strings, collection = context.strings, context.collection
    identity = request.query_params.get("work")
    title = strings("encoders.title")
    content: list[Markup] = []
    if identity is None:
        works = [collection.work(example) for example in context.examples if example in collection.state.rows]
        tiles = [tile(work, strings, href=page_address("encoders", work=work["id"])) for work in works]
        content = [element("ul", *tiles, class_="grid")]
    else:
        work = collection.work(identity)
        title = strings("encoders.of", title=label_of(work).title)
        comparison = collection.compare_encoders(work=identity, k=SHOWN)
        query = element(
            "a", work_picture(work, strings), href=search_address(strings.language, work), class_="encoders-asked"
        )
        content = [query, _overlaps(comparison, strings)]
        content.append(element("div", *(_column(answers, comparison, strings) for answers in comparison.answers),
                               class_="encoders-columns"))  # fmt: skip
    return document(
        context,
        "encoders",
        element("h1", title),
        element("p", strings("encoders.lead"), class_="lead"),
        *content,
        title=title,
        styles=("encoders.css",),
    )


def _overlaps(comparison: EncoderComparison, strings: Strings) -> Markup:
    lines = [
        element("li", strings("encoders.shared", first=first, second=second, count=len(ids), total=SHOWN))
        for (first, second), ids in comparison.shared.items()
    ]
    return element("ul", *lines, class_="fine encoders-shared")


def _column(answers: EncoderAnswers, comparison: EncoderComparison, strings: Strings) -> Markup:
    """One encoder: whether it would be selected, its figures, its matches."""
    chosen = [strings("encoders.auto")] if answers.encoder == comparison.auto else []
    chosen += [strings("encoders.mean-cosine")] if answers.encoder == comparison.mean_cosine else []
    figures = [
        (strings("encoders.margin"), strings.decimal(answers.margin, 3)),
        (strings("encoders.cosine"), _spread(answers.cosine_mean, answers.cosine_std, strings)),
        (strings("encoders.angular"), _spread(answers.angular_mean, answers.angular_std, strings)),
    ]
    tiles = [
        tile(match.work, strings, href=page_address("encoders", work=match.id),
             note=strings("match.badge", share=share_text(match.percentile, strings)))
        for match in answers.matches
    ]  # fmt: skip
    return element(
        "section",
        element("h2", answers.encoder),
        *(element("p", words, class_="encoders-chosen") for words in chosen),
        element("dl", *(element("div", element("dt", name), element("dd", value)) for name, value in figures),
                class_="numbers"),
        element("ol", *tiles, class_="grid"),
    )  # fmt: skip


def _spread(mean: float, deviation: float, strings: Strings) -> str:
    return f"{strings.decimal(mean, 3)} ± {strings.decimal(deviation, 3)}"
