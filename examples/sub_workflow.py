"""A workflow inside another one: payments are a workflow, an order has one as a task, and a whole payment is tried again."""

import asyncio
from enum import Enum, auto
from typing import Literal

from cano import MemoryStore, Resources, Retry, Workflow, context_of, per_run, task


class Payment(Enum):
    RESERVE = auto()
    CAPTURE = auto()
    PAID = auto()
    REFUSED = auto()


class Order(Enum):
    PAY = auto()
    SHIP = auto()
    SHIPPED = auto()
    CANCELLED = auto()


@task(state=Payment)
async def reserve(store: MemoryStore) -> Literal[Payment.CAPTURE, Payment.REFUSED]:
    store.append("log", f"reserve {store.get('amount', int)}")
    return Payment.CAPTURE if store.get("amount", int) <= 100 else Payment.REFUSED


@task(state=Payment)
async def capture(store: MemoryStore) -> Literal[Payment.PAID]:
    fails = store.get("failures", int, default=0)
    store.put("failures", fails - 1)
    if fails > 0:
        raise ConnectionError("the bank does not answer")
    return Payment.PAID


@task(state=Order)
async def ship(cart: MemoryStore) -> Literal[Order.SHIPPED]:
    cart.append("log", "ship")
    return Order.SHIPPED


payment = (
    Workflow(Resources({"store": per_run(of=MemoryStore)}), state=Payment)  # each run must bring a store
    .register(Payment.RESERVE, reserve)
    .register(Payment.CAPTURE, capture)
    .add_exit_state(Payment.PAID)
    .add_exit_state(Payment.REFUSED)
)

order = (
    Workflow(Resources({"cart": per_run(of=MemoryStore)}), state=Order)
    .register(
        Order.PAY,
        payment.as_task(
            Payment.RESERVE,
            to={Payment.PAID: Order.SHIP, Payment.REFUSED: Order.CANCELLED},
            resources={"store": "cart"},  # what it calls "store" is the cart here
        ),
        retry=Retry(2, delay=0),  # an attempt is a whole payment
        timeout=30,
    )
    .register(Order.SHIP, ship)
    .add_exit_state(Order.SHIPPED)
    .add_exit_state(Order.CANCELLED)
)


async def place(amount: int, failures: int = 0) -> None:
    cart = MemoryStore({"amount": amount, "failures": failures, "log": []})
    try:
        end = await order.orchestrate(Order.PAY, resources={"cart": cart})
        print(f"{end.name}: {', '.join(cart.get('log', list[str]))}")
    except ConnectionError as error:
        context = context_of(error)
        assert context is not None
        assert context.inner is not None
        print(f"{error}: {context.state}, attempt {context.attempt}, in {' → '.join(context.inner.path)} of {context.task}")


async def main() -> None:
    await place(60)
    await place(60, failures=1)
    await place(600)
    await place(60, failures=2)


if __name__ == "__main__":
    asyncio.run(main())
