// The pages after an adjournment, the close, a conversion, a cancellation.
import type { EndedWords } from "../zh/ended";

export const ended: EndedWords = {
  happened: "What happened",
  todo: "What you need to do",
  record: "Record of the hearing",
  record_hint: "All that is on the record is there; nothing was lost.",
  camera_off: "Your camera and microphone are off; nobody hears or sees you.",
  adjourned: {
    title: "The hearing is adjourned",
    lead: "Next date:",
    happened: "The judge has adjourned the hearing to another date. What is on the record until today stays valid.",
    todo: ["Come back then by the same link; checking in begins 30 minutes before.", "Have your phone, your identity card and a quiet place ready.", "If you cannot come then, please call the court soon."],
  },
  converted: {
    title: "The hearing goes on in a courtroom",
    lead: "",
    happened: "The judge has decided that this case goes on in a courtroom. What was done online stays valid and need not be done again.",
    todo: ["The court will tell you when and where; please wait for its notice.", "Bring your identity card and the originals of your evidence.", "Until then there is nothing to do; if you have a question, please call the court."],
  },
  cancelled: {
    title: "This sitting was cancelled",
    lead: "",
    happened: "The judge cancelled this sitting before it was opened. Nothing was recorded.",
    todo: ["There is nothing for you to do.", "The court will tell you whether there will be another sitting."],
  },
  closed: {
    title: "The hearing is closed",
    lead: "",
    happened: "The judge has closed the hearing and the recording has stopped. Judge and clerk are preparing and sealing the record.",
    todo: ["Keep this page open: once sealed, the whole record is shown here for you to check.", "You may also leave and come back later by the same link."],
  },
};
