"""Check the YAML front matter of a README by the rules that the Hub documents for cards and Spaces.

Only the rules that a card of this project can break. PyYAML comes with huggingface_hub.
"""

from dataclasses import dataclass, field
from typing import Any

import yaml  # type: ignore[import-untyped]

SPACE_COLORS = ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray")
SPACE_SDKS = ("gradio", "streamlit", "docker", "static")
SHORT_DESCRIPTION_MAX = 60
_LICENSE_IDS = """
afl-3.0 agpl-3.0 apache-2.0 artistic-2.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear bsl-1.0 c-uda cc cc0-1.0
cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0
cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cc-by-nd-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cdla-permissive-1.0
cdla-permissive-2.0 cdla-sharing-1.0 creativeml-openrail-m ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2 gemma
gfdl gpl gpl-2.0 gpl-3.0 isc lgpl lgpl-2.1 lgpl-3.0 lgpl-lr llama2 llama3 mit mpl-2.0 ms-pl ncsa odbl odc-by ofl-1.1
openrail openrail++ osl-3.0 other pddl postgresql unknown unlicense wtfpl zlib
"""
LICENSES = frozenset(_LICENSE_IDS.split())


@dataclass(frozen=True)
class CardCheck:
    """The front matter as data, with the errors and warnings of the Hub: only errors refuse the card."""

    data: dict[str, Any] = field(default_factory=dict)
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def check_card(readme: bytes, repo_type: str) -> CardCheck:
    """Read and check the front matter of the README of a model, dataset or Space."""
    try:
        text = readme.decode()
    except UnicodeDecodeError:
        return CardCheck(errors=("README.md is not UTF-8.",))
    lines = text.removeprefix("\ufeff").splitlines()
    if not lines or lines[0].rstrip() != "---":
        return CardCheck(warnings=("empty or missing yaml metadata in repo card",))
    end = next((i for i, line in enumerate(lines[1:], start=1) if line.rstrip() == "---"), None)
    if end is None:
        return CardCheck(errors=("The YAML front matter is not closed by a line of three dashes.",))
    try:
        data = yaml.safe_load("\n".join(lines[1:end])) or {}
    except yaml.YAMLError as error:
        return CardCheck(errors=(f"Invalid YAML: {error}",))
    if not isinstance(data, dict):
        return CardCheck(errors=("The YAML front matter must be a mapping.",))
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
