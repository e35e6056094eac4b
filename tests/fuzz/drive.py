"""The process that fuzzes one target, or does one input again; ``run.py`` starts it in the tree whose extensions are counted.

``drive.py fuzz LIBRARY TARGET CORPUS [options of libFuzzer]``, or ``drive.py again LIBRARY TARGET INPUT``.
"""

import ctypes
import faulthandler
import gc
import os
import sys
from importlib.util import find_spec
from pathlib import Path

HANGS = 60  # seconds, after which what is written has not come to its end: a hundred times what it takes


def told(counters: ctypes.CDLL) -> None:
    """Tell libFuzzer of the counters."""
    spec = find_spec("atheris.core_with_libfuzzer")
    assert spec is not None, "atheris has come without its libFuzzer"
    fuzzer = ctypes.CDLL(spec.origin)
    find = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_char_p)
    counters.cano_coverage_begins(find(lambda name: ctypes.cast(fuzzer[name.decode()], ctypes.c_void_p).value))


def fuzz(counters: ctypes.CDLL, target: str, corpus: str, *options: str) -> None:
    """Begin with what is written, and never return."""
    told(counters)
    import atheris  # noqa: PLC0415 after the counters

    from tests.fuzz.choices import Choices, Written  # noqa: PLC0415 the same
    from tests.fuzz.targets import TARGETS, seeds_of  # noqa: PLC0415 the same

    one = TARGETS[target]
    raised: list[BaseException] = []
    sys.unraisablehook = lambda hook: raised.append(hook.exc_value or hook.exc_type())

    def called(data: bytes) -> None:
        one(Choices(data))
        if raised:
            raise raised.pop()

    before = counters.cano_coverage_reached()
    faulthandler.enable()
    faulthandler.dump_traceback_later(HANGS, exit=True)
    for number, words in enumerate(seeds_of(target)):
        print("written:", *words, flush=True)
        written = Written(words)
        try:
            one(written)
        except Exception as error:  # noqa: BLE001 the fuzzer will meet it again
            print(repr(error), flush=True)
        Path(corpus, f"written-{number}").write_bytes(written.made)
    print(f"blocks reached: {before} by the imports, {counters.cano_coverage_reached()} with what is written", flush=True)
    faulthandler.cancel_dump_traceback_later()
    faulthandler.disable()
    raised.clear()
    gc.collect()
    gc.freeze()  # so that a collection after each input looks at what the input has left alone
    atheris.Setup([sys.argv[0], corpus, *options], called)
    atheris.Fuzz()


def again(counters: ctypes.CDLL, target: str, path: str) -> None:
    """Do one input again, and tell each word before it counts."""
    from tests.fuzz.choices import Choices  # noqa: PLC0415 the other way needs it later
    from tests.fuzz.targets import TARGETS  # noqa: PLC0415 the same

    faulthandler.enable()
    TARGETS[target](Choices(Path(path).read_bytes(), lambda word: print(word, end=" ", flush=True)))
    print("\nnothing found")


if __name__ == "__main__":
    # For all, and before anything of cano, whose extensions call what is in it.
    COUNTERS = ctypes.CDLL(sys.argv[2], mode=os.RTLD_GLOBAL | os.RTLD_NOW)
    (fuzz if sys.argv[1] == "fuzz" else again)(COUNTERS, *sys.argv[3:])
