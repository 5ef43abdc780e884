import pickle

import pytest

from agent_runtime_core import errors as core
from agent_runtime_framework import errors
from agent_runtime_framework.errors import ConversationConflict, RunError, StateError, StoreError, StoreTooNew


@pytest.mark.parametrize("name", errors.__all__)
def test_every_error_is_in_the_tree_and_drawn(name: str):
    error = getattr(errors, name)

    assert issubclass(error, core.AgentRuntimeError)
    assert name in str(errors.__doc__)


@pytest.mark.parametrize("error", [ConversationConflict, StateError, StoreError, StoreTooNew])
def test_run_time_failures_are_run_errors(error: type[Exception]):
    assert issubclass(error, RunError)


def test_conflict_names_both_revisions_and_the_way_out():
    error = ConversationConflict("ada", expected=3, found=4)

    assert str(error) == (
        "conversation 'ada' was changed by another writer: this turn began at revision 3, the store now holds "
        "revision 4; load the conversation again and repeat the turn"
    )
    assert (error.conversation_id, error.expected, error.found) == ("ada", 3, 4)


def test_conflict_need_not_know_what_is_there_now():
    assert "the store now holds another one" in str(ConversationConflict("ada", expected=3))


def test_conflict_survives_pickling():
    error = ConversationConflict("ada", expected=3, found=4)

    copy = pickle.loads(pickle.dumps(error))

    assert (str(copy), copy.found) == (str(error), 4)
