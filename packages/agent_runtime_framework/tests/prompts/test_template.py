import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_runtime_framework.prompts import PromptTemplate


def test_variables_win_over_defaults():
    template = PromptTemplate("Hello $name! You are at step ${step}.", defaults={"name": "there"})

    assert template.render(step="welcome") == "Hello there! You are at step welcome."
    assert template.render(step="welcome", name="Alice") == "Hello Alice! You are at step welcome."


@pytest.mark.parametrize(
    "text",
    [
        "It costs $5.",
        "$",
        "100$",
        "{name} {0} {{}}",
        "%s %(name)s",
        '{"json": ["$1"]}',
        "$missing ${too}",
        "${not a name}",
    ],
)
def test_what_is_no_variable_survives(text: str):
    assert PromptTemplate(text).render(name="Ada", other=1) == text


def test_doubled_dollar_is_one():
    assert PromptTemplate("$$name is $name").render(name="Ada") == "$name is Ada"


@given(st.text())
def test_values_are_never_templates(value: str):
    assert PromptTemplate("<$value>").render(value=value, secret="S") == f"<{value}>"


@pytest.mark.parametrize("value", ["$secret", "${secret}", "$$", "{secret}", "\\1", "%(secret)s"])
def test_values_that_look_like_templates_stay_as_they_are(value: str):
    assert PromptTemplate("$value", {"secret": "S"}).render(value=value) == value


@pytest.mark.parametrize("name", ["self", "template", "defaults", "mapping"])
def test_variables_may_be_called_anything(name: str):
    assert PromptTemplate(f"${name}").render(**{name: "x"}) == "x"


def test_values_become_text():
    assert PromptTemplate("$n $none").render(n=5, none=None) == "5 None"


def test_places_for_values_are_known():
    assert PromptTemplate("$a ${b} $5 $$c").variables == {"a", "b"}


def test_defaults_are_not_changed_by_rendering():
    template = PromptTemplate("$a", {"a": 1})

    template.render(a=2, b=3)

    assert template.defaults == {"a": 1}
