"""The desk's board over real sockets: several hearings side by side, in codes alone (mission R14)."""

import json
import time

import aiohttp
from courtroom import act, opens, until
from desk import Desk

from hearing_server.flows.decider import Role
from hearing_server.runtime.registry import NewSeat

WORDS = ("陈静", "李敏", "平安保险", "方某", "王强", "浙0281", "保险纠纷", "another case")


async def test_R14_the_board_shows_todays_hearings_with_who_is_gone_and_since_when_and_no_name(court):
    node = court.node
    now_ms = time.time_ns() // 1_000_000
    seats = (NewSeat(Role.JUDGE, "J"), NewSeat(Role.PLAINTIFF, "P"))
    soon = await node.registry.new_case(
        None, "another case", "c", "zh", seats, kind="inquiry", at_ms=now_ms + 3_600_000
    )
    await node.registry.new_case(None, "next year", "c", "zh", seats, kind="hearing", at_ms=now_ms + 31_536_000_000)
    judge = await court.enter("judge/1")
    await judge.admitted()
    plaintiff = await court.enter("party/1")
    await court.until_connected(2)
    await act(judge, "act.admit", "party/1")
    await plaintiff.admitted()
    await opens(judge)
    await act(plaintiff, "hand", True)
    async with aiohttp.ClientSession(base_url=court.url) as http:
        async with http.get("/api/board") as answer:
            assert answer.status == 401
        headers = await Desk().session(http, await node.registry.desk_link())

        async def board(tag=None):
            async with http.get("/api/board", headers={**headers, **({"If-None-Match": tag} if tag else {})}) as answer:
                return answer.status, answer.headers["ETag"], await answer.text()

        _, tag, text = await board()
        assert not any(word in text for word in WORDS)
        open_, inquiry = json.loads(text)["sittings"]  # by their time: the court's was scheduled for nought
        assert (open_["phase"], open_["kind"], open_["stage"]) == ("open", "hearing", "roll_call")
        assert (inquiry["case"], inquiry["phase"], inquiry["kind"]) == (soon.hex(), "scheduled", "inquiry")
        people = {seat["slot"]: seat for seat in open_["seats"]}
        assert (people["party/1"]["hand"], people["party/1"]["connected"]) == (True, True)
        assert (people["party/2"]["connected"], people["party/2"]["since_ms"]) == (False, None)
        assert (await board(tag))[0] == 304  # nothing has changed

        await plaintiff.aclose()
        room = await court.room()
        await until(lambda: not room.writer.state.seats["party/1"].connected)
        status, _, text = await board(tag)
        gone = next(seat for seat in json.loads(text)["sittings"][0]["seats"] if seat["slot"] == "party/1")
        assert (status, gone["connected"], gone["hand"]) == (200, False, False)
        assert now_ms <= gone["since_ms"] <= time.time_ns() // 1_000_000
