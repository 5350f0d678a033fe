"""Check the YAML front matter of a README by the rules that the Hub documents for cards and Spaces.

Only the rules that a card of this project can break. PyYAML comes with huggingface_hub.
"""

import re
from typing import Any

import yaml  # type: ignore[import-untyped]

SPACE_COLORS = ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray")
SPACE_SDKS = ("gradio", "streamlit", "docker", "static")
SHORT_DESCRIPTION_MAX = 60
LICENSES = frozenset("apache-2.0 cc-by-4.0 cc0-1.0 mit other unknown".split())  # of many more on the Hub


def check_card(readme: bytes, repo_type: str) -> tuple[dict[str, Any], list[str]]:
    """The front matter of the README of a model, dataset or Space, empty if there is none, and why the Hub refuses it."""
    found = re.match(r"---\n(.*?\n)?---\n", readme.decode(), re.DOTALL)
    try:
        data = yaml.safe_load(found[1] or "") if found else {}
    except yaml.YAMLError as error:
        return {}, [f"Invalid YAML: {error}"]
    errors = []
    if data.get("license", "other") not in LICENSES:
        errors.append(f'"license" has no value "{data["license"]}" on the Hub.')
    if not all(isinstance(tag, str) for tag in data.get("tags", [])):
        errors.append('"tags" must be a list of strings.')
    return data, errors + (_space_errors(data) if repo_type == "space" else [])


def _space_errors(data: dict[str, Any]) -> list[str]:
    colors = [key for key in ("colorFrom", "colorTo") if key in data and data[key] not in SPACE_COLORS]
    errors = [f'"{key}" must be one of {", ".join(SPACE_COLORS)}.' for key in colors]
    if data.get("sdk") not in SPACE_SDKS:
        errors.append(f'"sdk" must be one of {", ".join(SPACE_SDKS)}.')
    if len(str(data.get("short_description") or "")) > SHORT_DESCRIPTION_MAX:
        errors.append(f'"short_description" must be at most {SHORT_DESCRIPTION_MAX} characters.')
    return errors
