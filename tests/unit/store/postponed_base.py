"""A record in a module of its own, with postponed annotations and a name that means something else elsewhere."""

from __future__ import annotations

from typing import NotRequired, TypedDict


class Part: ...


class Record(TypedDict):
    name: str
    part: Part
    parts: NotRequired[list[Part]]
    note: NotRequired[str]
