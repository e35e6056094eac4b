"""Basic usage: put values, get them back by type, append, ask, remove."""

from cano import MemoryStore


def main() -> None:
    store = MemoryStore()

    # Store single values and containers.
    store.put("count", 42)
    store.put("labels", ["a", "b"])

    # Get them back by type: the result is checked, and a type checker knows what it is.
    count = store.get("count", int)
    labels = store.get("labels", list[str])
    print(f"count: {count}")
    print(f"labels: {labels}")

    # What get returns is yours: to change it changes nothing in the store.
    labels.append("c")
    print(f"labels in the store: {store.get('labels', list[str])}")

    # Append to a list; the first append makes it.
    store.append("log", "step 1 complete")
    store.append("log", "step 2 complete")
    print(f"log: {store.get('log', list[str])}")

    # Ask before you read a key that may be absent, or give a default.
    if store.contains_key("result"):
        print(f"result: {store.get('result', str)}")
    print(f"result or default: {store.get('result', str, default='none yet')}")

    # A second handle is the same data, not a copy.
    other = store.clone()
    other.put("count", 43)
    print(f"count through the first handle: {store.get('count', int)}")

    # Remove a key; an absent one is no error.
    store.remove("scratch")
    store.remove("log")
    print(f"keys: {sorted(store.keys())}, len: {store.len()}")

    store.clear()
    print(f"empty: {store.is_empty()}")


if __name__ == "__main__":
    main()
