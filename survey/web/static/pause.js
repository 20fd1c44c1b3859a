// Waits before the next try: longer each time, but only until the browser is online again.

const FIRST_MS = 500;
const LONGEST_MS = 15000;

export function pause(tries) {
  const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** tries);
  // A random part, so that browsers do not all return at once after a restart of the server.
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
