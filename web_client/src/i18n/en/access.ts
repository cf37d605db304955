// Captions, a hearing in text, signing.
import type { AccessWords } from "../zh/access";

export const access: AccessWords = {
  captions: "Captions",
  captions_empty: "What people write appears here.",
  you: "you",
  writes: "is writing…",
  title: "Captions and text",
  captions_choices: { off: "Off", on: "On", large: "Large" },
  captions_hint: "For now they show what people write.",
  text: "Hearing in text",
  text_hint: "Words come first, and the signer's picture stays above them. When you are given the floor, called in, or the court is in recess, it is shown in large words and the phone vibrates. Nothing needs hearing or speaking.",
  signer: "signs",
  sign_aloud: "If you do not speak, sign these words to the camera, or have the interpreter read them; the recording of it is the reading.",
  called_in: "The court has called you in",
};
