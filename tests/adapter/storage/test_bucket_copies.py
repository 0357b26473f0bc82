"""Copies in a bucket of a real S3 server: the same promises, and what the server refuses is said in one line."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from storage.bucket_copies import BucketPlace, _why
from storage.copies import CopyFailed, Place
from tests.adapter.storage.place_contract import copy, keeps_its_promises
from tests.simulators.object_server import CREDENTIALS, Line, ObjectServer, object_server
from tests.simulators.server import free_port


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectServer]:
    with object_server(tmp_path_factory.mktemp("objects")) as made:
        yield made


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


def place_at(server: ObjectServer, log_folder: str, *, bucket: str = "checkpoints", prefix: str = "on/record") -> Place:
    return BucketPlace(bucket, log_folder, prefix=prefix, endpoint=server.endpoint)


async def made_bucket(server: ObjectServer, name: str) -> None:
    """By its first object."""
    await BucketPlace(name, "another-log", endpoint=server.endpoint).put(copy(1))


async def test_it_keeps_the_promises_of_a_place(server: ObjectServer) -> None:
    await made_bucket(server, "checkpoints")
    place = place_at(server, "abc")
    await keeps_its_promises(place)
    assert place.where == f"s3://checkpoints/on/record/abc at {server.endpoint}"
    assert await place_at(server, "abc").newest() == copy(100).note, "after a restart"
    assert await place_at(server, "ab").newest() is None, "another log's folder"


async def test_many_copies_are_looked_through(server: ObjectServer) -> None:
    await made_bucket(server, "checkpoints")
    place = place_at(server, "many")
    for size in range(1, 60):
        await place.put(copy(size, stamp=b"stamp"))
    assert await place_at(server, "many").newest() == copy(59).note


async def test_what_the_server_refuses_is_one_line_without_a_stack(
    server: ObjectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = place_at(server, "abc", bucket="there-is-none")
    with pytest.raises(CopyFailed, match="NoSuchBucket") as caught:
        await missing.newest()
    assert caught.value.is_lasting
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(CopyFailed, match="check bucket, rights and credentials") as caught:
        await place_at(server, "abc").put(copy(1))
    assert caught.value.is_lasting
    assert "\n" not in str(caught.value)
    assert "wrong" not in str(caught.value)
    assert CREDENTIALS["AWS_ACCESS_KEY_ID"] not in str(caught.value)


async def test_a_server_that_is_not_there_is_said_to_be_out_of_reach() -> None:
    place = BucketPlace("checkpoints", "abc", endpoint=f"http://127.0.0.1:{free_port()}")
    for work in (place.newest, lambda: place.put(copy(1))):
        with pytest.raises(CopyFailed, match="can't be reached") as caught:
            await work()
        assert not caught.value.is_lasting


async def test_it_goes_on_when_the_server_comes_back(server: ObjectServer) -> None:
    await made_bucket(server, "checkpoints")
    line = Line(server)
    place = BucketPlace("checkpoints", "back", endpoint=line.endpoint)
    await line.mend()
    await place.put(copy(1))
    await line.cut()
    with pytest.raises(CopyFailed, match="can't be reached"):
        await place.put(copy(2))
    await line.mend()
    assert await place.newest() == copy(1).note
    assert await place.put(copy(2))
    assert await place.newest() == copy(2).note
    await line.cut()


def test_without_credentials_it_is_said_that_there_are_none() -> None:
    """As obstore tells it on a machine that is not Amazon's, where asking would take its time."""
    told = "Generic S3 error: Error performing PUT http://169.254.169.254/latest/api/token in 2ms - status code: 403"
    assert "there are no credentials" in _why(ValueError(told))
