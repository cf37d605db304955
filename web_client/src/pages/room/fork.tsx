// Two things that the court signed cannot both be true. The person is told what happened, what is kept, what to do and whom
// to call, and can take both away as a file that any verifier reads; nothing on this page makes it go away.
import type { JSX } from "preact";

import { roomWords } from "../../i18n/room-words";
import { courtTime } from "../../i18n/times";
import { phone } from "../../state/page";
import type { Fork } from "../../state/witness";
import { Icon } from "../../ui/icons";
import { CallCourt } from "../../ui/masthead";
import { evidence } from "./evidence";
import { here } from "./here";

export function ForkNotice(): JSX.Element | null {
  const r = roomWords();
  const fork = here().sitting.witness.fork.value;
  if (fork === null) return null;
  return (
    // Open when it comes; whoever has read it may fold it and go on with the hearing, its title stays.
    <details class="notice bad fork" open data-testid="forked" data-why={fork.why}>
      <summary>
        <strong>{r.fork_title}</strong>
      </summary>
      <div class="stack" role="alert">
        <p>{r.fork_why[fork.why]}</p>
        <p class="small">
          {fork.head !== null && r.fork_kept(fork.head.size)} {r.fork_at(courtTime(fork.atMs))}
        </p>
        <p>{r.fork_do}</p>
        <div class="row">
          <button type="button" class="button" data-testid="fork-save" onClick={() => save(fork)}>
            <Icon name="download" />
            {r.fork_save}
          </button>
          <CallCourt phone={phone.value} />
        </div>
      </div>
    </details>
  );
}

function save(fork: Fork): void {
  const url = URL.createObjectURL(new Blob([evidence(fork)], { type: "text/plain" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = `palmcourt-evidence-${fork.origin.split("/")[1]?.slice(0, 8) ?? "record"}.txt`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
