import errno
import hashlib
import io
import os
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.blobs import CHUNK, HEADER, MAX_BLOB, TAG, BlobDamaged, BlobMismatch, Blobs, NoSuchBlob
from media.objects import FileObjects, StoreFull

STREAM, SALT, KEY = b"s" * 16, b"a" * 32, b"k" * 32


def commit_of(digest):
    return hashlib.sha256(b"palm/content/v1\0" + SALT + digest).digest()


def name_of(data):
    return commit_of(hashlib.sha256(data).digest())


def put(store, data, stream=STREAM):
    store.put(stream, name_of(data), io.BytesIO(data), KEY, commit_of)
    return name_of(data)


def key_of(name):
    return f"bytes/{STREAM.hex()}/{name.hex()[:2]}/{name.hex()}"


def raw_of(objects, name):
    kept = objects.open(key_of(name))
    data = kept.read(0, kept.size)
    kept.close()
    return data


@pytest.fixture
def store(objects):
    return Blobs(objects)


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 300_001])
def test_what_was_put_is_read_back(store, size):
    data = os.urandom(size)
    name = put(store, data)
    assert b"".join(store.open_range(STREAM, name, KEY)) == data
    assert store.size(STREAM, name) == size
    assert [each for each, _ in store.commitments(STREAM)] == [name]
    assert list(store.streams()) == [STREAM]


DATA = os.urandom(3 * CHUNK + 1_000)


@settings(max_examples=60, deadline=None)  # a busy disk is not a fault of the ranges
@given(st.integers(0, len(DATA)), st.integers(0, len(DATA)))
def test_any_range_is_the_same_as_cutting_the_whole(tmp_path_factory, a, b):
    start, end = sorted((a, b))
    store = Blobs(FileObjects(tmp_path_factory.getbasetemp() / "ranges"))
    name = put(store, DATA)
    assert b"".join(store.open_range(STREAM, name, KEY, start, end)) == DATA[start:end]


def test_a_range_outside_is_an_error_of_the_caller(store):
    name = put(store, b"123")
    for start, end in ((0, 4), (3, 2), (-1, 2)):
        with pytest.raises(ValueError):
            store.open_range(STREAM, name, KEY, start, end)


def test_ranges_at_the_seams_are_the_same_in_every_store(store):
    name = put(store, DATA)
    edges = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, len(DATA) - 1, len(DATA)]
    for start, end in [(a, b) for a in edges for b in edges if a <= b]:
        assert b"".join(store.open_range(STREAM, name, KEY, start, end)) == DATA[start:end]


def test_nothing_of_the_plain_bytes_is_kept(store, objects):
    name = put(store, b"the witness said so" * 10_000)
    raw = raw_of(objects, name)
    assert b"witness" not in raw
    chunks = [raw[at : at + 64] for at in range(HEADER, len(raw), CHUNK + TAG)]
    assert all(one != two for one, two in pairwise(chunks))


def test_the_same_bytes_twice_are_kept_once(store, objects):
    name = put(store, b"x")
    before = raw_of(objects, name)
    assert put(store, b"x") == name
    assert raw_of(objects, name) == before


def test_bytes_that_are_not_what_their_name_says_are_not_kept(store, objects):
    with pytest.raises(BlobMismatch):
        store.put(STREAM, name_of(b"one"), io.BytesIO(b"two"), KEY, commit_of)
    assert list(objects.names("")) == []
    with pytest.raises(NoSuchBlob):
        store.open_range(STREAM, name_of(b"one"), KEY)


def test_every_flipped_bit_is_found(store, objects):
    data = os.urandom(CHUNK + 300)
    name = put(store, data)
    raw = raw_of(objects, name)
    for at in [*range(HEADER + 40), CHUNK + HEADER, CHUNK + HEADER + TAG, len(raw) - 1]:
        objects.replace(key_of(name), raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :])
        with pytest.raises(BlobDamaged):
            b"".join(store.open_range(STREAM, name, KEY))


@pytest.mark.parametrize("left", [0, HEADER, HEADER + 5, HEADER + TAG, HEADER + CHUNK + TAG, HEADER + CHUNK + 2 * TAG])
def test_a_blob_cut_short_is_found_even_by_a_range_at_its_beginning(store, objects, left):
    name = put(store, os.urandom(2 * CHUNK))
    objects.replace(key_of(name), raw_of(objects, name)[:left])
    with pytest.raises(BlobDamaged):
        list(store.open_range(STREAM, name, KEY, 0, 10))


def test_chunks_cannot_change_places_nor_blobs_their_names(store, objects):
    one, two = os.urandom(3 * CHUNK), os.urandom(3 * CHUNK)
    first, second = put(store, one), put(store, two)
    raw = raw_of(objects, first)
    step = CHUNK + TAG
    a, b = raw[HEADER : HEADER + step], raw[HEADER + step : HEADER + 2 * step]
    objects.replace(key_of(first), raw[:HEADER] + b + a + raw[HEADER + 2 * step :])
    with pytest.raises(BlobDamaged):
        b"".join(store.open_range(STREAM, first, KEY))
    objects.replace(key_of(first), raw_of(objects, second))
    with pytest.raises(BlobDamaged):
        store.open_range(STREAM, first, KEY)


def test_another_key_reads_nothing(store):
    name = put(store, b"secret")
    with pytest.raises(BlobDamaged):
        store.open_range(STREAM, name, b"x" * 32)


def test_streams_do_not_share_blobs(store):
    name = put(store, b"x")
    with pytest.raises(NoSuchBlob):
        store.size(b"t" * 16, name)


def test_deleting_forgets(store):
    name = put(store, b"x")
    assert store.delete(STREAM, name)
    assert not store.delete(STREAM, name)
    with pytest.raises(NoSuchBlob):
        store.open_range(STREAM, name, KEY)


def test_a_full_disk_is_named_and_leaves_nothing(tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    objects = FileObjects(tmp_path / "b")
    store = Blobs(objects)
    (tmp_path / "b" / key_of(name_of(b"x"))).parent.mkdir(parents=True)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreFull):
        put(store, b"x")
    assert list(store.commitments(STREAM)) == []
    assert objects.sweep() == 0


def test_more_than_the_largest_blob_is_refused(store, monkeypatch):
    monkeypatch.setattr("media.blobs.MAX_BLOB", 10)
    assert MAX_BLOB == 200_000_000
    with pytest.raises(BlobMismatch):
        put(store, b"x" * 11)
