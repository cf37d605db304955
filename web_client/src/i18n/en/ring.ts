// Phone notifications: a phone that sleeps rings when the court calls.
import type { RingWords } from "../zh/ring";

export const ring: RingWords = {
  title: "May the court call you when it is your turn?",
  text: "Waiting may take long, and your phone goes to sleep. If you agree, it shows a notification when the court wants you. It says nothing of the case, and you can turn it off at any time.",
  yes: "Yes, notify me",
  asking: "turning it on…",
  no: "No, thank you",
  on: "Notifications are on: your phone will tell you when the court wants you.",
  off: "Turn notifications off",
  denied: "The browser does not allow notifications. Please keep this page open; you will be let in from here.",
  failed: "This phone cannot receive notifications now. Please keep this page open; you will be let in from here.",
};
