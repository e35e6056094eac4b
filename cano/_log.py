"""What went wrong where nobody can be told: in the log of the library, ``cano``."""

import logging
from contextlib import suppress

from cano._notes import traceback_of
from cano._text import name_of

_log = logging.getLogger("cano")


def log_failure(text: str, error: BaseException) -> None:
    """Log an error with its traceback; if that cannot be written, with the name of its class; if that cannot, not at all."""
    try:
        _log.error(text, exc_info=(type(error), error, traceback_of(error)))
    except Exception:  # noqa: BLE001 - to write a traceback is to run code of the exceptions in it
        with suppress(Exception):  # a filter of the user's that raises is not to break what goes on here
            _log.error("%s (%s)", text, name_of(type(error)))
