// Loading the page again, but not for ever. No module: it has to be there when a module is not,
// because the network changed or the server was restarted while the page was loading.

"use strict";
(() => {
  const KEY = "reloads";
  const MOST = 3;
  const WITHIN_MS = 60000;
  const SETTLED_MS = 500;

  /** Whether the page is being loaded again; false where that has not helped. */
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
  // Also where what a script imports is missing. Such an event does not bubble.
  const heard = ({ target }) => {
    if (target instanceof HTMLScriptElement) setTimeout(tryAgain, SETTLED_MS);
  };
  window.addEventListener("error", heard, true);
})();
