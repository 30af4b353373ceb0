"""What all of `prepare` shares: many files in several processes, rejects with reasons, splits by speaker, reports.

A file that cannot be used is reported and left out; nothing that a file does ends the run, not even a process that dies of it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, TypeVar

import torch

from ..atomic_file import write_beside

SPLITS = ("train", "valid", "test")
_VALID, _TEST = 0.8, 0.9  # where on the way from 0 to 1 the speakers of valid and test begin
Item = TypeVar("Item")
Result = TypeVar("Result")


class Rejected(Exception):
    """Why something is left out, in a few words that others share; a colon begins what only this one has."""


def work_through(
    work: Callable[[Item], Result], items: Sequence[Item], workers: int, crashed: Callable[[Item], Result]
) -> Iterator[Result]:
    """`work(item)` of all items, as they are done, in `workers` fresh processes, or here if that is 1. An item that kills its process has
    the result `crashed(item)`, and the rest goes on."""
    if workers <= 1:
        yield from map(work, items)
        return
    left = dict(enumerate(items))
    while left:
        for number, result in _in_pool(work, left, workers):
            del left[number]
            yield result
        for number in list(left)[: 2 * workers + 1]:  # what was at work or next to it when a process died: each in a process of its own
            item = left.pop(number)
            alone = [result for _, result in _in_pool(work, {number: item}, 1)]
            yield alone[0] if alone else crashed(item)


def _in_pool(work: Callable[[Item], Result], items: Mapping[int, Item], workers: int) -> Iterator[tuple[int, Result]]:
    """Ends early where a process dies."""
    fresh = multiprocessing.get_context("spawn")  # a detector in this process has threads, which a fork would not take along
    pool = ProcessPoolExecutor(workers, fresh, initializer=torch.set_num_threads, initargs=(1,))
    try:
        futures: dict[Future[Result], int] = {pool.submit(work, item): number for number, item in items.items()}
        with contextlib.suppress(BrokenProcessPool):
            for future in as_completed(futures):
                yield futures[future], future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def file_name(path: Path, source: Path) -> str:
    """A file's place under the source as one name; the suffix stays, as two files may differ in it alone."""
    return "__".join(path.relative_to(source).parts).replace(".", "_")


def write_json(path: Path, data: object) -> None:
    """Writes a file that a reader finds whole or not at all."""
    with write_beside(path) as unfinished:
        unfinished.write_text(json_text(data, indent=1))


def json_text(data: object, indent: int | None = None) -> str:
    """JSON with null where there is no number: not every reader knows NaN.

    >>> json_text({"r": float("nan"), "all": [1.0, float("inf")]})
    '{"r": null, "all": [1.0, null]}'
    """

    def known(value: object) -> object:
        if isinstance(value, float) and not math.isfinite(value):
            return None
        if isinstance(value, Mapping):
            return {key: known(one) for key, one in value.items()}
        return [known(one) for one in value] if isinstance(value, (list, tuple)) else value

    return json.dumps(known(data), indent=indent, allow_nan=False)


def read_json(path: Path) -> Any:
    """What the file holds, None if it is not there or damaged: then it is made again."""
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def counted_reasons(reasons: Iterable[str]) -> dict[str, int]:
    """How often each reason was given, the most frequent first; what follows a colon does not count."""
    return dict(Counter(reason.split(":")[0] for reason in reasons).most_common())


def split_speakers(speakers: Iterable[str]) -> dict[str, str]:
    """Each speaker's split, decided by a hash of the name: eight in ten "train", one each "valid" and "test", and nobody moves when others
    join. With three speakers or more no split is empty: then the last ones by hash fill it.

    >>> split_speakers(["s1", "s2", "s3", "s4"])
    {'s4': 'train', 's1': 'train', 's3': 'valid', 's2': 'test'}
    """
    places = {name: int(hashlib.sha256(f"split:{name}".encode()).hexdigest()[:12], 16) / 16**12 for name in speakers}
    order = sorted(places, key=lambda name: (places[name], name))
    splits = {name: "train" if places[name] < _VALID else "valid" if places[name] < _TEST else "test" for name in order}
    if len(order) >= len(SPLITS):
        for name, split in zip(order[::-1], ("test", "valid"), strict=False):
            if split not in splits.values():
                splits[name] = split
        if "train" not in splits.values():
            splits[order[0]] = "train"
    return splits
