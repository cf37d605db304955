"""Every stored bit of a run counts: also those of the frames around leaves and boxes."""

import sqlite3

import pytest

from recording.errors import BadContent, IntegrityError
from recording.log import Draft
from recording.record import Record


@pytest.mark.parametrize("column", ["leaves", "boxes", "marks"])
async def test_any_flipped_bit_of_a_stored_run_is_found(tmp_path, column):
    record = Record.open(tmp_path, "court.test")
    log = await record.create()
    await log.append(
        [Draft("open", "court", 1, content=b"{}"), Draft("join", "party/1", 2), Draft("act", "judge/1", 3)]
    )
    stream = log.stream_id
    record.close()
    database = sqlite3.connect(tmp_path / "record.sqlite")
    guards = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    (kept,) = database.execute(f"SELECT {column} FROM run").fetchone()  # noqa: S608 - a name from the list above
    missed = []
    for at in range(0, len(kept), 1 if len(kept) < 200 else 3):
        altered = bytearray(kept)
        altered[at] ^= 1 << (at % 8)
        for name, _sql in guards:
            database.execute(f"DROP TRIGGER {name}")
        database.execute(f"UPDATE run SET {column} = ?", (bytes(altered),))  # noqa: S608 - as above
        for _name, sql in guards:
            database.execute(sql)
        database.commit()
        record = Record.open(tmp_path, "court.test")
        try:
            again = await record.resume(stream)
            list(again.read())
            missed.append(at)
        except (IntegrityError, BadContent):
            pass
        finally:
            record.close()
    database.close()
    assert missed == []
