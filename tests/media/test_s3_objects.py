"""A bucket that is down, slow, full, forbidden or at odds about the time; a wire that loses, cuts and flips; and what a
bucket with versions keeps of what was deleted. The server is real; the faults are its own, or on the wire before it.
"""

import logging
import os
import subprocess
import sys
import textwrap
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from media import s3_objects
from media.objects import NoSuchObject, StoreAway, StoreFull, StoreRefuses
from media.s3_objects import S3Objects, credentials
from tests.s3_server import KEYS, READ_ONLY, Wire, ports

PARTS = os.urandom(2 * s3_objects.PART + 77)


def put(objects, name, data):
    with objects.create(name) as new:
        new.write(data)
        return new.keep()


def got(objects, name):
    kept = objects.open(name)
    return b"".join(kept.stream(0, kept.size))


@pytest.fixture
def wire(s3):
    wire = Wire(s3)
    yield wire
    wire.close()


@pytest.fixture
def far(s3, wire):
    """Objects beyond the wire, given up after the second try."""
    objects = s3.objects(url=wire.url, tries=2, timeout_s=1.5)
    yield objects
    objects.close()


@pytest.fixture
def near(s3, far):
    """The same bucket and prefix, past the wire."""
    objects = S3Objects(s3.bucket(prefix=far._bucket.prefix))
    yield objects
    objects.close()


def first(todo, method="PUT", part=""):
    """Spoil the first request of this kind only."""
    done = []

    def spoil(seen, path):
        if seen == method and part in path and not done:
            done.append(path)
            return todo
        return None

    return spoil


# -- what is repeated -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "todo", [("answer", 500, "InternalError"), ("answer", 503, "SlowDown"), "lose", "flip", ("wait", 2.0)], ids=str
)
@pytest.mark.parametrize("data", [b"small", PARTS], ids=["whole", "in parts"])
def test_one_request_that_goes_wrong_changes_nothing(far, near, wire, todo, data):
    """Also when it was done and only its answer was lost; a bit that flips is refused by the store."""
    wire.spoil = first(todo, part="partNumber=2" if data is PARTS else "")
    if todo == "flip":
        with pytest.raises(StoreRefuses, match="changed on the way"):
            put(far, "n/1", data)
        with pytest.raises(NoSuchObject):
            near.size("n/1")
    put(far, "n/1", data)
    assert got(near, "n/1") == data
    assert near._unfinished() == []


def test_the_answer_to_the_last_request_of_an_upload_may_be_lost(far, near, wire):
    wire.spoil = first("lose", method="POST", part="uploadId")
    put(far, "n/1", PARTS)
    assert got(near, "n/1") == PARTS


def test_a_part_is_sent_again_alone(far, wire):
    wire.spoil = first(("answer", 500, "InternalError"), part="partNumber=2")
    put(far, "n/1", PARTS)
    sent = [each.split("partNumber=")[1][0] for each in wire.seen if "partNumber" in each]
    assert sorted(sent) == ["1", "2", "2", "3"]


def test_a_read_that_breaks_off_goes_on_where_it_was(far, near, wire):
    put(near, "n/1", PARTS)
    kept, cuts = far.open("n/1"), []

    def spoil(method, _path):
        cuts.append(method)
        return ("cut", 3_000_001) if len(cuts) <= 3 else None

    wire.spoil = spoil
    assert b"".join(kept.stream(0, kept.size)) == PARTS
    assert len(cuts) == 4


def test_an_object_that_was_replaced_is_not_mixed_with_what_was_read_of_it(near):
    put(near, "n/1", PARTS)
    kept = near.open("n/1")
    near.replace("n/1", bytes(len(PARTS)))
    with pytest.raises(StoreRefuses):
        b"".join(kept.stream(0, kept.size))


# -- what is told -----------------------------------------------------------------------------------------------------
def test_a_store_that_fails_again_and_again_is_away_and_nothing_has_its_name(far, near, wire):
    for data, method in ((b"x", "PUT"), (PARTS, "PUT"), (PARTS, "POST")):
        wire.spoil = lambda seen, _path, method=method: ("answer", 500, "InternalError") if seen == method else None
        with pytest.raises(StoreAway, match="fails with 500"):
            put(far, "n/1", data)
        wire.spoil = lambda _method, _path: None
        with pytest.raises(NoSuchObject):
            near.size("n/1")
    assert put(far, "n/1", b"x"), "and it is asked again with success"


def test_a_store_that_is_not_there_or_hangs_is_away_within_the_time_set(s3, far, wire):
    nowhere = s3.objects(url=f"http://127.0.0.1:{ports(1)[0]}", tries=2)
    with pytest.raises(StoreAway, match="does not answer"):
        put(nowhere, "n/1", b"x")
    nowhere.close()
    wire.spoil = lambda _method, _path: ("wait", 20)
    began = time.monotonic()
    with pytest.raises(StoreAway, match="does not answer"):
        far.size("n/1")
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(("status", "code"), [(507, "InsufficientStorage"), (403, "QuotaExceeded")])
def test_a_full_bucket_is_told_and_takes_more_when_there_is_room(far, near, wire, status, code):
    wire.spoil = lambda method, path: ("answer", status, code) if method == "PUT" else None
    for data in (b"x", PARTS):
        with pytest.raises(StoreFull, match="full"):
            put(far, "n/1", data)
    wire.spoil = lambda _method, _path: None
    assert put(far, "n/1", PARTS)
    assert near._unfinished() == []


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        (READ_ONLY, "has not the rights"),
        (("nobody", "x"), "does not know this access key"),
        ((KEYS[0], "wrong"), "not the one that belongs"),
    ],
)
def test_wrong_rights_are_told_by_the_store_itself_and_no_key_is_in_the_sentence(s3, keys, sentence):
    objects = s3.objects(keys=keys)
    for act in (objects.check, lambda: put(objects, "n/1", b"x")):
        with pytest.raises(StoreRefuses, match=sentence) as told:
            act()
        assert KEYS[1] not in repr(told.value)
        assert keys[1] not in str(told.value).split()
    objects.close()


def test_a_bucket_that_is_not_there_is_told(s3):
    objects = s3.objects("no-such-bucket")
    with pytest.raises(StoreRefuses, match="no bucket of this name"):
        objects.check()
    objects.close()


@pytest.mark.parametrize("hours", [-2, 2])
def test_a_clock_that_is_wrong_is_told_as_that(s3, monkeypatch, hours):
    objects = s3.objects()
    import botocore.auth

    wrong = datetime.now(UTC) + timedelta(hours=hours)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda remove_tzinfo=True: wrong.replace(tzinfo=None))
    with pytest.raises(StoreRefuses, match="clock"):
        objects.check()
    objects.close()


def test_a_store_without_conditional_writes_is_not_used(far, near, wire):
    """What it would do: take the second put of a name as well."""
    wire.spoil = lambda method, path: ("answer", 200, "") if method == "PUT" else None
    with pytest.raises(StoreRefuses, match="If-None-Match"):
        far.check()


def test_no_secret_is_in_a_log_or_in_what_is_printed_of_a_bucket(s3, caplog, monkeypatch):
    with caplog.at_level(logging.DEBUG):
        objects = s3.objects()
        put(objects, "n/1", b"the witness said so")
    said = caplog.text + repr(objects._bucket) + repr(objects)
    assert "put_object" in said or "PutObject" in said
    assert KEYS[1] not in said
    objects.close()


# -- keys -------------------------------------------------------------------------------------------------------------
def test_keys_come_from_a_file_or_the_environment_and_no_sentence_quotes_them(tmp_path, monkeypatch):
    file = tmp_path / "keys"
    file.write_text("[default]\naws_access_key_id = a\naws_secret_access_key = b%c\n")
    assert credentials(str(file)) == ("a", "b%c", "")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "d")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "e")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "f")
    assert credentials("") == ("d", "e", "f")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    for text in (
        "",
        "[default]\naws_access_key_id = hidden\n",
        "hidden = 1\n",
        "[default\nhidden",
        "[other]\nhidden = 1",
    ):
        file.write_text(text)
        with pytest.raises(StoreRefuses) as told:
            credentials(str(file))
        assert "hidden" not in str(told.value)
        assert told.value.__cause__ is None
    with pytest.raises(StoreRefuses, match="environment"):
        credentials("")
    with pytest.raises(StoreRefuses, match="cannot be read"):
        credentials(str(tmp_path / "nothing"))


# -- versions ---------------------------------------------------------------------------------------------------------
def versions(objects):
    page = objects._client.list_object_versions(Bucket=objects._bucket.name, Prefix=objects._bucket.prefix)
    return [each["Key"] for kind in ("Versions", "DeleteMarkers") for each in page.get(kind, ())]


def test_what_is_deleted_leaves_no_version_where_a_bucket_keeps_them(s3):
    objects = s3.objects("versions")
    for text in (b"one", b"two", b"three"):
        objects.replace("salts/1", text)
    objects._client.delete_object(Bucket="versions", Key=objects._bucket.prefix + "salts/1")
    objects.replace("salts/1", b"four")
    objects.replace("salts/11", b"other")
    assert len(versions(objects)) == 6
    assert objects.delete("salts/1")
    assert versions(objects) == [objects._bucket.prefix + "salts/11"]
    assert not objects.delete("salts/1")
    objects.close()


def test_an_object_hidden_by_a_mark_of_deletion_is_destroyed_too(s3):
    objects = s3.objects("versions")
    put(objects, "n/1", b"x")
    objects._client.delete_object(Bucket="versions", Key=objects._bucket.prefix + "n/1")
    assert objects.delete("n/1"), "its bytes were there"
    assert versions(objects) == []
    objects.close()


# -- large, and over a crash ------------------------------------------------------------------------------------------
def test_uploads_that_nobody_finished_are_swept_when_they_are_old(s3, monkeypatch):
    objects = s3.objects()
    objects.ask("create_multipart_upload", Key=objects._key("n/1"))
    assert objects.sweep() == 0, "a young one may be another node's, under way"
    monkeypatch.setattr(s3_objects, "STALE", timedelta(seconds=-60))
    assert objects.sweep() == 1
    assert objects._unfinished() == []
    objects.close()


LARGE = textwrap.dedent("""
    import hashlib, resource, sys
    from media.s3_objects import Bucket, S3Objects
    url, prefix, key, secret, pieces = sys.argv[1:]
    objects = S3Objects(Bucket(url, "court", key, secret, prefix=prefix))
    objects.replace("warm", b"x")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    digest, piece = hashlib.sha256(), bytes(range(256)) * 4096
    with objects.create("n/large") as new:
        for number in range(int(pieces)):
            piece = piece[1:] + piece[:1]
            digest.update(piece)
            new.write(piece)
        assert new.keep()
    again, kept = hashlib.sha256(), objects.open("n/large")
    for each in kept.stream(0, kept.size):
        again.update(each)
    assert kept.size == int(pieces) << 20 and again.digest() == digest.digest()
    assert objects.delete("n/large")
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
""")


@pytest.mark.parametrize("megabytes", [96, pytest.param(1_024, marks=pytest.mark.torture)])
def test_a_large_object_goes_up_and_comes_down_in_little_memory(s3, megabytes):
    arguments = [s3.url, f"large-{megabytes}/", *KEYS, str(megabytes)]
    done = subprocess.run([sys.executable, "-c", LARGE, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 48_000, "kB: a few parts, whatever the size"


def test_what_was_acknowledged_is_there_after_the_store_was_killed(s3):
    """And what was under way either is there whole or is not there."""
    objects = s3.objects(tries=1, timeout_s=3.0)
    kept, stop = [], threading.Event()

    def work():
        for number in range(10_000):
            if stop.is_set():
                return
            try:
                put(objects, f"n/{number}", b"%d" % number * 100)
            except StoreAway:
                return
            kept.append(number)

    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(0.7)
    s3.kill()
    stop.set()
    thread.join()
    assert kept
    with pytest.raises(StoreAway):
        put(objects, "n/after", b"x")
    s3.start()
    assert put(objects, "n/after", b"x"), "it goes on by itself"
    assert all(got(objects, f"n/{number}") == b"%d" % number * 100 for number in kept)
    objects.close()
