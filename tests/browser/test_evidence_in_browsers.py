"""What a phone keeps against the court, and what happens when it has lost its own key."""

import asyncio
import shutil
import sys

import pytest
from browsers import DESK, PHONE
from hands import PEOPLE, admitted, come_in, further, new_case, opens, say, sees_text, shot, tid
from test_hearing_in_browsers import opened

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

READ_KEY = """async () => {
  const open = indexedDB.open("palmcourt");
  const db = await new Promise((done) => (open.onsuccess = () => done(open.result)));
  const ask = db.transaction("seats").objectStore("seats").getAll();
  const rows = await new Promise((done) => (ask.onsuccess = () => done(ask.result)));
  const { key } = rows[0];
  let taken = "no";
  try { await crypto.subtle.exportKey("pkcs8", key.privateKey); taken = "yes"; } catch {}
  return [key.kind, Array.from(key.publicKey).join(), taken];
}"""
READ_HEAD = """async () => {
  const open = indexedDB.open("palmcourt");
  const db = await new Promise((done) => (open.onsuccess = () => done(open.result)));
  const ask = db.transaction("heads").objectStore("heads").getAll();
  const rows = await new Promise((done) => (ask.onsuccess = () => done(ask.result)));
  db.close();
  return rows.length === 0 ? 0 : rows[0].size;
}"""
WIPE = """async () => {
  sessionStorage.clear();
  localStorage.clear();
  const gone = indexedDB.deleteDatabase("palmcourt");
  await new Promise((done) => { gone.onsuccess = gone.onerror = gone.onblocked = done; });
}"""


async def in_court(served, pages):
    clerk, judge, party = await pages.person(DESK), await pages.person(DESK), await pages.person(PHONE)
    links = await new_case(clerk, served.desk, PEOPLE)
    await come_in(judge, links["judge/1"])
    await tid(judge, "page-room").wait_for()
    await come_in(party, links["party/1"])
    await tid(party, "page-waiting").wait_for()
    await admitted(judge, ["party/1"])
    await tid(party, "page-room").wait_for()
    await opens(judge)
    await party.locator("[data-testid=phase][data-phase=open]").wait_for()
    return clerk, judge, party, links


async def proven(page, count):
    await page.locator("[data-testid=on-record][data-proven=yes]").nth(count - 1).wait_for()


async def test_a_reload_keeps_the_key_which_no_script_can_read(served, pages):
    _clerk, judge, party, _links = await in_court(served, pages)
    await say(party, "重载之前。")
    await proven(party, 1)
    before = await party.evaluate(READ_KEY)
    await party.reload()
    await tid(party, "page-room").wait_for()
    await say(party, "重载之后。")
    await sees_text(judge, "重载之后")
    await proven(party, 2)
    assert await party.evaluate(READ_KEY) == before
    assert before[0] == "native"
    assert before[2] == "no"


async def test_a_wiped_browser_gets_a_new_key_by_the_clerks_leave_and_on_the_record(served, pages):
    clerk, judge, party, links = await in_court(served, pages)
    await say(party, "原来的钥匙。")
    await proven(party, 1)
    await party.evaluate(WIPE)
    await party.goto("about:blank")
    await come_in(party, links["party/1"])
    await tid(party, "failed-used").wait_for()
    assert "书记员" in await party.locator("body").inner_text()
    await shot(party, "key-lost")
    await tid(clerk, "release-party/1").click()
    await clerk.wait_for_timeout(500)
    await party.goto("about:blank")
    await party.goto(links["party/1"])  # this tab was let in before: it goes straight on
    await tid(party, "page-room").wait_for()
    await say(party, "新的钥匙。")
    await proven(party, 1)
    await judge.locator("[data-testid=timeline] li[data-type='key.add']").wait_for()
    await shot(judge, "key-replaced")


async def test_the_courts_key_changes_in_the_middle_and_every_line_stays_proven(served, pages):
    _clerk, judge, party, _links = await in_court(served, pages)
    await say(party, "旧钥匙之下。")
    await proven(party, 1)
    command = [sys.executable, "-m", "hearing_server.cli", "keys", "rotate", "--data", str(served.data)]
    rotated = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert "gave way" in (await rotated.communicate())[0].decode()
    await say(party, "换钥匙的时候。")
    await say(judge, "新钥匙之下。")
    await sees_text(party, "新钥匙之下")
    await proven(party, 2)
    await proven(judge, 1)
    await judge.wait_for_timeout(1_500)  # a checkpoint under the new key has come
    for page in (judge, party):
        assert await tid(page, "forked").count() == 0
        assert await page.locator("[data-testid=on-record][data-proven=bad]").count() == 0


async def test_a_phone_shows_that_the_record_was_rolled_back_and_keeps_both_notes(served, pages, tmp_path):
    _clerk, judge, party, _links = await in_court(served, pages)
    await say(party, "第一句。")
    await sees_text(judge, "第一句")
    await served.kill()
    copy = tmp_path / "yesterday"
    shutil.copytree(served.data, copy, ignore=shutil.ignore_patterns("*.sock"))
    await served.start()
    for words in ("第二句。", "第三句。", "第四句。"):
        await say(party, words)
        await sees_text(judge, words)
    await proven(party, 4)
    size = 0
    for _ in range(60):
        size, before = await party.evaluate(READ_HEAD), size
        if size == before and size > 0:
            break
        await asyncio.sleep(2)
    await served.kill()
    shutil.rmtree(served.data)
    shutil.copytree(copy, served.data)
    await served.start()
    await tid(party, "forked").wait_for(timeout=40_000)
    text = await tid(party, "forked").inner_text()
    assert "联系法院" in text
    await shot(party, "forked")
    async with party.expect_download() as download:
        await tid(party, "fork-save").click()
    saved = tmp_path / "evidence.txt"
    await (await download.value).save_as(saved)
    assert saved.read_text(encoding="utf-8").count("\n— ") >= 1
    await party.reload()
    await tid(party, "forked").wait_for(timeout=20_000)


async def test_a_restricted_part_is_seen_by_those_named_and_has_only_its_place_for_others(served, pages):
    _clerk, judge, plaintiff, defendant, _links = await opened(served, pages)
    await plaintiff.locator("[data-testid=phase][data-phase=open]").wait_for()
    await further(judge, "act-restrict")
    await tid(judge, "restrict-party/1").check()
    await tid(judge, "restrict-reason").fill("涉及商业秘密")
    await shot(judge, "restrict-question")
    await tid(judge, "restrict-confirm").click()
    await plaintiff.locator("[data-testid=restricted][data-outside=no]").wait_for()
    await defendant.locator("[data-testid=restricted][data-outside=yes]").wait_for()
    await say(plaintiff, "我们的底价是五万元。")
    await sees_text(judge, "底价")
    await defendant.locator("[data-testid=timeline] li[data-type=withheld]").first.wait_for()
    assert await tid(defendant, "composer-text").is_disabled()
    for name, page in (("judge", judge), ("inside", plaintiff), ("outside", defendant)):
        await shot(page, f"restricted-{name}")
    await tid(judge, "act-unrestrict").click()
    await tid(defendant, "restricted").wait_for(state="detached")
    await say(defendant, "What was said?")
    await sees_text(plaintiff, "What was said?")
    assert "底价" not in await tid(defendant, "timeline").inner_text()


async def test_a_large_file_is_hashed_in_a_worker_and_checked_by_who_fetches_it(served, pages, tmp_path):
    _clerk, judge, party, _links = await in_court(served, pages)
    workers = []
    party.on("worker", lambda worker: workers.append(worker.url))
    judge.on("worker", lambda worker: workers.append(worker.url))
    large = tmp_path / "papers.bin"
    large.write_bytes(bytes(range(256)) * 4096 * 12)
    await tid(party, "file-input").set_input_files(large)
    line = judge.locator("[data-testid=timeline] li[data-type='msg.file']")
    await line.wait_for(timeout=40_000)
    await line.locator("button.file").click()
    await line.locator("a.file").wait_for(timeout=40_000)  # shown as a link only after its bytes were checked
    async with judge.expect_download() as download:
        await line.locator("a.file").click()
    fetched = tmp_path / "fetched.bin"
    await (await download.value).save_as(fetched)
    assert fetched.read_bytes() == large.read_bytes()
    assert len([url for url in workers if "digest" in url]) == 2
