"""A phone that drops out of an open court, over real sockets: its evidence, the ladder, its return (SPEC AB)."""

from courtroom import until
from test_text_hearing import opened

from hearing_server.flows.decider import COURT
from signaling.frames import Receipt, Refused


async def leaves(court, kind):
    room = await court.room()
    return [entry.leaf for entry in room.writer.log.read(0, room.writer.state.size) if entry.leaf.type == kind]


async def away(court, slot):
    room = await court.room()
    await until(lambda: not room.writer.state.seats[slot].connected)


async def test_AB1_a_drop_is_noted_beside_its_leave_with_what_the_phone_last_told_of_itself(court):
    _judge, plaintiff, defendant = await opened(court)
    await plaintiff.signal("device", {"battery": "low", "network": "mobile"})
    await defendant.signal("device", {"battery": 7, "network": "the WLAN of somebody"})
    await plaintiff.submit("hand", [True])  # what a phone says comes in order: its signal has been taken by now
    await defendant.submit("hand", [True])
    plaintiff.drop()
    room = await court.room()
    await until(lambda: "drop" in room.writer.state.counts)
    [leave], [drop] = await leaves(court, "leave"), await leaves(court, "drop")
    assert (drop.seq, drop.actor) == (leave.seq + 1, COURT)
    slot, side, cause, heartbeat_ms, media_ms, battery, network = drop.facts
    assert (slot, side, cause, battery, network) == ("party/1", "unknown", "network", "low", "mobile")
    assert 0 <= heartbeat_ms < 10_000
    assert media_ms is None  # it had sent none

    await defendant.aclose()
    await until(lambda: room.writer.state.counts["drop"] == 2)
    assert (await leaves(court, "drop"))[1].facts[0] == "party/2"
    assert (await leaves(court, "drop"))[1].facts[5:] == (None, None)


async def test_AB2_AB4_the_ladder_is_climbed_while_he_is_away_and_he_reads_it_when_he_comes_back(court):
    judge, _plaintiff, defendant = await opened(court)
    assert isinstance(await judge.submit("act.prompt_absent", ["party/2"]), Refused)
    await defendant.aclose()
    await away(court, "party/2")
    assert isinstance(await judge.submit("act.warn_absent", ["party/2"]), Refused)
    for act in (["act.prompt_absent", ["party/2"]], ["act.warn_absent", ["party/2"]]):
        assert isinstance(await judge.submit(*act), Receipt)
    again = await court.enter("party/2", device=court.devices["party/2"])
    welcome = await again.admitted()
    [seat] = [seat for seat in welcome.view["seats"] if seat["slot"] == "party/2"]
    assert (seat["away"]["step"], seat["away"]["back"]) == ("warned", True)
    assert isinstance(await judge.submit("act.rule_absent", ["party/2", "left_court"]), Refused)


async def test_FL4_the_court_tells_that_the_time_is_up_and_leaves_the_floor_where_it_is(court):
    judge, _plaintiff, _defendant = await opened(court)
    assert isinstance(await judge.submit("act.floor", ["party/1", 5]), Receipt)
    room = await court.room()
    await until(lambda: "floor.time_up" in room.writer.state.counts)
    assert room.writer.state.floor == "party/1"
