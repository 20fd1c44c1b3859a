// The dashboard refreshes itself without disturbing whoever reads it.

const EVERY_MS = 30000;

setInterval(refresh, EVERY_MS);
document.addEventListener("visibilitychange", refresh);

async function refresh() {
  if (document.hidden) return;
  const board = document.querySelector("main");
  // Somebody is about to press something, or to close the study.
  if (board.contains(document.activeElement) || board.querySelector(".closing[open]")) return;
  const fresh = await fetched();
  if (!fresh) return;
  keepAsRead(board, fresh);
  board.replaceWith(fresh);
  for (const [box, place] of places) box.scrollTo(...place);
}

/** The dashboard as it is now, or null where it cannot be had. */
async function fetched() {
  try {
    const response = await fetch(location.href, { signal: AbortSignal.timeout(EVERY_MS) });
    if (!response.ok) return null;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    return page.querySelector("main.board");
  } catch {
    return null;
  }
}

const places = new Map();

/** Open what is open, and remember how far boxes are scrolled. */
function keepAsRead(board, fresh) {
  places.clear();
  for (const element of board.querySelectorAll("[id]")) {
    const same = fresh.querySelector(`#${element.id}`);
    if (!same) continue;
    if (element.open) same.open = true;
    if (element.scrollTop || element.scrollLeft) {
      places.set(same, [element.scrollLeft, element.scrollTop]);
    }
  }
}
