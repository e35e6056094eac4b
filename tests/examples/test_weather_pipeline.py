from pathlib import Path

import pytest

from cano import KeyNotFound, MemoryStore, context_of
from examples.weather.model import BrokenFile, Settings
from examples.weather.pipeline import BAD_ROWS, FIGURES, NOTES, PARSED, RAW, REPORT, State, build, too_many_bad, validate
from tests.examples.weather_files import csv_bytes, hours

IMPOSSIBLE = {"wind_speed": "1048.36058"}


def settings(folder: Path, raw: bytes) -> Settings:
    path = folder / "mine.csv"
    path.write_bytes(raw)
    return Settings(path)


@pytest.mark.parametrize(
    ("bad", "rows", "percent", "answer"),
    [
        (0, 1, 0.0, False),
        (1, 100, 0.0, True),
        (5, 100, 5.0, False),
        (6, 100, 5.0, True),
        (1, 1, 100.0, True),
        (99, 100, 100.0, False),
    ],
)
def test_the_decision_at_its_edges(bad: int, rows: int, percent: float, answer: bool) -> None:
    """Exactly the allowed share is allowed, and a file without a good row never is."""
    assert too_many_bad(bad, rows, percent) is answer


async def test_a_good_file_goes_all_the_way(tmp_path: Path) -> None:
    """The run ends in DONE, with the figures, the report and a note of each state in the store, and without the raw text."""
    store = MemoryStore()
    run = await build(settings(tmp_path, csv_bytes(hours(48))), store).run(State.READ)
    assert [step.state for step in run.path] == [State.READ, State.VALIDATE, State.SUMMARISE, State.REPORT, State.DONE]
    assert sorted(store.keys()) == ["figures", "notes", "parsed", "report"]
    assert store.get_shared(FIGURES).year.hours == 48
    notes = store.get(NOTES)
    assert [note.state for note in notes] == ["READ", "VALIDATE", "SUMMARISE", "REPORT"]


async def test_the_data_decide_where_the_run_goes(tmp_path: Path) -> None:
    """With too many bad rows the run takes the other branch, ends in REJECTED, and computes nothing."""
    store = MemoryStore()
    raw = csv_bytes(hours(48, dict.fromkeys(range(3), IMPOSSIBLE)))
    run = await build(settings(tmp_path, raw), store).run(State.READ)
    assert [step.state for step in run.path] == [State.READ, State.VALIDATE, State.REJECT, State.REJECTED]
    assert FIGURES not in store
    bad = store.get(BAD_ROWS)
    assert [row.line for row in bad] == [2, 3, 4]
    assert store.get(REPORT).startswith("REJECTED")


@pytest.mark.parametrize(("raw", "state", "left"), [(None, "READ", []), (b"nonsense", "VALIDATE", ["notes", "raw"])])
async def test_a_broken_file_leaves_the_run_as_its_own_error(
    tmp_path: Path, raw: bytes | None, state: str, left: list[str]
) -> None:
    """The caller catches the pipeline's own class, which knows the state, and the store shows how far the run came."""
    store = MemoryStore()
    told = Settings(tmp_path / "absent.csv") if raw is None else settings(tmp_path, raw)
    with pytest.raises(BrokenFile) as caught:
        await build(told, store).orchestrate(State.READ)
    context = context_of(caught.value)
    assert context is not None
    assert context.state == state
    assert sorted(store.keys()) == left


async def test_a_task_is_still_a_function(tmp_path: Path) -> None:
    """A task can be called without a workflow, with the very things that it asks for."""
    store = MemoryStore()
    with pytest.raises(KeyNotFound, match="raw"):
        await validate(store, Settings(tmp_path))
    store.put(RAW, csv_bytes(hours(2)))
    assert await validate(store, Settings(tmp_path)) is State.SUMMARISE
    assert len(store.get_shared(PARSED)) == 2


async def test_a_second_run_starts_afresh(tmp_path: Path) -> None:
    """What an earlier run has left in the store, figures of a file that was good, adds nothing to the next."""
    store = MemoryStore()
    told = settings(tmp_path, csv_bytes(hours(40, {0: IMPOSSIBLE})))
    workflow = build(told, store)
    for _ in range(2):
        assert await workflow.orchestrate(State.READ) is State.DONE
        assert (len(store.get(BAD_ROWS)), len(store.get(NOTES))) == (1, 4)
    told.source.write_bytes(csv_bytes(hours(2, {0: IMPOSSIBLE})))
    assert await workflow.orchestrate(State.READ) is State.REJECTED
    assert sorted(store.keys()) == ["bad_rows", "notes", "parsed", "report"]
