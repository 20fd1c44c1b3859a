// Reloads the page, a limited number of times. Not a module: it must work when a module is missing
// because the network changed or the server was restarted while the page was loading.

"use strict";
(() => {
  const KEY = "reloads";
  const MOST = 3;
  const WITHIN_MS = 60000;
  const SETTLED_MS = 500;

  /** Reload the page and return true, or return false if reloading has not helped. */
  window.loadAgain = () => {
    const now = Date.now();
    const times = JSON.parse(sessionStorage.getItem(KEY) ?? "[]").filter((at) => now - at < WITHIN_MS);
    if (times.length >= MOST) return false;
    sessionStorage.setItem(KEY, JSON.stringify([...times, now]));
    location.reload();
    return true;
  };

  const tryAgain = () => {
    if (window.loadAgain()) return;
    const words = JSON.parse(document.getElementById("data").textContent).text;
    document.getElementById("notice").textContent = words.stuck;
  };
  // Also fires when an import of a script is missing. The event does not bubble, so capture it.
  const heard = ({ target }) => {
    if (target instanceof HTMLScriptElement) setTimeout(tryAgain, SETTLED_MS);
  };
  window.addEventListener("error", heard, true);
})();
