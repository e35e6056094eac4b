"""Watch readings in C. Once before: python setup.py build_ext --inplace."""

from watch import watch

from cano import KeyNotFound, MemoryStore, TypeMismatch

store = MemoryStore({"limit": 30.0, "most": 3})
print(f"alarms: {watch(store, [12.5, 31.0, 29.5, 44.5])}, latest: {store.get('latest', float)}")
print(f"above the limit: {store.get('alarms', list[float])}")

store.put("limit", 10.0)
print(f"alarms: {watch(store, [12.5] * 10)}, stored: {len(store.get_shared('alarms', list))}")

store.put("limit", 10)
try:
    watch(store, [12.5])
except TypeMismatch as error:
    print(f"TypeMismatch: {error}")

store.remove("limit")
try:
    watch(store, [12.5])
except KeyNotFound as error:
    print(f"KeyNotFound: {error}")
