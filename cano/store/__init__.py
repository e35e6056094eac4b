"""The typed, shared, in-memory key-value store; usable alone."""

try:
    from cano.store._key import Key
    from cano.store._memory import MemoryStore
    from cano.store._transact import Transaction
except ModuleNotFoundError as error:
    if not str(error.name).startswith("cano.store."):
        raise
    raise ImportError(
        "cano's compiled store is missing: run 'pip install .' in its source tree (it needs a C compiler), "
        f"or 'pip install --force-reinstall cano' for this Python; there is no pure-Python version ({error})"
    ) from error

__all__ = ["Key", "MemoryStore", "Transaction"]
