// Where a person is told something: entered by the clerk, kept as content of the case's record, and gone when it is ordered
// (NO1). What is no address is said before it is sent.
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";

import { noticesWords } from "../../i18n/notices-words";
import { person } from "../../i18n/words";
import type { CaseSeat, Contact, NewContact } from "../../protocol/desk";
import { Confirm } from "../../ui/sheet";

const EMAIL = /^[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/;
const PHONE = /^\+?[0-9]{5,15}$/;

/** Every clock the browser knows, so that nobody need type a name by heart. */
function zones(): readonly string[] {
  const known = (Intl as unknown as { supportedValuesOf?: (key: string) => string[] }).supportedValuesOf;
  return known === undefined ? [] : known("timeZone");
}

function told(contact: Contact | null): string {
  const w = noticesWords();
  if (contact === null) return w.contact_none;
  if (contact.destroyed) return w.contact_gone;
  const ways = [contact.email, contact.phone].filter((each) => each !== "");
  return ways.length === 0 ? w.contact_none : [...ways, w.languages[contact.language] ?? "", contact.zone].filter((each) => each !== "").join(" · ");
}

export function ContactPart({ seat, save }: { readonly seat: CaseSeat; readonly save: (contact: NewContact) => void }): JSX.Element {
  const w = noticesWords();
  const open = useSignal(false);
  const known = seat.contact !== null && !seat.contact.destroyed;
  const some = known && (seat.contact?.email !== "" || seat.contact.phone !== "");
  return (
    <div class="row">
      <span class={some ? "grow" : "grow tag wait"} data-testid={`contact-${seat.slot}`}>
        {told(seat.contact)}
      </span>
      <button type="button" class="button" data-testid={`contact-edit-${seat.slot}`} onClick={() => (open.value = true)}>
        {known ? w.contact_change : w.contact_add}
      </button>
      {open.value && <ContactSheet seat={seat} save={save} close={() => (open.value = false)} />}
    </div>
  );
}

function ContactSheet({ seat, save, close }: { readonly seat: CaseSeat; readonly save: (contact: NewContact) => void; readonly close: () => void }): JSX.Element {
  const w = noticesWords();
  const language = useSignal(seat.contact?.language ?? "zh");
  const email = useSignal(seat.contact?.email ?? "");
  const phone = useSignal(seat.contact?.phone ?? "");
  const zone = useSignal(seat.contact?.zone ?? "");
  const mail = email.value.trim();
  const number = phone.value.replace(/[\s()-]/g, "");
  const wrongMail = mail !== "" && (!EMAIL.test(mail) || mail.includes(".."));
  const wrongPhone = number !== "" && !PHONE.test(number);
  return (
    <Confirm
      title={w.contact_title(person(seat.role, seat.name))}
      text={w.contact_text}
      sure={w.save}
      not={w.not}
      ready={!wrongMail && !wrongPhone}
      testid="contact"
      close={close}
      act={() => save({ language: language.peek(), email: mail, phone: number, zone: zone.peek().trim() })}
    >
      <div class="field">
        <label for="contact-email">{w.email}</label>
        <input id="contact-email" type="email" data-testid="contact-email" autoComplete="off" maxLength={254} value={email.value} aria-invalid={wrongMail} onInput={(event) => (email.value = event.currentTarget.value)} />
        <span class="wrong" role="status">
          {wrongMail ? w.wrong_email : ""}
        </span>
      </div>
      <div class="field">
        <label for="contact-phone">{w.phone}</label>
        <span class="hint" id="contact-phone-hint">
          {w.phone_hint}
        </span>
        <input id="contact-phone" type="tel" data-testid="contact-phone" autoComplete="off" maxLength={24} aria-describedby="contact-phone-hint" value={phone.value} aria-invalid={wrongPhone} onInput={(event) => (phone.value = event.currentTarget.value)} />
        <span class="wrong" role="status">
          {wrongPhone ? w.wrong_phone : ""}
        </span>
      </div>
      <div class="field">
        <label for="contact-language">{w.language}</label>
        <select id="contact-language" data-testid="contact-language" value={language.value} onChange={(event) => (language.value = event.currentTarget.value)}>
          {["zh", "en"].map((each) => (
            <option key={each} value={each}>
              {w.languages[each]}
            </option>
          ))}
        </select>
      </div>
      <div class="field">
        <label for="contact-zone">{w.zone}</label>
        <span class="hint" id="contact-zone-hint">
          {w.zone_hint}
        </span>
        <input id="contact-zone" data-testid="contact-zone" list="contact-zones" autoComplete="off" maxLength={40} aria-describedby="contact-zone-hint" value={zone.value} onInput={(event) => (zone.value = event.currentTarget.value)} />
        <datalist id="contact-zones">
          {zones().map((each) => (
            <option key={each} value={each} />
          ))}
        </datalist>
      </div>
    </Confirm>
  );
}
