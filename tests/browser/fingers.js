// Touches made in the page, for an engine whose driver turns fingers into a mouse. `ways` has the
// W3C's input actions of each finger; the driver's own touches follow the same ticks.

const fingers = (window.fingers ??= new Map());
// The browser knows no such pointer.
Element.prototype.setPointerCapture = () => {};

function send(number, type) {
  const { x, y, target } = fingers.get(number);
  const place = { clientX: x, clientY: y, pointerId: 100 + number, isPrimary: number === 0 };
  const kind = { pointerType: "touch", button: type === "pointermove" ? -1 : 0 };
  target.dispatchEvent(new PointerEvent(type, { ...place, ...kind, bubbles: true, cancelable: true }));
}

const steps = {
  pointerMove(number, { x, y }) {
    const finger = { ...fingers.get(number), x, y };
    fingers.set(number, finger);
    if (finger.target) send(number, "pointermove");
  },
  pointerDown(number) {
    const { x, y } = fingers.get(number);
    fingers.set(number, { x, y, target: document.elementFromPoint(x, y) });
    send(number, "pointerdown");
  },
  pointerUp(number) {
    const { x, y, target } = fingers.get(number);
    send(number, "pointerup");
    fingers.set(number, { x, y });
    if (!target.closest(".stage")) target.click();
  },
};

for (let tick = 0; tick < Math.max(...ways.map((way) => way.length)); tick++) {
  ways.forEach((way, number) => way[tick] && steps[way[tick].type](number, way[tick]));
}
