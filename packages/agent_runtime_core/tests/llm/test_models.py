import pytest

from agent_runtime_core.llm import (
    DEFAULT_MODEL,
    SUPPORTED_MODELS,
    get_model_info,
    get_provider_for_model,
    list_models_for_ui,
)


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("gpt-4o", "openai"),
        ("gpt-99-unheard-of", "openai"),
        ("o1-anything", "openai"),
        ("o3", "openai"),
        ("claude-99", "anthropic"),
        ("offline", "offline"),
        ("mystery", None),
    ],
)
def test_provider_is_known_by_the_models_name(model: str, provider: str | None) -> None:
    assert get_provider_for_model(model) == provider


def test_default_model_is_on_the_list() -> None:
    info = get_model_info(DEFAULT_MODEL)

    assert info is not None
    assert (info.id, info.provider, info.context_window) == ("gpt-4o", "openai", 128_000)


def test_unknown_model_has_no_info() -> None:
    assert get_model_info("mystery") is None


def test_ids_are_unique() -> None:
    assert len({model.id for model in SUPPORTED_MODELS}) == len(SUPPORTED_MODELS)


def test_menu_shows_four_things_of_every_model() -> None:
    menu = list_models_for_ui()

    assert len(menu) == len(SUPPORTED_MODELS)
    assert all(set(entry) == {"id", "name", "provider", "description"} for entry in menu)
