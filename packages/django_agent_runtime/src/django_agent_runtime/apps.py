"""The Django app: put `"django_agent_runtime"` into `INSTALLED_APPS`."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig


class DjangoAgentRuntimeConfig(AppConfig):
    """Checks the settings and finds the runtimes when Django starts."""

    name = "django_agent_runtime"
    label = "django_agent_runtime"
    verbose_name = "Agent Runtime"
    default_auto_field = "django.db.models.BigAutoField"  # pyright: ignore[reportAssignmentType]  as documented by Django

    def ready(self) -> None:
        from django_agent_runtime.conf import is_debug
        from django_agent_runtime.runtime.registry import autodiscover_runtimes

        if is_debug():
            _debug_everything()
        autodiscover_runtimes()


def _debug_everything() -> None:
    import agent_runtime_framework
    from agent_runtime_core import config

    current = config.get_config()
    # `configure` begins from nothing; what the project has configured before has to be said again.
    said: dict[str, Any] = {name: getattr(current, name) for name in current.explicit}
    config.configure(**{**said, "debug": True})
    agent_runtime_framework.configure(debug=True)
