"""A store that tells the recorder how each turn was kept; in everything else it is the store itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from agent_runtime_framework.server.dev.recorder import Recorder

if TYPE_CHECKING:
    from agent_runtime_framework.store.delivery import Claim, DurableStore, Finished, Lease


def watched_store(store: DurableStore, recorder: Recorder) -> DurableStore:
    """The same store, with every end of a turn told to `recorder`."""
    return cast("DurableStore", _WatchedStore(store, recorder))


class _WatchedStore:
    def __init__(self, store: DurableStore, recorder: Recorder) -> None:
        self._store = store
        self._recorder = recorder

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def finish(self, claim: Claim, finished: Finished, lease: Lease | None = None) -> Claim | None:
        following = await self._store.finish(claim, finished, lease)
        self._recorder.ended(claim.run_id, finished.commit.state)
        return following
