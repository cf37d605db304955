// Tabs as the ARIA pattern has them: one stop in the tab order, arrows between them, the panel named by its tab.
import type { ComponentChildren, JSX } from "preact";
import { useId } from "preact/hooks";

interface Props<T extends string> {
  readonly label: string;
  readonly tabs: readonly (readonly [T, string])[];
  readonly now: T;
  readonly choose: (tab: T) => void;
  readonly children: ComponentChildren;
}

export function Tabs<T extends string>({ label, tabs, now, choose, children }: Props<T>): JSX.Element {
  const id = useId();
  const move = (event: KeyboardEvent): void => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const at = tabs.findIndex(([tab]) => tab === now);
    const next = tabs[(at + step + tabs.length) % tabs.length]?.[0];
    if (next === undefined) return;
    choose(next);
    document.getElementById(`${id}-${next}`)?.focus();
  };
  return (
    <div class="tabbed">
      <div class="tabs" role="tablist" aria-label={label} onKeyDown={move}>
        {tabs.map(([tab, name]) => (
          <button key={tab} type="button" role="tab" id={`${id}-${tab}`} class="tab" data-testid={`tab-${tab}`} aria-selected={tab === now} aria-controls={`${id}-panel`} tabIndex={tab === now ? 0 : -1} onClick={() => choose(tab)}>
            {name}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${id}-panel`} class="tab-panel" aria-labelledby={`${id}-${now}`} tabIndex={0}>
        {children}
      </div>
    </div>
  );
}
