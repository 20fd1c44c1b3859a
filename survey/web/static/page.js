// The question page: shows a pair, takes one answer, continues when the server has stored it.

import { Clock } from "./clock.js";
import { Gestures } from "./gestures.js";
import * as keys from "./keys.js";
import { painted, Pictures } from "./pictures.js";
import * as tools from "./tools.js";
import { Viewer } from "./viewer.js";
import { Another, kept, Refused, send } from "./vote.js";
import { isSame, offer } from "./who.js";

// Nobody can judge a pair in so short a time: ignore the second half of a double click or of a key
// pressed twice, which was meant for the previous question.
const SETTLE_MS = 300;

const at = (id) => document.getElementById(id);
const data = JSON.parse(at("data").textContent);
const to = { url: data.vote, token: document.querySelector('meta[name="csrf-token"]').content };
const buttons = [...document.querySelectorAll("[data-choice]")];
const clock = new Clock();
at("resume-link").value = new URL(data.who, location.href).href;
const viewer = new Viewer(at("stage"), tools.refresh);
const pictures = new Pictures(() => {
  if (state.loading) say(data.text.load_trouble);
});
const state = { question: null, loading: false, ready: false, sending: false };

new Gestures(viewer);
tools.connect(viewer);
keys.listen(viewer, choose);
for (const button of buttons) {
  button.addEventListener("click", () => choose(button.dataset.choice));
}
// A page restored from the browser's cache shows an old question.
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  // What is clicked on a page that is about to go would be lost.
  document.body.inert = true;
  location.reload();
});
async function begin() {
  const waiting = kept.get(data.question.position, data.who);
  const shown = show(data.question, data.preload);
  if (waiting) return submit(waiting, true);
  kept.drop();
  await shown;
}

function fill(words) {
  const { position, total } = state.question;
  return words.replace("{position}", position).replace("{total}", total);
}

function say(words) {
  at("notice").textContent = words;
}

/** Enable or disable the answer buttons. */
function unlock() {
  const open = state.ready && !state.sending;
  for (const button of buttons) button.setAttribute("aria-disabled", String(!open));
}

async function show(question, preload) {
  Object.assign(state, { question, loading: true, ready: false });
  unlock();
  viewer.clear();
  at("count").textContent = fill(data.text.progress);
  at("progress").value = question.position - 1;
  document.body.classList.add("loading");
  const images = await pictures.pair(question.left, question.right);
  if (state.question !== question) return;
  viewer.show(images);
  document.body.classList.remove("loading");
  state.loading = false;
  if (!state.sending) say("");
  await painted();
  if (state.question !== question) return;
  clock.start();
  prepare(question, preload);
  await new Promise((settled) => setTimeout(settled, SETTLE_MS));
  if (state.question !== question) return;
  state.ready = true;
  unlock();
  at("announce").textContent = fill(data.text.announce);
}

/** Load the next pair in advance, and forget earlier pairs. */
function prepare(question, preload) {
  pictures.keep([[question.left, question.right], preload]);
  if (preload.length) pictures.pair(...preload);
}

function choose(choice) {
  const offered = buttons.some((button) => button.dataset.choice === choice);
  if (!offered || !state.ready || state.sending) return;
  submit({
    id: state.question.id,
    position: state.question.position,
    choice,
    response_ms: clock.elapsed(),
    layout: viewer.layout,
    shown_px: viewer.shownPixels,
    zoomed: viewer.hasZoomed,
    compared: viewer.hasCompared,
  });
}

/** Send an answer and continue; `again` if an earlier page could not send it. */
async function submit(vote, again = false) {
  state.sending = true;
  unlock();
  mark(vote.choice);
  kept.put(vote, data.who);
  try {
    goOn(await send(vote, to, () => say(data.text.sending)));
  } catch (error) {
    // The answer is kept: it is sent again when its own person goes on.
    if (error instanceof Another) return offer(data.who, data.now);
    if (!(error instanceof Refused)) throw error;
    refused(again);
  }
}

function mark(choice) {
  for (const button of buttons) {
    button.classList.toggle("chosen", button.dataset.choice === choice);
  }
}

function goOn(reply) {
  kept.drop();
  at("progress").value = reply.position;
  if (reply.done) return location.replace(reply.done);
  state.sending = false;
  mark(null);
  say("");
  // Move the focus off the button, so that the space bar compares, but not off the tools.
  if (!at("tools").contains(document.activeElement)) at("question").focus({ preventScroll: true });
  show(reply.question, reply.preload);
}

function refused(again) {
  if (again) {
    // A new page could not send it either: let the person answer again.
    kept.drop();
    state.sending = false;
    mark(null);
    return unlock();
  }
  if (!window.loadAgain()) say(data.text.stuck);
}

if (isSame(data.who)) begin();
