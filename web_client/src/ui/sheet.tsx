// A sheet over the page: the native dialog, so focus, Escape and the reader's order are the browser's work.
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";

import type { QuestionName, SheetName } from "./routes";

interface Props {
  readonly title: string;
  readonly close: () => void;
  readonly children: ComponentChildren;
  readonly testid: SheetName;
  readonly side?: boolean;
}

export function Sheet({ title, close, children, testid, side }: Props): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const element = dialog.current;
    if (element !== null && !element.open) {
      if (typeof element.showModal === "function") element.showModal();
      else element.setAttribute("open", ""); // an old web view without modal dialogs still shows it
      // The title first, not the first box: a keyboard that springs up would hide what is asked.
      (element.querySelector<HTMLElement>("[data-focus]") ?? element.querySelector<HTMLElement>("h2"))?.focus();
    }
    return () => element?.close?.();
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby={id}
      class={side === true ? "side" : ""}
      data-testid={testid}
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      onClick={(event) => {
        if (event.target === dialog.current) close();
      }}
    >
      <div class="stack">
        <h2 id={id} tabIndex={-1}>{title}</h2>
        {children}
      </div>
    </dialog>
  );
}

interface ConfirmProps {
  readonly title: string;
  readonly text?: string;
  /** The act by its name; never "OK". */
  readonly sure: string;
  readonly not: string;
  readonly danger?: boolean;
  /** Whether what the court needs is filled in. */
  readonly ready?: boolean;
  readonly testid: QuestionName;
  readonly act: () => void;
  readonly close: () => void;
  readonly children?: ComponentChildren;
}

/** Asked only before what cannot be undone. */
export function Confirm({ title, text, sure, not, danger, ready = true, testid, act, close, children }: ConfirmProps): JSX.Element {
  return (
    <Sheet title={title} close={close} testid={`${testid}-sheet`}>
      {text !== undefined && <p>{text}</p>}
      {children}
      <div class="row confirm">
        <button type="button" class="button grow" data-testid={`${testid}-cancel`} onClick={close}>
          {not}
        </button>
        <button
          type="button"
          class={`button grow ${danger === true ? "danger sure" : "primary"}`}
          data-testid={`${testid}-confirm`}
          disabled={!ready}
          onClick={() => {
            act();
            close();
          }}
        >
          {sure}
        </button>
      </div>
    </Sheet>
  );
}
