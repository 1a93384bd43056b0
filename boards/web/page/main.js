// SPDX-License-Identifier: Apache-2.0
// The page's start: the site, the model, the parts and their tabs.
import { App, SiteError, sayProblem } from "./app.js";
import { Board } from "./board.js";
import { byId, element, fillTexts } from "./dom.js";
import { Listen } from "./listen.js";
import { Record } from "./record.js";
import { Recording } from "./recording.js";
import { TEXT } from "./text.js";
import { Tune } from "./tune.js";

const PARTS = ["listen", "recording", "tune", "record", "board"];

/** @param {string} part */
function show(part) {
  for (const name of PARTS) {
    const chosen = name === part;
    byId(name).hidden = !chosen;
    const tab = byId(`tab-${name}`);
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
  }
}

function prepareTabs() {
  const tabs = PARTS.map((name) => byId(`tab-${name}`));
  tabs.forEach((tab, index) => {
    tab.addEventListener("click", () => {
      history.replaceState(null, "", `#${PARTS[index]}`);
      show(PARTS[index]);
    });
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      const next = tabs[(index + step + tabs.length) % tabs.length];
      next.focus();
      next.click();
    });
  });
  const wanted = location.hash.startsWith("#token=") ? "record" : location.hash.slice(1);
  show(PARTS.includes(wanted) ? wanted : PARTS[0]);
}

/** @param {App} app */
function prepareModels(app) {
  const choice = byId("model", HTMLSelectElement);
  choice.append(...app.models.map(({ name }, index) => element("option", { value: String(index) }, name)));
  byId("model-choice").hidden = app.models.length < 2;
  choice.addEventListener("change", () => void choose(app, choice.selectedIndex));
  app.onModel((firmware) => {
    choice.selectedIndex = app.models.indexOf(app.model);
    byId("about-model").textContent = TEXT.aboutModel(firmware.name, firmware.version, app.vectors);
  });
}

/** @param {App} app @param {number} index */
async function choose(app, index) {
  sayProblem("");
  try {
    await app.choose(index);
  } catch (error) {
    if (!(error instanceof SiteError)) throw error;
    sayProblem(error.message);
    byId("model", HTMLSelectElement).selectedIndex = app.about === null ? -1 : app.models.indexOf(app.about);
  }
}

async function start() {
  fillTexts();
  prepareTabs();
  const app = new App();
  try {
    await app.load();
  } catch (error) {
    if (!(error instanceof SiteError)) throw error;
    sayProblem(error.message);
    return;
  }
  new Listen(app);
  new Recording(app);
  new Tune(app);
  new Record(app);
  new Board(app);
  prepareModels(app);
  await choose(app, 0);
  document.body.classList.add("ready");
  // Absent without HTTPS, refused with a certificate of our own; the page then works online.
  navigator.serviceWorker?.register("sw.js").catch(() => undefined);
}

/** @param {unknown} reason of what the page itself did wrong */
function confess(reason) {
  sayProblem(TEXT.pageFailed(reason instanceof Error ? reason.message : String(reason)));
}

window.addEventListener("error", ({ error }) => {
  if (error instanceof Error) confess(error); // nothing else is the page's own
});
window.addEventListener("unhandledrejection", (event) => confess(event.reason));
// A file that is dropped beside the drop area would replace the page.
for (const name of ["dragover", "drop"]) window.addEventListener(name, (event) => event.preventDefault());
void start();
