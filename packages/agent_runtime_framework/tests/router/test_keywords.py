import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_runtime_framework.router.keywords import begins_a_word, normalized


@pytest.mark.parametrize(
    ("keyword", "text"),
    [
        ("quote", "Quotes, please"),
        ("quote", "a pre-quote"),
        ("new car", "my NEW \n car"),
        ("café", unicodedata.normalize("NFD", "Das Café")),
        ("straße", "HAUPT STRASSE 3"),
        ("claim", "disclaimer, claim"),
        ("報價", "我要報價"),
        ("ใบเสนอราคา", "ขอใบเสนอราคา"),
        ("보험", "보험을 원해요"),
        ("страховка", "Нужна СТРАХОВКА"),  # noqa: RUF001 -- it is Russian
        ("#help", "please #help"),
        ("24/7", "open 24/7?"),
    ],
)
def test_keyword_is_found(keyword: str, text: str):
    assert begins_a_word(normalized(keyword), normalized(text))


@pytest.mark.parametrize(
    ("keyword", "text"),
    [
        ("eat", "nice weather"),
        ("claim", "a disclaimer"),
        ("claim", "my_claim"),
        ("quote", ""),
        ("7", "1707"),
        ("ховка", "страховка"),
        ("e", unicodedata.normalize("NFD", "ñe")),
    ],
)
def test_keyword_is_not_found_inside_a_word(keyword: str, text: str):
    assert not begins_a_word(normalized(keyword), normalized(text))


@given(st.text())
def test_normalizing_twice_changes_nothing_more(text: str):
    assert normalized(normalized(text)) == normalized(text)
