// The buttons above the images: compare, zoom, help.

const STEP = 1.5;
const at = (id) => document.getElementById(id);

export function connect(viewer) {
  // A click must not move the focus to a button: the space bar would then press it.
  at("tools").addEventListener("mousedown", (event) => event.preventDefault());
  at("zoom-in").addEventListener("click", () => viewer.zoomBy(STEP));
  at("zoom-out").addEventListener("click", () => viewer.zoomBy(1 / STEP));
  at("fit").addEventListener("click", () => viewer.reset());
  holdToCompare(at("compare"), viewer);
  const help = at("help");
  at("menu").addEventListener("click", () => help.showModal());
  at("help-close").addEventListener("click", () => help.close());
  help.addEventListener("click", (event) => {
    // A click on the backdrop: all else in the dialog is inside its content.
    if (event.target === help) help.close();
  });
}

function holdToCompare(button, viewer) {
  button.addEventListener("pointerdown", (event) => {
    button.setPointerCapture(event.pointerId);
    viewer.compare(true);
  });
  button.addEventListener("keydown", (event) => {
    if (event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    if (!event.repeat) viewer.compare(true);
  });
  for (const end of ["lostpointercapture", "keyup", "blur"]) {
    button.addEventListener(end, () => viewer.compare(false));
  }
  button.addEventListener("contextmenu", (event) => event.preventDefault());
}

const percent = new Intl.NumberFormat(document.documentElement.lang, { style: "percent" });

/** Show the magnification, and whether the images are swapped. */
export function refresh(viewer) {
  const seen = viewer.images.length > 0;
  at("zoom").textContent = seen ? percent.format(viewer.magnification) : "";
  at("fit").setAttribute("aria-disabled", String(viewer.whole));
  at("compare").classList.toggle("active", viewer.comparing);
}
