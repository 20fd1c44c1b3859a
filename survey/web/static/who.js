// Whose participation this tab shows: several people may use one browser, which has one cookie.

const KEY = "who";
// Of the address to which starts and personal links lead.
const BEGIN = "#begin";

const at = (id) => document.getElementById(id);

/**
 * Return whether the page is that of the person whom this tab showed before, or of one who begins
 * in it. `who` is the personal link of the page.
 */
export function isSame(who) {
  const begins = location.hash === BEGIN;
  if (begins) history.replaceState(null, "", location.pathname);
  const before = sessionStorage.getItem(KEY);
  if (before !== null && before !== who && !begins) {
    offer(before, who);
    return false;
  }
  sessionStorage.setItem(KEY, who);
  return true;
}

/** Say that the cookie is another person's, and offer both personal links. */
export function offer(mine, theirs) {
  at("mine").href = mine;
  at("theirs").href = theirs;
  document.querySelector(".judge").hidden = true;
  at("another").hidden = false;
  at("another").querySelector("h2").focus();
}
