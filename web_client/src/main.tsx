// The first lines to run: language and print are put on the page, the link is read, and the door is shown.
import "./styles/tokens.css";
import "./styles/base.css";

import { render } from "preact";

import { App, open } from "./app";
import { tag } from "./i18n/language";
import { applyPrint } from "./ui/masthead";

document.documentElement.lang = tag();
applyPrint();

const root = document.getElementById("app");
if (root !== null) render(<App />, root);

void open();
addEventListener("hashchange", () => {
  // a second link pasted into an open tab is a new visit
  if (/^#\/(?:[jr]\/|p(?:\/|$))/.test(location.hash)) void open();
});
