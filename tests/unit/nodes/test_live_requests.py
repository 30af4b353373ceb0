"""What the live preview's route takes, and which of several requests it answers."""

from __future__ import annotations

import asyncio
import json
import threading
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def requests(pack: ModuleType) -> ModuleType:
    from importlib import import_module

    return import_module(f"{pack.__name__}.nodes.live_requests")


def body(**changes: object) -> bytes:
    return json.dumps({"node": "9", "values": {"lambda_00": 1.5}, "time": 2.0} | changes).encode()


def test_a_good_body(requests: ModuleType) -> None:
    assert requests.parse_preview_request(body()) == ("9", {"lambda_00": 1.5}, 2.0)
    assert requests.parse_preview_request(body(node="5:12:9"))[0] == "5:12:9"
    assert requests.parse_preview_request(b'{"node": "1", "values": {}}') == ("1", {}, 0.0)


@pytest.mark.parametrize(
    ("sent", "named"),
    [
        (None, "larger"),
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 200_000, "not JSON"),
        (b"[1]", "list"),
        (body(node=9), "node"),
        (body(node="9; drop"), "node"),
        (body(node="../9"), "node"),
        (body(node="9:"), "node"),
        (body(node="\u0669"), "node"),
        (body(node="1" * 400), "node"),
        (body(values=[1]), "values"),
        (body(values=None), "values"),
        (body(time="now"), "time"),
        (body(time=True), "time"),
        (body(time=-1), "time"),
        (body(time=1e9), "time"),
        (b'{"node": "9", "values": {}, "time": NaN}', "time"),
        (b'{"node": "9", "values": {}, "time": Infinity}', "time"),
        (b'{"node": "9", "values": {}, "time": 1' + b"0" * 400 + b"}", "time"),
    ],
)
def test_a_bad_body_is_refused_by_name(requests: ModuleType, sent: bytes | None, named: str) -> None:
    with pytest.raises(requests.BadRequestError, match=named) as caught:
        requests.parse_preview_request(sent)
    assert len(str(caught.value)) < 400, "what came in is not sent back whole"


def test_one_at_a_time_and_the_newest_wins(requests: ModuleType) -> None:
    """Four requests of one node and one of another while the first is at work: the second and third are never done."""
    done: list[str] = []
    started, may_end, together = threading.Event(), threading.Event(), []

    def work(name: str) -> str:
        together.append(name)
        assert len(together) == 1, "two at once"
        if name == "first":
            started.set()
            assert may_end.wait(20)
        together.remove(name)
        done.append(name)
        return name

    async def scenario() -> list[object]:
        newest = requests.NewestWins()
        first = asyncio.create_task(newest.run("9", lambda: work("first")))
        await asyncio.to_thread(started.wait, 20)
        names = [("9", "second"), ("9", "third"), ("7", "other"), ("9", "fourth")]
        waiting = [asyncio.create_task(newest.run(key, lambda name=name: work(name))) for key, name in names]
        await asyncio.sleep(0)  # all of them have asked
        may_end.set()
        found = await asyncio.gather(first, *waiting, return_exceptions=True)
        assert newest._newest == {}, "nothing is kept of requests that have ended"
        return found

    found = asyncio.run(scenario())
    assert done == ["first", "other", "fourth"]
    assert [one if isinstance(one, str) else type(one) for one in found] == [
        "first",
        requests.SupersededError,
        requests.SupersededError,
        "other",
        "fourth",
    ]


def test_an_error_in_the_work_reaches_its_request_and_the_next_one_runs(requests: ModuleType) -> None:
    def fails() -> None:
        raise RuntimeError("no memory")

    async def scenario() -> str:
        newest = requests.NewestWins()
        with pytest.raises(RuntimeError, match="no memory"):
            await newest.run("9", fails)
        return await newest.run("9", lambda: "well")

    assert asyncio.run(scenario()) == "well"


def test_directions_without_a_calibration(requests: ModuleType) -> None:
    directions = requests.describe_directions(None)
    assert len(directions) == 20
    assert directions[7] == {"index": 7, "name": "λ7", "group": "other", "low": -3.0, "high": 3.0, "measured": False, "labels": []}
