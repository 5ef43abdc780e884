"""Pin the sibling packages to this very version, so that the lock-step is in the metadata too."""

from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class LockStep(MetadataHookInterface):
    def update(self, metadata: dict[str, Any]) -> None:
        same = f"=={metadata['version']}"
        metadata["dependencies"] = [f"agent_runtime_core{same}", "pydantic>=2.7", "docstring_parser>=0.16"]
        extras = {name: [f"agent_runtime_core[{name}]{same}"] for name in self.config["from-core"]}
        extras |= self.config["extras"]
        everything = [item for name, items in extras.items() if name not in ("dev", "testing") for item in items]
        metadata["optional-dependencies"] = extras | {"all": everything}
