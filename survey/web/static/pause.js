// Waiting before the next try: longer each time, and no longer than it takes to be online again.

const FIRST_MS = 500;
const LONGEST_MS = 15000;

export function pause(tries) {
  const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** tries);
  // Not all at the same moment after a server's restart.
  const wait = longest * (0.75 + Math.random() / 4);
  return new Promise((over) => {
    const timer = setTimeout(done, wait);
    window.addEventListener("online", done);
    function done() {
      clearTimeout(timer);
      window.removeEventListener("online", done);
      over();
    }
  });
}
