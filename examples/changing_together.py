"""Changes that belong together: ``modify`` for one key, ``transact`` for several, from many threads."""

from concurrent.futures import ThreadPoolExecutor

from cano import Key, MemoryStore, Transaction

SEATS = Key("seats", int)
WAITING = Key("waiting", list[str])
VISITS = Key("visits", int)


def book(store: MemoryStore, name: str) -> str:
    """Take a seat, or a place in the queue; of two threads that want the last seat one gets it."""

    def change(tx: Transaction) -> str:
        seats = tx.get(SEATS)
        if seats == 0:
            tx.append(WAITING, name)
            return "waiting"
        tx.put(SEATS, seats - 1)
        tx.put(f"seat of {name}", seats)
        return "booked"

    store.modify(VISITS, lambda n: n + 1, default=0)
    return store.transact(change)


def main() -> None:
    """Let eight threads book five seats for twenty people."""
    store = MemoryStore({SEATS: 5})
    people = [f"guest {n}" for n in range(20)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda name: book(store, name), people))
    print(f"booked {answers.count('booked')}, waiting {answers.count('waiting')}, visits {store.get(VISITS)}")
    print(f"free {store.get(SEATS)}, in the queue {len(store.get(WAITING))}")


if __name__ == "__main__":
    main()
