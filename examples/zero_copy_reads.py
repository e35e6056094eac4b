"""Zero-copy reads: get_shared hands out the stored object itself, get a copy of it."""

from cano import MemoryStore


def main() -> None:
    store = MemoryStore()
    dataset = bytearray(1_000_000)  # 1 MB
    store.put("dataset", dataset)

    # Both names are the same object: nothing was copied, whatever its size.
    a = store.get_shared("dataset", bytearray)
    b = store.get_shared("dataset", bytearray)
    print(f"get_shared twice, one object: {a is b}")
    print(f"and it is the one that was put: {a is dataset}")

    # get copies a value that can change ...
    mine = store.get("dataset", bytearray)
    print(f"get makes a copy: {mine is not a and mine == a}")

    # ... and need not copy one that cannot.
    store.put("image", bytes(1_000_000))
    print(f"get of bytes makes none: {store.get('image', bytes) is store.get_shared('image', bytes)}")

    # A list that you hold is a snapshot: an append never changes it under your hands.
    store.put("rows", [1, 2, 3])
    held = store.get_shared("rows", list)
    store.append("rows", 4)
    print(f"held: {held}, stored: {store.get_shared('rows', list)}")


if __name__ == "__main__":
    main()
