"""Deadlines for what could hang: the store's lock is not recursive, so code that ran inside it would wait for itself."""

import threading
from collections.abc import Callable


def ends(call: Callable[[], object]) -> None:
    """Run ``call`` in a thread that has to end, and raise what it raised; so a hang is a failure and no stuck job."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - raised again below, in the test's own thread
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(30)
    assert not thread.is_alive(), "the operation hangs"
    if errors:
        raise errors[0]
