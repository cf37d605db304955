"""A court whose streams are in a real PostgreSQL, as far as it differs from one that keeps all in its directory."""

import pytest
from courtroom import act, court_in, opens

from hearing_server.config import ConfigError, load
from recording.errors import CannotOpen


@pytest.fixture
def store(postgres_server):
    """Settings for a database of its own."""
    at = {"host": str(postgres_server.place), "database": postgres_server.database(), "user": "court", "tls": "off"}
    return {"engine": "postgresql", "postgresql": at}


async def test_a_hearing_on_postgres_is_spoken_in_closed_and_sealed_and_found_again_by_a_restart(tmp_path, store):
    async with court_in(tmp_path / "data", store=store) as court:
        judge, party = await court.enter("judge/1"), await court.enter("party/1")
        await judge.admitted()
        await act(judge, "act.admit", "party/1")
        await party.admitted()
        await opens(judge)
        await act(party, "msg.text", content='{"text":"我同意调解。"}'.encode())
        await court.close_and_seal(judge)
        sitting = await court.sitting
    assert not (tmp_path / "data" / "record").exists()
    async with court_in(tmp_path / "data", store=store) as court:
        assert (await court.room()).writer.log.sealed
        assert await court.sitting == sitting


def test_settings_of_a_database_that_cannot_be_meant_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"store\.postgresql\.host is empty"):
        load(None, store={"engine": "postgresql"})
    with pytest.raises(ConfigError, match="no TLS"):
        load(None, store={"engine": "postgresql", "postgresql": {"host": "/run/postgresql"}})
    at = {"host": "db.example", "password_file": str(tmp_path / "nothing")}
    with pytest.raises(ConfigError, match=r"password_file .* is not there"):
        load(None, store={"engine": "postgresql", "postgresql": at})
    with pytest.raises(ConfigError, match="schema"):
        load(None, store={"postgresql": {"schema": "a; drop table"}})


async def test_a_database_that_is_not_there_is_one_sentence_at_the_start(tmp_path):
    at = {"host": str(tmp_path), "tls": "off"}
    with pytest.raises(CannotOpen, match=r"the database palmcourt at .* cannot be used"):
        async with court_in(tmp_path / "data", store={"engine": "postgresql", "postgresql": at}):
            pass
