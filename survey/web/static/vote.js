// Sends an answer until the server has it, and stores it until then.

import { pause } from "./pause.js";

const KEY = "answer";
const PATIENCE_MS = 20000;

/** The server does not accept this answer from this page: the page has to be reloaded. */
export class Refused extends Error {}

/** The cookie of this browser is another participant's by now. */
export class Another extends Error {}

/**
 * Return the server's reply to `vote`, after any number of tries. `troubled()` is called after each
 * failed try. `to` has the address and the CSRF token.
 */
export async function send(vote, to, troubled) {
  for (let tries = 0; ; tries++) {
    const reply = await attempt(vote, to);
    if (reply) return reply;
    troubled();
    await pause(tries);
  }
}

/** Return the reply, or null if another try may succeed. */
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
    // No network, no response in time, or a response that is not from our server.
    return null;
  }
  if (response.status === 429 || response.status >= 500) return null;
  const { error } = await response.json().catch(() => ({}));
  throw error === "another" ? new Another() : new Refused(String(response.status));
}

const mine = (reply, vote) => (reply.position === vote.position ? reply : null);

/** An answer that survives reloads, also those by the browser; `who` identifies the participant. */
export const kept = {
  put: (vote, who) => sessionStorage.setItem(KEY, JSON.stringify({ vote, who })),
  drop: () => sessionStorage.removeItem(KEY),
  /** Return the answer to a question if the server may not have it yet, else null. */
  get(position, who) {
    const found = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
    return found?.who === who && found.vote.position === position ? found.vote : null;
  },
};
