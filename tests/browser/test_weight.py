"""What a phone fetches before *Enter* can be tapped, counted on the wire."""

import pytest
from browsers import DESK, PHONE
from hands import PEOPLE, new_case, tid

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

SCRIPT_BYTES, STYLE_BYTES = 45_000, 10_000


async def test_script_and_style_until_enter_is_usable_are_small(served, pages):
    clerk = await pages.person(DESK)
    links = await new_case(clerk, served.desk, PEOPLE)
    phone = await pages.person(PHONE, service_workers="block")
    session = await phone.context.new_cdp_session(phone)
    await session.send("Network.enable")
    kinds, sizes = {}, {}
    session.on("Network.responseReceived", lambda event: kinds.update({event["requestId"]: event["type"]}))
    session.on("Network.loadingFinished", lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]}))
    await phone.goto(links["party/1"])
    await tid(phone, "enter").wait_for()
    await phone.wait_for_timeout(500)
    weight = {
        kind: sum(size for request, size in sizes.items() if kinds.get(request) == kind) for kind in set(kinds.values())
    }
    assert 0 < weight["Script"] <= SCRIPT_BYTES, weight
    assert 0 < weight["Stylesheet"] <= STYLE_BYTES, weight
