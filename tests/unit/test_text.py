"""What text is let in, and how replies are mended."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatcore.errors import InvalidRequest
from chatcore.text import checked, mended


@given(
    st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1).filter(str.strip)
)
def test_any_storable_text_passes_unchanged(text: str) -> None:
    assert checked("message", text, longest=len(text)) is text
    assert mended(text) == text


@pytest.mark.parametrize("text", ["", " \n\t", "a\x00b", "a\ud800b", "\udfff", "four "])
def test_text_that_cannot_be_kept_is_refused_by_its_field(text: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        checked("message", text, longest=4)
    assert [fault.field for fault in refusal.value.faults] == ["message"]


@given(st.text(st.characters(categories=["Cs", "Lu", "Cc"])))
def test_a_mended_reply_can_always_be_stored(text: str) -> None:
    assert "\x00" not in mended(text)
    mended(text).encode()
    assert len(mended(text)) == len(text)
