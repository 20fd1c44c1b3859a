// Sending an answer until the server has it, and keeping it until then.

import { pause } from "./pause.js";

const KEY = "answer";
const PATIENCE_MS = 20000;

/** The server cannot take this answer from this page: the page has to be loaded again. */
export class Refused extends Error {}

/**
 * The server's reply to `vote`; tries for ever. `troubled()` is called after each try that failed.
 * `to` has the address and the token against forged requests.
 */
export async function send(vote, to, troubled) {
  for (let tries = 0; ; tries++) {
    const reply = await attempt(vote, to);
    if (reply) return reply;
    troubled();
    await pause(tries);
  }
}

/** The reply, or null where another try may succeed. */
async function attempt(vote, to) {
  let response;
  try {
    response = await fetch(to.url, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": to.token },
      body: JSON.stringify(vote),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (response.ok) return mine(await response.json(), vote);
  } catch {
    // No network, no answer in time, or not the server that answered.
    return null;
  }
  if (response.status === 429 || response.status >= 500) return null;
  throw new Refused(String(response.status));
}

const mine = (reply, vote) => (reply.position === vote.position ? reply : null);

/** Survives a reload, also one that the browser does by itself. `who` tells participants apart. */
export const kept = {
  put: (vote, who) => sessionStorage.setItem(KEY, JSON.stringify({ vote, who })),
  drop: () => sessionStorage.removeItem(KEY),
  /** The answer to that question which the server may not have, or null. */
  get(position, who) {
    const found = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
    return found?.who === who && found.vote.position === position ? found.vote : null;
  },
};
