"""What every store of objects must do, files and S3 alike."""

import os
import threading

import pytest

from media.objects import FileObjects, NoSuchObject


def put(objects, name, data, step=1 << 20):
    with objects.create(name) as new:
        for at in range(0, len(data), step):
            new.write(data[at : at + step])
        return new.keep()


def got(objects, name):
    kept = objects.open(name)
    try:
        return b"".join(kept.stream(0, kept.size))
    finally:
        kept.close()


LARGE = os.urandom((8 << 20) * 2 + 4_321)
"""Three parts on S3."""


@pytest.mark.parametrize("size", [0, 1, 65_576, 65_577, 300_000, 8 << 20, (8 << 20) + 1, len(LARGE)])
def test_what_was_created_is_read_back_whole_and_in_ranges(objects, size):
    data = LARGE[:size]
    assert put(objects, "a/b/c", data)
    assert objects.size("a/b/c") == size
    kept = objects.open("a/b/c")
    assert kept.size == size
    assert b"".join(kept.stream(0, size)) == data
    for start, end in ((0, size // 2), (size // 3, size), (size // 2, size // 2), (max(0, size - 9), size)):
        assert b"".join(kept.stream(start, end)) == data[start:end]
        assert kept.read(start, end - start) == data[start:end]
    assert kept.read(max(0, size - 5), 1_000) == data[max(0, size - 5) :]
    kept.close()


def test_nothing_has_a_name_before_it_is_kept(objects):
    for data in (b"small", LARGE):
        with objects.create("n/1") as new:
            new.write(data)
            with pytest.raises(NoSuchObject):
                objects.size("n/1")
        with pytest.raises(NoSuchObject):
            objects.open("n/1")
        with pytest.raises(RuntimeError), objects.create("n/1") as new:  # noqa: PT012 - the with is the thing tested
            new.write(data)
            raise RuntimeError
    assert list(objects.names("n/")) == []
    assert objects.sweep() == 0, "nothing is left to sweep"


def test_the_first_to_create_a_name_has_it(objects):
    for first, second in ((b"one", b"two"), (b"one", LARGE), (LARGE, b"two")):
        assert put(objects, "n/1", first)
        assert not put(objects, "n/1", second)
        assert got(objects, "n/1") == first
        assert objects.delete("n/1")


def test_of_eight_at_once_one_creates(objects):
    made, begun = [], threading.Barrier(8)

    def work(number):
        with objects.create("n/race") as new:
            new.write(b"%d" % number)
            begun.wait()
            if new.keep():
                made.append(b"%d" % number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(made) == 1
    assert got(objects, "n/race") == made[0]


def test_a_replaced_object_is_the_later_one(objects):
    objects.replace("salts/1", b"one")
    objects.replace("salts/1", b"two")
    assert got(objects, "salts/1") == b"two"


def test_deleting_forgets_and_says_whether_there_was_anything(objects):
    put(objects, "n/1", b"x")
    put(objects, "n/11", b"y")
    assert objects.delete("n/1")
    assert not objects.delete("n/1")
    with pytest.raises(NoSuchObject):
        objects.open("n/1")
    assert put(objects, "n/1", b"again")
    assert got(objects, "n/11") == b"y", "whose name begins the same"


def test_names_are_listed_by_their_beginning(objects):
    for name in ("bytes/aa/1", "bytes/aa/22", "bytes/ab/1", "salts/aa/1"):
        put(objects, name, name.encode())
    assert sorted(objects.names("bytes/aa/")) == [("bytes/aa/1", 10), ("bytes/aa/22", 11)]
    assert sorted(name for name, _ in objects.names("bytes/a")) == ["bytes/aa/1", "bytes/aa/22", "bytes/ab/1"]
    assert list(objects.names("tiles/")) == []


@pytest.mark.parametrize("name", ["", "../x", "a/../b", "/a", "a//b", "a/", ".a", "a/.b", "a b", "a\n", "ä", "a" * 401])
def test_what_is_no_name_reaches_no_store(objects, name):
    for act in (objects.size, objects.open, objects.delete, lambda each: objects.replace(each, b"")):
        with pytest.raises(ValueError, match="cannot name"):
            act(name)


def test_what_a_crash_left_in_a_directory_is_swept(tmp_path):
    objects = FileObjects(tmp_path)
    put(objects, "bytes/aa/1", b"x")
    (tmp_path / "bytes" / "aa" / ".0011.tmp").write_bytes(b"half")
    assert list(objects.names("")) == [("bytes/aa/1", 1)]
    assert objects.sweep() == 1
    assert got(objects, "bytes/aa/1") == b"x"
