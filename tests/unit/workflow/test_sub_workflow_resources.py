"""What a workflow inside another one works on: its own resources, and those that it takes from around it (engine 15)."""

import asyncio
from enum import Enum
from typing import Any, Protocol

import pytest

from cano.errors import (
    ResourceBroken,
    ResourceInUse,
    ResourceNotFound,
    ResourceTypeMismatch,
    TaskInvalid,
    TeardownFailed,
    context_of,
)
from cano.resources import Resources, per_run, shared
from cano.store import MemoryStore
from cano.workflow import Branch, Join, Workflow
from tests.unit.stages import Plain, Recorder, Stage, going, turns
from tests.unit.sub_workflows import Inner, Told, around, child, inside, ok


async def double(store: MemoryStore) -> Inner:
    """Work on the store alone."""
    await asyncio.sleep(0)
    store.put("result", 2 * store.get("n", int))
    return Inner.OK


BRING = {"store": per_run(of=MemoryStore)}


class Keys(Enum):
    """Keys of both workflows."""

    STORE = 1
    OTHER = 2


@pytest.mark.parametrize(
    ("theirs", "ours", "keys"),
    [
        ({"store": per_run(of=MemoryStore)}, "store", None),
        ({"store": per_run(of=MemoryStore)}, "theirs", {"store": "theirs"}),
        ({"store": per_run(of=MemoryStore)}, Keys.STORE, {"store": Keys.STORE}),
        ({"store": MemoryStore(), "more": 1}, "store", {"store": "store"}),
        ({"store": per_run(MemoryStore)}, "theirs", {"store": "theirs"}),
        ({"store": shared(MemoryStore)}, "theirs", {"store": "theirs"}),
    ],
)
@pytest.mark.parametrize("brought", [True, False])
async def test_what_is_taken_from_around(theirs: Any, ours: Any, keys: Any, brought: bool) -> None:
    """A key that each run must bring, under the same name or another one, and any other that is named: the very object."""
    store = MemoryStore({"n": 4})
    sub = inside(double, Resources(theirs), keys=keys)
    outer = around(sub, Resources({ours: per_run(of=MemoryStore) if brought else store, "n": 1}))
    await outer.orchestrate(Stage.A, resources={ours: store} if brought else None)
    assert store.get("result", int) == 8


async def test_an_enum_key_that_each_run_must_bring() -> None:
    """Keys that are enum members are as good as text."""
    seen: list[Any] = []

    async def look(res: Resources) -> Inner:
        seen.append((res[Keys.STORE], res[Keys.OTHER]))
        return Inner.OK

    store = MemoryStore()
    sub = inside(look, Resources({Keys.STORE: per_run(of=MemoryStore), Keys.OTHER: 3}))
    await around(sub, Resources({Keys.STORE: store})).orchestrate(Stage.A)
    assert seen == [(store, 3)]
    with pytest.raises(
        ResourceNotFound, match=r"Inner\(Keys\.STORE\): no resource Keys\.STORE; Keys\.OTHER is a `MemoryStore`: write as_task"
    ):
        around(sub, Resources({Keys.OTHER: store}))


async def test_a_store_of_the_run_around() -> None:
    """``per_run(MemoryStore)`` around: tasks there and in the run inside work on one store, and the next run on a new one."""
    seen: list[MemoryStore] = []

    async def fill(store: MemoryStore) -> Stage:
        store.put("n", 3)
        return Stage.B

    async def read(store: MemoryStore) -> Stage:
        seen.append(store)
        assert store.get("result", int) == 6
        return Stage.DONE

    sub = child(double, Resources(BRING)).as_task(Inner.IN, to=Stage.C)
    outer = (
        Workflow(Resources({"store": per_run(MemoryStore)}), state=Stage)
        .register(Stage.A, fill)
        .register(Stage.B, sub)
        .register(Stage.C, read)
        .add_exit_state(Stage.DONE)
    )
    await asyncio.gather(outer.orchestrate(Stage.A), outer.orchestrate(Stage.A))
    assert seen[0] is not seen[1]


async def test_many_runs_around_with_a_store_each() -> None:
    """Overlapping runs that bring a store each have it worked on by the runs inside them."""
    outer = around(inside(double, Resources(BRING)), Resources(BRING))
    stores = [MemoryStore({"n": number}) for number in range(20)]
    await asyncio.gather(*(outer.orchestrate(Stage.A, resources={"store": each}) for each in stores))
    assert [each.get("result", int) for each in stores] == [2 * number for number in range(20)]


def test_what_is_missing_is_refused_at_registration() -> None:
    """The error names the key and the workflow inside that wants it, and what may have been meant."""
    sub = inside(double, Resources(BRING))
    with pytest.raises(ResourceNotFound, match=r"no resource 'store'.*did you mean 'stroe'") as caught:
        around(sub, Resources({"stroe": 1}))
    assert caught.value.key == "store"
    assert "Inner(store)" in str(caught.value)
    write = r"'stack' is a `MemoryStore`: write as_task\(\.\.\., resources=\{'store': 'stack'\}\)$"
    with pytest.raises(ResourceNotFound, match=write) as fitting:
        around(sub, Resources({"stack": MemoryStore()}))
    assert fitting.value.fitting == ("stack",)
    with pytest.raises(ResourceNotFound, match=r"Inner\(store\): no resource 'elsewhere'.*resources=\{'store': 'store'\}"):
        around(inside(double, Resources(BRING), keys={"store": "elsewhere"}), Resources({"store": MemoryStore()}))
    with pytest.raises(ResourceNotFound, match=r"Inner\(store\)"):
        Workflow(state=Stage).register_split(Stage.A, [ok, Branch(sub)], to=Stage.B)


def test_a_wrong_type_is_refused_at_registration() -> None:
    """As for a parameter of a task: a value, or a recipe of what cannot be one."""
    for wrong in ({"n": 1}, per_run(of=dict), per_run(dict), shared(dict)):
        with pytest.raises(ResourceTypeMismatch, match=r"Inner\(store\): resource 'store': expected .*MemoryStore, found .*dict"):
            around(inside(double, Resources(BRING)), Resources({"store": wrong}))


class Sized(Protocol):
    """What has a size."""

    def __len__(self) -> int:
        """Return it."""


async def test_forms_of_types() -> None:
    """``per_run(of=...)`` of a union or a protocol is checked as the annotation of a parameter is."""

    async def look(value: Any) -> Inner:
        return Inner.OK

    for of, good, bad in ((int | None, None, "x"), (Sized, [], 3), (list[int], [1], {})):
        sub = inside(look, Resources({"value": per_run(of=of)}))
        assert await around(sub, Resources({"value": good})).orchestrate(Stage.A) is Stage.DONE
        with pytest.raises(ResourceTypeMismatch):
            around(sub, Resources({"value": bad}))


async def test_a_wrong_type_in_the_run() -> None:
    """What a run around brings is checked before its first task; what only tasks inside ask for, when the run inside begins."""
    log: list[str] = []

    async def note() -> Stage:
        log.append("note")
        return Stage.B

    def outer(theirs: Any) -> Workflow[Any]:
        sub = child(double, Resources(theirs)).as_task(Inner.IN, to=Stage.DONE, resources={"store": "store"})
        made = Workflow(Resources({"store": per_run(dict), "mine": Plain("p", log)}), state=Stage)
        return made.register(Stage.A, note).register(Stage.B, sub).add_exit_state(Stage.DONE)

    with pytest.raises(ResourceTypeMismatch, match=r"Inner\(store\): resource 'store'"):
        await outer(BRING).orchestrate(Stage.A, resources={"store": {}})
    assert log == []
    with pytest.raises(ResourceTypeMismatch, match=r"double\(store\): resource 'store'"):
        await outer({"store": MemoryStore()}).orchestrate(Stage.A, resources={"store": {}})
    assert log == ["up p", "note", "down p"]


@pytest.mark.parametrize(
    ("keys", "error", "text"),
    [
        ({"stroe": "x"}, ResourceNotFound, "resources that Inner takes: no resource 'stroe'; did you mean 'store'"),
        ({3: "x"}, ResourceNotFound, "no resource 3"),
        ({"store": None}, TypeError, "resources takes 'store' from None; a key is a str or an Enum member"),
        ({"store": []}, TypeError, r"takes 'store' from \[\]"),
        ({"store": MemoryStore()}, TypeError, "takes 'store' from"),
        (["store"], TypeError, "resources is .*; pass a dict from keys of Inner to keys of the workflow around it"),
    ],
)
def test_names_that_are_none_are_refused(keys: Any, error: type[Exception], text: str) -> None:
    """``resources=`` maps keys that the workflow has to keys: anything else is an error at ``as_task``."""
    with pytest.raises(error, match=text):
        inside(double, Resources(BRING), keys=keys)


@pytest.mark.parametrize("there", [False, True])
async def test_what_must_be_brought_and_comes_too_late(there: bool) -> None:
    """The keys count that there were at ``as_task``: one that is added later is missed before anything runs."""
    res, outer_res = Resources(), Resources({"late": 1} if there else {})
    log = Told()
    sub = inside(ok, res, name="late one")
    outer = around(sub, outer_res, observers=[log])
    res.insert("late", per_run(of=int))
    for attempt in (lambda: around(sub, outer_res), lambda: asyncio.run(outer.orchestrate(Stage.A))):
        with pytest.raises(TaskInvalid, match="late one cannot be a task: each run of it must bring 'late'"):
            await asyncio.to_thread(attempt)
    assert log.events == []


async def test_a_resource_inside_that_is_overridden_is_not_taken_from_around() -> None:
    """In the block the replacement is all there is under its key, whether each run must bring it or it was named."""
    seen: list[Any] = []

    async def look(must: int, may: int, other: int) -> Inner:
        seen.append((must, may, other))
        return Inner.OK

    res = Resources({"must": per_run(of=int), "may": 2, "other": 3})
    outer = around(inside(look, res, keys={"may": "ours"}), Resources({"must": 10, "ours": 20}))
    for replacements, values in (({"must": 5}, (5, 20, 3)), ({"may": 6, "other": 7}, (10, 6, 7)), ({}, (10, 20, 3))):
        with res.override(replacements):
            await outer.orchestrate(Stage.A)
        assert seen[-1] == values
    with res.override({"must": 5}), res.override({"may": 6}):
        await outer.orchestrate(Stage.A)
        await around(inside(look, res, keys={"may": "ours"}), Resources({"must": 10, "ours": 20})).orchestrate(Stage.A)
    assert seen[-2] == (5, 6, 3)
    assert seen[-1] == (5, 6, 3)
    await outer.orchestrate(Stage.A)
    assert seen[-1] == (10, 20, 3)


async def test_its_life_cycle_stays_with_the_one_around() -> None:
    """What the run inside takes from around is neither set up nor torn down by it; what it has for itself is, for each run."""
    log: list[str] = []

    async def look(mine: Plain, own: Plain, common: Plain) -> Inner:
        log.append(f"{mine.name} {own.name} {common.name}")
        return Inner.OK

    theirs = Resources({"mine": per_run(of=Plain), "own": per_run(lambda: Plain("own", log)), "common": Plain("common", log)})
    made = child(look, theirs)
    outer = (
        Workflow(Resources({"mine": Plain("mine", log)}), state=Stage)
        .register(Stage.A, made.as_task(Inner.IN, to=Stage.B))
        .register(Stage.B, made.as_task(Inner.IN, to=Stage.DONE))
        .add_exit_state(Stage.DONE)
    )
    await outer.orchestrate(Stage.A)
    one = ["up common", "up own", "mine own common", "down own", "down common"]
    assert log == ["up mine", *one, *one, "down mine"]


async def test_a_shared_resource_inside_overlapping_runs_around() -> None:
    """The runs inside belong to different workflows, overlap, and set up once; the last one of them tears down."""
    log: list[str] = []
    gates: list[asyncio.Future[Inner]] = []

    async def wait() -> Inner:
        gates.append(asyncio.get_running_loop().create_future())
        return await gates[-1]

    sub = inside(wait, Resources({"a": Recorder("a", log)}))
    outers = [around(sub), around(sub), around(sub)]
    runs = [asyncio.create_task(outer.orchestrate(Stage.A)) for outer in outers]
    while len(gates) < 3:
        await turns()
    runs[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await runs[0]
    gates[1].set_result(Inner.OK)
    await runs[1]
    assert log == ["setup a", "up a"]
    gates[2].set_result(Inner.OK)
    await runs[2]
    assert log == ["setup a", "up a", "teardown a", "down a"]


@pytest.mark.parametrize("join", [Join.all(), Join.quorum(3), Join.partial_results(3)])
async def test_branches_with_a_workflow_each(join: Join) -> None:
    """Three runs of one workflow side by side: each has its own of what is per run, and all share what is shared."""
    log: list[str] = []
    sub = child(ok, Resources({"a": Recorder("a", log), "b": per_run(lambda: Recorder("b", log))})).as_task(Inner.IN)
    outer = Workflow(state=Stage).register_split(Stage.A, [sub] * 3, to=Stage.DONE, join=join).add_exit_state(Stage.DONE)
    await outer.orchestrate(Stage.A)
    assert [log.count(f"{word} a") for word in ("setup", "down")] == [1, 1]
    assert [log.count(f"{word} b") for word in ("setup", "down")] == [3, 3]


async def test_one_container_for_both() -> None:
    """Both workflows on the same resources: what is shared is set up once; what is per run is made for each run, unless named."""
    log: list[str] = []
    res = Resources({"a": Recorder("a", log), "b": per_run(lambda: Recorder("b", log))})
    for keys, count in ((None, 2), ({"b": "b"}, 1)):
        log.clear()
        await around(inside(ok, res, keys=keys), res).orchestrate(Stage.A)
        assert (log.count("up a"), log.count("up b")) == (1, count)
        assert (log.count("down a"), log.count("down b")) == (1, count)


async def test_a_shared_resource_inside_is_for_one_loop_at_a_time() -> None:
    """The workflow inside obeys the rule of any: another loop at once is refused, with the state of the run around."""
    started, let_go = asyncio.Event(), asyncio.Event()

    async def wait() -> Inner:
        started.set()
        await let_go.wait()
        return Inner.OK

    sub = inside(wait, Resources({"a": Recorder("a", [])}))
    run = asyncio.create_task(around(sub).orchestrate(Stage.A))
    await started.wait()
    with pytest.raises(ResourceInUse) as caught:
        await asyncio.to_thread(around(sub).orchestrate_sync, Stage.A)
    context = context_of(caught.value)
    assert context is not None
    assert context.state == "A"
    let_go.set()
    assert await run is Stage.DONE


async def test_a_resource_inside_is_replaced_in_a_test() -> None:
    """``override`` of the resources of the workflow inside holds for its runs inside others, too, before and after the first."""
    seen: list[Any] = []

    async def look(value: int) -> Inner:
        seen.append(value)
        return Inner.OK

    res = Resources({"value": 1})
    outer = around(inside(look, res))
    for _ in range(2):
        with res.override({"value": 2}):
            await outer.orchestrate(Stage.A)
        await outer.orchestrate(Stage.A)
    assert seen == [2, 1, 2, 1]


async def test_a_resource_around_is_replaced_in_a_test() -> None:
    """What the run inside takes from around is the replacement as long as there is one."""
    outer_res = Resources({"store": MemoryStore({"n": 1})})
    outer = around(inside(double, Resources(BRING)), outer_res)
    await outer.orchestrate(Stage.A)
    replacement = MemoryStore({"n": 5})
    with outer_res.override({"store": replacement}):
        await outer.orchestrate(Stage.A)
    assert replacement.get("result", int) == 10


async def test_a_teardown_that_fails_inside() -> None:
    """It is an error of the task around, which can be tried again; the state that the run inside had reached is in it."""
    log: list[str] = []
    sub = inside(ok, Resources({"a": per_run(lambda: Plain("a", log, teardown=OSError("down")))}))
    with pytest.raises(TeardownFailed) as caught:
        await around(sub, Resources({"mine": Plain("mine", log)})).orchestrate(Stage.A)
    assert caught.value.state is Inner.OK
    context = context_of(caught.value)
    assert context is not None
    assert (context.state, context.task) == ("A", "Inner")
    assert log == ["up mine", "up a", "down a", "down mine"]


async def test_a_set_up_that_fails_inside() -> None:
    """It reaches the caller as itself, with the state of the run around."""
    log: list[str] = []
    sub = inside(ok, Resources({"a": Plain("a", log), "b": Recorder("b", log, setup=OSError("no"))}))
    with pytest.raises(OSError, match="no") as caught:
        await around(sub).orchestrate(Stage.A)
    assert any("resource 'b' was set up" in note for note in caught.value.__notes__)
    assert log == ["up a", "setup b", "down a"]


async def test_a_resource_that_breaks_inside() -> None:
    """It interrupts the run inside and not the one around, which gets a ResourceBroken like any error of a task."""
    log: list[str] = []
    gone = asyncio.Event()

    class Link:
        async def __aenter__(self) -> str:
            self._task = asyncio.current_task()
            self._watch = asyncio.get_running_loop().create_task(self._break())
            return "link"

        async def _break(self) -> None:
            await gone.wait()
            assert self._task is not None
            self._task.cancel()

        async def __aexit__(self, *_: object) -> None:
            log.append("closed")
            await self._watch

    async def wait(link: str) -> Inner:
        gone.set()
        await asyncio.get_running_loop().create_future()
        return Inner.OK

    outer = around(inside(wait, Resources({"link": shared(Link)})), Resources({"mine": Plain("mine", log)}))
    with pytest.raises(ResourceBroken) as caught:
        await outer.orchestrate(Stage.A)
    context = context_of(caught.value)
    assert context is not None
    assert context.state == "A"
    assert log == ["up mine", "closed", "down mine"]


async def test_nothing_of_the_run_around_is_seen_unasked() -> None:
    """The container that a task inside gets is that of its own workflow; what is not taken from around is not in it."""

    async def look(res: Resources) -> Inner:
        assert sorted(res) == ["mine", "store"]
        return Inner.OK

    sub = inside(look, Resources({**BRING, "mine": 1}))
    outer = Workflow(Resources({"store": MemoryStore(), "secret": 3}), state=Stage).register(Stage.A, sub)
    assert await outer.register(Stage.B, going(Stage.A)).add_exit_state(Stage.DONE).orchestrate(Stage.B) is Stage.DONE
