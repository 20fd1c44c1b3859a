// Loading the page again, but not for ever.

const KEY = "reloads";
const MOST = 3;
const WITHIN_MS = 60000;

/** Whether the page is being loaded again; false where that has not helped. */
export function reload() {
  const now = Date.now();
  const times = JSON.parse(sessionStorage.getItem(KEY) ?? "[]").filter((at) => now - at < WITHIN_MS);
  if (times.length >= MOST) return false;
  sessionStorage.setItem(KEY, JSON.stringify([...times, now]));
  location.reload();
  return true;
}
