"""A page's media as the browser counts it: frames that arrive, sound that was made up, and when something came back."""

import asyncio

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
