"""A sitting as its people live it: the clerk makes the case, hands out links and takes her own seat; everybody comes
in by his link, answers at the door and is let in; the judge leads from stage to stage; a stranger reads the export.
"""

import asyncio
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from browsers import DESK, PHONE
from hands import SHOTS, admitted, come_in, exported, new_case, tid

from transcripts.wording import CATALOGS

PALMCOURT = [sys.executable, "-m", "hearing_server.cli"]
RULES = tomllib.loads((Path(__file__).parents[2] / "config/court/cn-civil.toml").read_text(encoding="utf-8"))
STAGES = RULES["kinds"]["hearing"]["stages"]


def stages_named(language):
    """All stages of a hearing in their order, as the court's rules call them."""
    return [RULES["stages"][code][language] for code in STAGES]


class Story:
    """Everybody's page by his seat, while one case goes from the clerk's desk to the seal."""

    def __init__(self, served, pages, locale, name):
        self.served, self.pages, self.locale, self.name = served, pages, locale, name
        self.language = locale[:2]
        self.at = {}
        self.links = {}

    async def made(self, people, *, number, cause, words):
        """The clerk makes the case, and goes from the desk to her own seat by her link."""
        self.desk = self.patient(await self.pages.person(DESK, locale=self.locale))
        self.links = await new_case(self.desk, self.served.desk, people, number=number, cause=cause, why=words)
        await self.shot(self.desk, "links")
        async with self.desk.context.expect_page() as opened:
            await tid(self.desk, "open-clerk/1").click()
        clerk = self.at["clerk/1"] = self.patient(self.pages.heard(await opened.value))
        await tid(clerk, "enter").click()
        await tid(clerk, "selftest-continue").click()
        await tid(clerk, "page-room").wait_for()
        return clerk

    @staticmethod
    def patient(page):
        """Six people with pictures on one machine: a page that is behind is no failure of the court."""
        page.set_default_timeout(45_000)
        return page

    async def comes(self, slot, device=PHONE):
        """Through the door by his link: the bench into the room, everybody else to where he waits."""
        page = self.at[slot] = self.patient(await self.pages.person(device, locale=self.locale))
        await come_in(page, self.links[slot])
        await tid(page, "page-room" if slot.startswith(("judge", "clerk")) else "page-waiting").wait_for()
        return page

    async def answers(self, slot):
        """What the court asks of him at the door: its rules, and his consents; he says yes to each."""
        page = self.at[slot]
        done = tid(page, "check-in-done")
        yes = tid(page, "check-in-yes")
        while await yes.or_(done).first.get_attribute("data-testid") != "check-in-done":
            asked = await page.locator("[data-testid^=check-in-]").first.get_attribute("data-testid")
            await yes.click()
            await tid(page, asked).wait_for(state="detached")
        await done.wait_for()

    async def known(self, clerk, slots):
        """The clerk has looked at the bars and at everybody's document: nothing is missing any more."""
        checklist = tid(clerk, "checklist")
        await checklist.locator("summary").click()
        await tid(clerk, "mend-bars-court").click()
        for slot in slots:
            await tid(clerk, f"verify-{slot}").click()
        await clerk.locator("[data-testid=checklist][data-open='0']").wait_for()

    async def opens(self, judge, slots):
        """Nothing is missing, so it takes one tap."""
        await admitted(judge, slots)
        await tid(judge, "act-open").click()
        for slot in slots:
            await self.at[slot].locator("[data-testid=phase][data-phase=open]").wait_for()

    async def stage(self, judge, code):
        await tid(judge, "stage-now").click()
        await tid(judge, f"stage-{code}").click()
        await judge.locator(f"[data-testid=stage-now][data-stage={code}]").wait_for()

    async def orders(self, judge, text, *, seen_by):
        """An order in words, which is on the page of somebody it concerns."""
        await tid(judge, "order").click()
        await tid(judge, "order-words").fill(text)
        await tid(judge, "order-confirm").click()
        await tid(self.at[seen_by], "timeline").get_by_text(text).first.wait_for()

    async def says(self, slot, text, *, to):
        """He writes it, and it has arrived on the page of somebody else."""
        page = self.at[slot]
        await tid(page, "composer-text").fill(text)
        await tid(page, "composer-send").click()
        await tid(self.at[to], "timeline").get_by_text(text).first.wait_for()

    async def shot(self, page, name):
        if SHOTS:
            await page.screenshot(path=f"{SHOTS}/{self.name}-{name}-{self.language}.png")

    async def exported(self, judge, directory):
        """The export as the judge takes it out of the sealed page, unpacked."""
        return Told(await exported(judge, directory), self.language)


class Told:
    """What a stranger learns from an export, with nothing but its files."""

    def __init__(self, bundle: Path, language):
        self.bundle, self.language = bundle, language
        self.transcript = next(bundle.rglob(f"transcript.{language}.txt")).read_text(encoding="utf-8")
        assert CATALOGS[language].unread.split("{")[0] not in self.transcript, "an entry that is not told in words"

    async def holds(self):
        """Both verifiers, ours and the one that travels in the export, find nothing."""
        for command in (
            [*PALMCOURT, "verify", str(self.bundle)],
            [sys.executable, str(self.bundle / "data/verify/verify.py"), str(self.bundle)],
        ):
            report = await asyncio.to_thread(
                subprocess.run, command, capture_output=True, text=True, check=False, cwd=self.bundle
            )
            assert report.returncode == 0, (command, report.stdout, report.stderr)

    async def nothing_reached(self, slot):
        """What `palmcourt prove sequestration` says of one seat."""
        command = [*PALMCOURT, "prove", "sequestration", str(self.bundle), "--seat", slot, "--language", self.language]
        report = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
        assert report.returncode == 0, (report.stdout, report.stderr)
        return report.stdout

    def people(self, roles, names):
        """Each as the court calls him: what his role is, then his name."""
        return [f"{RULES['roles'][role][self.language]} {name}" for role, name in zip(roles, names, strict=True)]

    def names(self, *words):
        """Each stands in the transcript, in this order."""
        at = 0
        for word in words:
            found = self.transcript.find(word, at)
            assert found >= 0, f"{word!r} is not told, or not after what comes before it"
            at = found

    def tells(self, kind, **about):
        """An act of this kind stands in it, in the sentence that the transcript has for it."""
        words = CATALOGS[self.language]
        sentence = {**words.checked_in, **words.conduct, **words.testimony}[kind]
        pattern = re.escape(sentence).replace(r"\{", "{").replace(r"\}", "}")
        for name, value in about.items():
            pattern = pattern.replace(f"{{{name}}}", re.escape(value))
        assert re.search(re.sub(r"\{\w+\}", ".+?", pattern), self.transcript), (kind, about)

    def word(self, code):
        """What the transcript calls a ground or an outcome."""
        return CATALOGS[self.language].conduct_codes[code]
