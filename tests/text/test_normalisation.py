"""The shadow of a text, made by short cuts, is the one that the plain steps make."""

import unicodedata

from hypothesis import example, given
from hypothesis import strategies as st

from hotline.text.normalisation import _IGNORED, _OVER, fold_text, is_blank, join_broken_words, normalise_text
from hotline.text.simplified import to_simplified

# what residents write, what it is decorated with, and what nobody sees
WRITTEN = st.text(
    st.one_of(
        st.sampled_from("，。！？：；（）、 \t\n\r\x85電梯电梯3A１ａ①ﬁé\u0301\u200b\u3164\ufe0f゛"), st.characters()
    )
)


def plain(text: str) -> str:
    seen = "\n".join(_IGNORED.sub("", text).splitlines())
    return _OVER.sub("", unicodedata.normalize("NFKC", seen))


@given(WRITTEN)
@example("，\u0338")  # a mark over what NFKC makes of a wide comma
@example("（\u0338\u0301）")
def test_short_cuts_change_no_text(text: str) -> None:
    assert normalise_text(text) == plain(text)


@given(WRITTEN)
def test_blank_is_what_has_nothing_to_be_seen(text: str) -> None:
    assert is_blank(text) == (not plain(text).strip())


@given(st.text(st.sampled_from("電電话訊 \n，ABé龜龟3")))
def test_traditional_is_simplified_wherever_it_stands(text: str) -> None:
    assert fold_text(text) == join_broken_words(to_simplified(plain(text).casefold()))
