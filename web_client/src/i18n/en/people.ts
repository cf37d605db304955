import type { PeopleWords } from "../zh/people";

export const people = {
  step: (n: number, of: number) => `${n} of ${of}`,
  asked: {
    rules: "The rules of the court",
    online_hearing: "Do you consent to an online hearing?",
    recording: "Do you consent to the recording in place of a written record?",
  },
  texts: {
    rules:
      "Attend from a quiet, well-lit place where nobody disturbs you, dressed for court, and follow the court's directions. Nobody may record, capture or pass on the hearing without leave. Do not leave without leave; if your line or device fails, come back by the same link as soon as you can.",
    online_hearing: "I consent to this hearing being held online, and know that it has the same effect as in a courtroom. My consent reaches no other stage, and I may withdraw it within reasonable time.",
    recording: "I consent to the recording of the hearing taking the place of a written record. I may look at the recording and check that it is whole.",
  },
  yes: { rules: "I have read and will keep them", online_hearing: "I consent", recording: "I consent" },
  later: "Not now; the clerk will ask me",
  all_answered: "You have answered everything. Please wait to be called in.",
  given: "What you have answered",
  you_consent: (what: string) => `You consent to: ${what}`,
  take_back: "Withdraw",
  withdraw: (what: string) => `Withdraw: ${what}`,
  withdraw_title: "Withdraw your consent",
  withdraw_text: "The court is told, and the judge decides how it goes on.",
  withdraw_sure: "Withdraw my consent",
  reason: "Reason (if you like)",
  keep: "Keep my consent",

  forms: {
    online_hearing: "online hearing",
    online_evidence: "evidence online",
    online_service: "electronic service",
    recording: "recording in place of a written record",
  } as Record<string, string>,
  identity: { passed: "identity confirmed", failed: "identity in doubt", none: "identity not checked" },
  consent: { yes: "consents to online", no: "no consent to online" },
  rules: { yes: "rules accepted", no: "rules not accepted" },

  before: (n: number) => (n === 0 ? "Everything before opening is done" : n === 1 ? "1 thing is open before the hearing" : `${n} things are open before the hearing`),
  before_hint: "The court may open all the same; what is open then goes on the record.",
  lacks: {
    bars: "what speaks against an online hearing has not been looked at",
    identity: "identity not checked",
    consent: "no consent to an online hearing",
    rules: "court rules not accepted",
  },
  mend: {
    bars: "Looked at, nothing found",
    identity: "I have seen the document",
    consent: "Note spoken consent",
  },
  doubt: "Identity in doubt",

  methods: { document: "document", question: "a question", video: "over video", known: "known to the court" } as Record<string, string>,
  did: {
    "verify.passed": (who: string, how: string) => `confirmed who ${who} is (${how})`,
    "verify.failed": (who: string, how: string) => `could not confirm who ${who} is (${how})`,
    note_consent: (who: string, what: string) => `noted the spoken consent of ${who}: ${what}`,
    bars: "looked at what speaks against an online hearing",
    consent: (what: string) => `consented: ${what}`,
    withdraw: (what: string) => `withdrew the consent: ${what}`,
    rules: "accepted the court rules",
    checklist: (n: number) => (n === 1 ? "1 thing was open when the court opened" : `${n} things were open when the court opened`),
  },
} satisfies PeopleWords;
