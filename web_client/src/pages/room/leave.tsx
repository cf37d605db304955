// Leaving asks first, and so does the phone's back gesture.
import { signal, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";

import { roomWords } from "../../i18n/room-words";
import { forgetEntered } from "../../state/device";
import { Icon } from "../../ui/icons";
import { Confirm } from "../../ui/sheet";
import { leave } from "./session";

/** True after the person has left on purpose. */
export const left = signal(false);
const asking = signal(false);

export function LeaveButton(): JSX.Element {
  const r = roomWords();
  return (
    <button type="button" class="button quiet" data-testid="leave" onClick={() => (asking.value = true)}>
      <Icon name="leave" />
      {r.leave}
    </button>
  );
}

/** Mounted once per page of the sitting: holds the back gesture and shows the question. */
export function LeaveQuestion(): JSX.Element | null {
  const r = roomWords();
  const armed = useSignal(false);
  useEffect(() => {
    if (!armed.value) {
      armed.value = true;
      history.pushState({ court: true }, "");
    }
    const back = (): void => {
      history.pushState({ court: true }, "");
      asking.value = true;
    };
    addEventListener("popstate", back);
    return () => {
      removeEventListener("popstate", back);
      asking.value = false;
    };
  }, []);
  if (!asking.value) return null;
  return (
    <Confirm
      title={r.leave_title}
      text={r.leave_text}
      sure={r.leave_sure}
      not={r.stay}
      testid="leave"
      close={() => (asking.value = false)}
      act={() => {
        left.value = true;
        forgetEntered();
        void leave();
      }}
    />
  );
}
