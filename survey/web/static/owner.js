// Refreshes the dashboard without disturbing its reader.

const EVERY_MS = 30000;

setInterval(refresh, EVERY_MS);
document.addEventListener("visibilitychange", refresh);

async function refresh() {
  const board = document.querySelector("main");
  if (document.hidden || isBusy(board)) return;
  const fresh = await fetched();
  if (!fresh || isBusy(board)) return;
  const focused = focusedIn(board);
  keepAsRead(board, fresh);
  board.replaceWith(fresh);
  for (const [box, place] of places) box.scrollTo(...place);
  if (focused) fresh.querySelector(focused)?.focus({ preventScroll: true });
}

/** Return whether the owner is about to press a button or to close the study. */
function isBusy(board) {
  return board.querySelector("nav:focus-within, .closing[open]") !== null;
}

/** Return a selector of the focused element, to find it in the new dashboard. */
function focusedIn(board) {
  const element = document.activeElement;
  if (!board.contains(element)) return null;
  if (element.matches("summary")) return `#${element.parentElement.id} > summary`;
  return element.id ? `#${element.id}` : null;
}

/** Load the current dashboard; return null if that fails. */
async function fetched() {
  try {
    const response = await fetch(location.href, { signal: AbortSignal.timeout(EVERY_MS) });
    // Logged out meanwhile.
    if (response.status === 401) location.reload();
    if (!response.ok) return null;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    return page.querySelector("main.board");
  } catch {
    return null;
  }
}

const places = new Map();

/** Open the same details, and remember how far boxes are scrolled. */
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
