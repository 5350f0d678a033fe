"""Check the YAML front matter of a README by the rules that the Hub documents for cards and Spaces.

Only the rules that a card of this project can break. PyYAML comes with huggingface_hub.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import yaml  # type: ignore[import-untyped]

SPACE_COLORS = ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray")
SPACE_SDKS = ("gradio", "streamlit", "docker", "static")
SHORT_DESCRIPTION_MAX = 60
LICENSES = frozenset("apache-2.0 cc-by-4.0 cc0-1.0 mit other unknown".split())  # of many more on the Hub


@dataclass(frozen=True)
class CardCheck:
    """The front matter as data, with the errors and warnings of the Hub: only errors refuse the card."""

    data: dict[str, Any] = field(default_factory=dict)
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def check_card(readme: bytes, repo_type: str) -> CardCheck:
    """Read and check the front matter of the README of a model, dataset or Space."""
    found = re.match(r"---\n(.*?\n)?---\n", readme.decode(), re.DOTALL)
    if found is None:
        return CardCheck(warnings=("empty or missing yaml metadata in repo card",))
    try:
        data = yaml.safe_load(found[1] or "") or {}
    except yaml.YAMLError as error:
        return CardCheck(errors=(f"Invalid YAML: {error}",))
    return CardCheck(data, errors=tuple(_errors(data, repo_type)))


def _errors(data: dict[str, Any], repo_type: str) -> list[str]:
    licenses = data.get("license") or []
    licenses = [licenses] if isinstance(licenses, str) else licenses
    errors = [f'"license" has no value "{name}" on the Hub.' for name in licenses if name not in LICENSES]
    tags = data.get("tags") or []
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        errors.append('"tags" must be a list of strings.')
    return errors + (_space_errors(data) if repo_type == "space" else [])


def _space_errors(data: dict[str, Any]) -> list[str]:
    colors = [key for key in ("colorFrom", "colorTo") if key in data and data[key] not in SPACE_COLORS]
    errors = [f'"{key}" must be one of {", ".join(SPACE_COLORS)}.' for key in colors]
    if data.get("sdk") not in SPACE_SDKS:
        errors.append(f'"sdk" must be one of {", ".join(SPACE_SDKS)}.')
    if len(str(data.get("short_description") or "")) > SHORT_DESCRIPTION_MAX:
        errors.append(f'"short_description" must be at most {SHORT_DESCRIPTION_MAX} characters.')
    return errors
