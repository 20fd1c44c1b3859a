// Keyboard control.

const ZOOM_STEP = 1.25;
const PAN_PX = 80;
const PANS = {
  ArrowLeft: [PAN_PX, 0],
  ArrowRight: [-PAN_PX, 0],
  ArrowUp: [0, PAN_PX],
  ArrowDown: [0, -PAN_PX],
};
const ZOOMS = {
  "+": (viewer) => viewer.zoomBy(ZOOM_STEP),
  "=": (viewer) => viewer.zoomBy(ZOOM_STEP),
  "-": (viewer) => viewer.zoomBy(1 / ZOOM_STEP),
  0: (viewer) => viewer.reset(),
};
const CHOICES = {
  side: { ArrowLeft: "left", ArrowRight: "right" },
  stacked: { ArrowLeft: "left", ArrowRight: "right", ArrowUp: "left", ArrowDown: "right" },
};
const CONTROLS = "button, a, input, select, textarea, summary";

/** `choose(choice)` is called for the keys that answer. */
export function listen(viewer, choose) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || dialogIsOpen()) return;
    if (down(event, viewer, choose)) event.preventDefault();
  });
  document.addEventListener("keyup", (event) => {
    if (event.key === " " && viewer.comparing) viewer.compare(false);
  });
  // The key may be released while another window has the focus.
  window.addEventListener("blur", () => viewer.compare(false));
}

const dialogIsOpen = () => document.querySelector("dialog[open]") !== null;

/** Return whether the key was handled. */
function down(event, viewer, choose) {
  if (event.key === " ") return compare(event, viewer);
  if (event.shiftKey && event.key in PANS) {
    viewer.pan(...PANS[event.key]);
    return true;
  }
  if (event.key in ZOOMS) {
    ZOOMS[event.key](viewer);
    return true;
  }
  return answer(event, viewer, choose);
}

function compare(event, viewer) {
  // On a button, the space bar presses the button.
  if (event.target.closest?.(CONTROLS)) return false;
  if (!event.repeat) viewer.compare(true);
  return true;
}

function answer(event, viewer, choose) {
  // Also by position: with a Russian layout the key produces another letter.
  const tie = event.code === "KeyT" || event.key.toLowerCase() === "t";
  const choice = tie ? "tie" : CHOICES[viewer.layout]?.[event.key];
  if (!choice) return false;
  // A key that is held down answers once. While the images are swapped, "left" is ambiguous.
  if (!event.repeat && !viewer.comparing) choose(choice);
  return true;
}
