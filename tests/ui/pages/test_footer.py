"""What stands at the bottom of the search page."""

from dataclasses import replace
from typing import Any

import pytest

from artsim.ui.pages.footer import about


@pytest.mark.parametrize(
    ("encoder", "shown"),
    [("/home/somebody/models/my-clip", "my-clip"), ("openai/clip-vit-base-patch16", "openai/clip-vit-base-patch16")],
)
def test_of_an_encoder_in_a_folder_only_the_name_is_shown_also_where_that_folder_does_not_exist(
    context: Any, encoder: str, shown: str
) -> None:
    page = about(replace(context, encoder=encoder))
    assert shown in page and "/home/" not in page
