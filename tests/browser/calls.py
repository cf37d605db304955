"""A page's media as the browser counts it: frames that arrive, sound that was made up, and when something came back."""

import asyncio

from browsers import DESK, PHONE
from hands import PEOPLE, admitted, come_in, new_case, opens, tid

REMEMBER = """(() => {
  const Original = window.RTCPeerConnection;
  window.calls = [];
  window.RTCPeerConnection = class extends Original {
    constructor(...given) {
      super(...given);
      window.calls.push(this);
    }
  };
})()"""
"""An init script: keeps every connection of the page in `calls`."""

ROWS = """async (type) => {
  const rows = [];
  for (const call of window.calls) {
    if (call.connectionState === "closed") continue;
    (await call.getStats()).forEach((row) => { if (row.type === type) rows.push({ ...row }); });
  }
  return rows;
}"""


async def rows(page, kind):
    """All rows of one kind of the page's living connections."""
    return await page.evaluate(ROWS, kind)


async def arrived(page):
    """What has arrived until now: frames decoded, voice packets, and samples played and made up."""
    found = await rows(page, "inbound-rtp")
    video = [row for row in found if row["kind"] == "video"]
    audio = [row for row in found if row["kind"] == "audio"]

    def total(some, key):
        return sum(row.get(key) or 0 for row in some)

    return {
        "frames": total(video, "framesDecoded"),
        "voice": total(audio, "packetsReceived"),
        "samples": total(audio, "totalSamplesReceived"),
        "concealed": total(audio, "concealedSamples") - total(audio, "silentConcealedSamples"),
    }


async def over(page, seconds):
    """The same within the next seconds, and per second."""
    before, loop = await arrived(page), asyncio.get_running_loop()
    began = loop.time()
    await asyncio.sleep(seconds)
    after = await arrived(page)
    took = loop.time() - began
    return {key: (after[key] - before[key]) / took for key in after}


async def back_within(page, seconds):
    """How long it takes until new frames are decoded and new voice packets are in; None if longer than that."""
    loop = asyncio.get_running_loop()
    began, before = loop.time(), await arrived(page)
    while loop.time() - began < seconds:
        now = await arrived(page)
        # A new connection counts from nothing: whatever is different and not zero has come since.
        if all(now[key] and now[key] != before[key] for key in ("frames", "voice")):
            return loop.time() - began
        await asyncio.sleep(0.05)
    return None


REROUTE = """(port) => {
  const original = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = function (description) {
    const sdp = description.sdp.replace(/(a=candidate:\\S+ \\d+ \\S+ \\d+ \\S+) \\d+( typ host)/g, `$1 ${port}$2`);
    return original.call(this, { type: description.type, sdp });
  };
}"""


async def judge_and_party(served, pages, *, web=None, media_port=None):
    """A judge's desk and a party's phone in an open court, both counted; the phone on the links given."""
    clerk = await pages.person(DESK)
    links = await new_case(clerk, served.desk, PEOPLE)
    judge, party = await pages.person(DESK), await pages.person(PHONE)
    for page in (judge, party):
        await page.add_init_script(REMEMBER)
    if media_port is not None:
        await party.add_init_script(f"({REROUTE})({media_port})")
    await into_open_court(judge, party, links, served.base, web)
    return judge, party


async def into_open_court(judge, party, links, base, web=None):
    """Both come in by their links (the party's over `web`), and the judge opens."""
    await come_in(judge, links["judge/1"])
    await tid(judge, "page-room").wait_for()
    await come_in(party, links["party/1"].replace(base, web or base))
    await tid(party, "page-waiting").wait_for()
    await admitted(judge, ["party/1"])
    await tid(party, "page-room").wait_for()
    await opens(judge)
    await party.locator("[data-testid=phase][data-phase=open]").wait_for()
