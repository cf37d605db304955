"""On the thinnest promised link people are understood and seen: 50 kbit/s, 300 ms, 5 % loss, both ways (R11)."""

import base64
import contextlib
import logging
import os
import statistics
from pathlib import Path

import pytest
from browsers import ARGUMENTS, CHROMIUM, DESK, PHONE, Pages
from calls import REROUTE, into_open_court
from hands import PEOPLE, new_case, video_plays
from playwright.async_api import async_playwright
from recogniser import INSTALLED, Recogniser, error_rate, speak, words

from tests.netsim import TcpProxy, UdpRelay
from tests.netsim.profiles import GOOD, THINNEST

RUNS = int(os.environ.get("PALMCOURT_SPEECH_RUNS", "3"))
LEAD_S = 45
"""Seconds of silence before the statement: people come in and the link becomes thin meanwhile."""
MAX_WORSE = 0.10
STATEMENT = (Path(__file__).parent / "speech" / "statement.txt").read_text()


pytestmark = [
    pytest.mark.browser,
    pytest.mark.torture,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(not INSTALLED, reason="the recogniser is not installed: make .venv/installed-asr"),
]

LISTEN = """() => {
  window.heard = { tracks: [], parts: [] };
  const Original = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Original {
    constructor(...given) {
      super(...given);
      this.addEventListener("track", (event) => {
        if (event.track.kind === "audio") window.heard.tracks.push(event.track);
      });
    }
  };
}"""
RECORD = """() => {
  const context = new AudioContext();
  const mix = context.createMediaStreamDestination();
  for (const track of window.heard.tracks) context.createMediaStreamSource(new MediaStream([track])).connect(mix);
  const recorder = new MediaRecorder(mix.stream, { mimeType: "audio/webm;codecs=opus", audioBitsPerSecond: 64000 });
  recorder.ondataavailable = (event) => window.heard.parts.push(event.data);
  recorder.start(1000);
  window.heard.recorder = recorder;
}"""
TAKE = """async () => {
  const { recorder, parts } = window.heard;
  await new Promise((done) => { recorder.onstop = done; recorder.stop(); });
  const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
  let text = "";
  for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
  return btoa(text);
}"""
FRAMES = """(slot) => {
  const video = document.querySelector(`[data-testid="tile-${slot}"] video`);
  return video?.getVideoPlaybackQuality().totalVideoFrames ?? 0;
}"""


async def heard_over_the_thin_link(served, directory, seconds):
    """A hearing of two whose party is on the thin link. Both speak; gives what each heard, and pictures per second."""
    async with contextlib.AsyncExitStack() as stack:
        playwright = await stack.enter_async_context(async_playwright())
        people = []
        for name in ("judge", "party"):
            spoken = f"--use-file-for-fake-audio-capture={directory / 'statement.wav'}%noloop"
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS, spoken])
            stack.push_async_callback(browser.close)
            people.append(await Pages(browser).person(DESK if name == "judge" else PHONE))
        judge, party = people
        web = await stack.enter_async_context(TcpProxy(("127.0.0.1", served.port), GOOD))
        media = await stack.enter_async_context(UdpRelay(("127.0.0.1", served.media_port), GOOD))
        for page in people:
            await page.add_init_script(f"({LISTEN})()")
        await party.add_init_script(f"({REROUTE})({media.address[1]})")
        clerk = await Pages(judge.context.browser).person(DESK)
        links = await new_case(clerk, served.desk, PEOPLE)
        await clerk.close()
        await into_open_court(judge, party, links, served.base, f"http://127.0.0.1:{web.address[1]}")
        assert await video_plays(party, "judge/1")
        for page in people:
            await page.evaluate(f"({RECORD})()")
        web.profile = media.profile = THINNEST
        await party.wait_for_timeout(LEAD_S * 1000)
        before = [await judge.evaluate(FRAMES, "party/1"), await party.evaluate(FRAMES, "judge/1")]
        await party.wait_for_timeout(seconds * 1000)
        after = [await judge.evaluate(FRAMES, "party/1"), await party.evaluate(FRAMES, "judge/1")]
        sounds = []
        for number, page in enumerate(people):
            sounds.append(directory / f"heard-{number}.webm")
            sounds[-1].write_bytes(base64.b64decode(await page.evaluate(f"({TAKE})()")))
        return sounds, [(late - early) / seconds for early, late in zip(before, after, strict=True)]


async def test_R11_speech_is_understood_and_a_picture_comes_at_50_kbit_s(served, tmp_path, record_property):
    """At least 400 words, the mean of three runs: at most ten points above the clean file's error rate, and one
    picture a second, from the thin link and to it.
    """
    said = words(STATEMENT)
    assert len(said) >= 400
    seconds = speak(STATEMENT, tmp_path / "statement.wav", LEAD_S)
    recogniser = Recogniser(tmp_path / "model")
    clean = error_rate(said, recogniser.words(tmp_path / "statement.wav"))
    errors, pictures = ([], []), ([], [])
    for _ in range(RUNS):
        sounds, rates = await heard_over_the_thin_link(served, tmp_path, seconds + 5)
        for way in (0, 1):
            errors[way].append(error_rate(said, recogniser.words(sounds[way])))
            pictures[way].append(rates[way])
    record_property("clean_error_rate", clean)
    record_property("error_rates", errors)
    record_property("pictures_per_s", pictures)
    logging.getLogger(__name__).info("clean %.3f; heard %s; pictures a second %s", clean, errors, pictures)
    for way in (0, 1):
        assert statistics.mean(errors[way]) <= clean + MAX_WORSE
        assert statistics.mean(pictures[way]) >= 1.0
