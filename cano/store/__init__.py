"""The typed, shared, in-memory key-value store; usable alone."""

try:
    from cano.store._key import Key
    from cano.store._memory import MemoryStore
    from cano.store._transaction import Transaction
except ModuleNotFoundError as error:
    if not str(error.name).startswith("cano.store."):
        raise
    raise ImportError(
        "cano's compiled store is missing: run 'pip install .' in its source tree (it needs a C compiler), "
        f"or 'pip install --force-reinstall cano' for this Python; there is no pure-Python version ({error})"
    ) from error
except ImportError as error:
    # The first words are Cython's, of an interpreter that shares the GIL; the others are CPython's, of one that does not.
    if not any(words in str(error) for words in ("Interpreter change", "loading in subinterpreters")):
        raise
    raise ImportError(
        "cano's store works in one interpreter of a process, the first that imports it: use threads or processes "
        f"instead of subinterpreters ({error})"
    ) from error

__all__ = ["Key", "MemoryStore", "Transaction"]
