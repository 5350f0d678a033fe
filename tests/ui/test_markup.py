"""HTML builder: text from a collection or a visitor never becomes markup."""

from artsim.ui.markup import button, element, join


def test_text_and_attributes_are_escaped() -> None:
    assert element("p", "<script>") == "<p>&lt;script&gt;</p>"
    assert element("p", title='"><script>') == '<p title="&quot;&gt;&lt;script&gt;"></p>'


def test_markup_inside_markup_is_kept() -> None:
    assert element("p", element("b", "a & b"), " & c") == "<p><b>a &amp; b</b> &amp; c</p>"
    assert join("<", element("i")) == "&lt;<i></i>"


def test_attributes_without_value_and_omitted_ones() -> None:
    assert button("Go", hidden=True, disabled=False, title=None, data_for="x") == (
        '<button type="button" hidden data-for="x">Go</button>'
    )


def test_void_elements_are_not_closed() -> None:
    assert element("img", src="a.webp", alt="") == '<img src="a.webp" alt="">'
