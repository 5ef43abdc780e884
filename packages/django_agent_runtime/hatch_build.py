"""Pin the sibling packages to this very version, so that the lock-step is in the metadata too."""

from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class LockStep(MetadataHookInterface):
    def update(self, metadata: dict[str, Any]) -> None:
        same = f"=={metadata['version']}"
        metadata["dependencies"] = [f"agent_runtime_framework{same}", "django>=4.2"]
