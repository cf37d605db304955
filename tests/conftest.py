"""Engines that many tests share: each is started once in a run, at the first test that asks for it."""

import pytest
from database import Server

from media.objects import FileObjects
from tests.s3_server import S3Server


@pytest.fixture(scope="session")
def postgres_server():
    """A real PostgreSQL; take a database of your own from it."""
    server = Server()
    yield server
    server.close()


@pytest.fixture(scope="session")
def s3():
    """A real S3 server; take a place of your own in it."""
    server = S3Server()
    yield server
    server.close()


@pytest.fixture(params=["files", "s3", "s3 with versions"])
def objects(request, tmp_path):
    """An empty store of objects of each kind: one suite for all of them."""
    if request.param == "files":
        yield FileObjects(tmp_path / "objects")
        return
    found = request.getfixturevalue("s3").objects("versions" if "versions" in request.param else "court")
    yield found
    found.close()
