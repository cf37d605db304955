"""How the exported pages look: paper, ink, and nothing that is not needed.

Law of this module: pages work from a directory on a disk, without a font, a script or a picture of their own.
Colours are the court's: ink, paper, court blue, and seal red for recording and sealing only, each beside a word.
"""

from typing import Final

TOKENS: Final = """\
:root { color-scheme: light; --ink: #16202c; --soft: #4c5866; --paper: #fff; --ground: #f4f5f2; --line: #d9dde1;
  --court: #173a63; --seal: #9e2a2b; --amber: #8a5a00; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 17px/1.65 "PingFang SC", "HarmonyOS Sans SC",
  "Noto Sans SC", "Noto Sans CJK SC", "Microsoft YaHei", system-ui, sans-serif; font-variant-numeric: tabular-nums;
  -webkit-text-size-adjust: 100%; overflow-wrap: anywhere; }
:lang(en) body, body:lang(en) { line-height: 1.5; }
a { color: var(--court); text-underline-offset: .15em; }
a:focus-visible, button:focus-visible, input:focus-visible, select:focus-visible {
  outline: 3px solid #ffbf47; outline-offset: 1px; box-shadow: inset 0 0 0 1px var(--ink); }
"""

TRANSCRIPT_CSS: Final = (
    TOKENS
    + """\
header, main, footer { display: flow-root; max-width: 50rem; margin: 0 auto; padding: 0 2.5rem;
  background: var(--paper); }
header { padding-top: 3rem; }
footer { padding-bottom: 3rem; color: var(--soft); font-size: .82em; }
.court { margin: 0; text-align: center; font-size: 1.06em; letter-spacing: .12em; }
h1 { margin: .2rem 0 1.6rem; text-align: center; font-size: 1.75em; letter-spacing: .2em; font-weight: 600; }
:lang(en) .court, :lang(en) h1 { letter-spacing: 0; }
h2 { margin: 2.2rem 0 .6rem; padding-bottom: .3rem; border-bottom: 2px solid var(--court); color: var(--court);
  font-size: 1.06em; font-weight: 600; }
h3 { margin: 1.2rem 0 .3rem; font-size: 1em; font-weight: 600; }
p { margin: .3rem 0; }
dl { margin: 0; }
.facts { border-top: 1px solid var(--line); }
.facts div { display: grid; grid-template-columns: 9rem 1fr; gap: 1rem; padding: .38rem 0;
  border-bottom: 1px solid var(--line); }
dt { color: var(--soft); }
dd { margin: 0; }
table { width: 100%; border-collapse: collapse; }
th { text-align: left; font-weight: 400; color: var(--soft); font-size: .88em; }
th, td { padding: .4rem .8rem .4rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
.gaps { margin: 0; padding-left: 1.2rem; }
.notice { margin-top: 1rem; padding: .7rem 1rem; border-left: 4px solid var(--amber); background: var(--ground); }
.lines { margin: 0; padding: 0; list-style: none; }
.lines li { display: grid; grid-template-columns: 3.2rem 5.4rem 1fr; gap: 0 .6rem; padding: .55rem 0;
  border-bottom: 1px solid #eceef0; break-inside: avoid; }
.lines li.day { display: block; padding: 1.1rem 0 .4rem; color: var(--soft); font-size: .88em;
  border-bottom: 1px solid var(--line); }
.lines li:target { background: #fff6e0; }
.no { color: var(--soft); text-decoration: none; text-align: right; }
.no:hover { text-decoration: underline; }
time { color: var(--soft); font-size: .92em; line-height: inherit; }
.who { display: block; color: var(--soft); font-size: .88em; }
.text { display: block; white-space: pre-wrap; }
.speech .who { color: var(--ink); font-weight: 600; font-size: 1em; }
.act .what { border-left: 3px solid var(--court); padding-left: .8rem; margin-left: -.95rem; }
.act .text { color: var(--court); font-weight: 600; }
.recording .text, .seal .text { color: var(--seal); }
.seal .what { border: 2px solid var(--seal); border-radius: 8px; padding: .6rem .9rem; }
.seal .text { font-weight: 600; }
.presence .text, .note .text { color: var(--soft); }
.absent .text { color: var(--amber); font-weight: 400; }
.gone { color: var(--amber); }
figure { margin: .5rem 0 .2rem; }
img, video { display: block; max-width: 100%; max-height: 22rem; border: 1px solid var(--line); border-radius: 8px; }
audio { display: block; width: 100%; max-width: 26rem; height: 48px; }
figcaption, .file { font-size: .88em; }
.end { margin: 1.6rem 0 2rem; text-align: center; color: var(--soft); }
.record { border-top: 2px solid var(--court); padding-top: .8rem; }
.record div { margin-bottom: .4rem; }
.record dd { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; font-size: .92em;
  word-break: break-all; }
@media (max-width: 720px) {
  header, main, footer { padding-left: 1.1rem; padding-right: 1.1rem; }
  header { padding-top: 2rem; }
  .facts div { grid-template-columns: 1fr; gap: 0; }
  .facts dt { font-size: .88em; }
  .facts dd { white-space: pre-line; }
  thead { display: none; }
  table, tbody { display: block; }
  tr { display: block; padding: .5rem 0; border-bottom: 1px solid var(--line); }
  td { display: grid; grid-template-columns: 6rem 1fr; gap: .6rem; padding: .05rem 0; border: 0; }
  td::before { content: attr(data-title); color: var(--soft); font-size: .88em; }
  .lines li { grid-template-columns: auto 1fr; gap: 0 .7rem; }
  .no, time { font-size: .82em; text-align: left; }
  .no::before { content: "#"; }
  .what { grid-column: 1 / -1; }
  .act .what { margin-left: 0; }
}
@media print {
  @page { size: A4; margin: 2cm 2cm 2.2cm; }
  body { background: none; font-size: 10.5pt; }
  header, main, footer { max-width: none; padding: 0; }
  a { color: inherit; text-decoration: none; }
  audio, video { display: none; }
  img { max-height: 8cm; }
}
"""
)
