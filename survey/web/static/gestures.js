// Wheel, drag, pinch, double tap and hold on the images.

// The second tap of a double one comes within this time and distance of the first.
const TAP_MS = 350;
const TAP_PX = 30;
// A finger that rests this long swaps the images; one that moves this far drags.
const HOLD_MS = 400;
const SLIP_PX = 8;
const LINE_PX = 16;

export class Gestures {
  constructor(viewer) {
    this.viewer = viewer;
    // id -> where a pointer is on the screen, and in which window; both windows show the same, so
    // that fingers on different images pinch as well.
    this.pointers = new Map();
    this.tapped = { at: -Infinity, clientX: 0, clientY: 0 };
    this.listen(viewer.stage);
  }

  /** Listen also beside the images: one that is ten pixels wide would be hard to hit. */
  listen(stage) {
    // No gesture of the browser's own: after a flick it would take the next tap, on a button, for
    // the end of its scrolling.
    stage.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
    stage.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    stage.addEventListener("pointerdown", (event) => this.down(event));
    stage.addEventListener("pointermove", (event) => this.move(event));
    stage.addEventListener("pointerup", (event) => this.up(event));
    stage.addEventListener("pointercancel", (event) => this.lift(event));
    // A long touch would open the browser's menu for images.
    stage.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  wheel(event) {
    event.preventDefault();
    const turned = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_PX : 1);
    // Pinching on a trackpad arrives as a wheel with small steps and the control key.
    const speed = event.ctrlKey ? 0.01 : 0.002;
    const factor = Math.exp(-Math.max(-200, Math.min(200, turned)) * speed);
    const which = this.viewer.nearer(event);
    this.viewer.zoomBy(factor, () => this.viewer.inWindow(event, which));
  }

  down(event) {
    if (event.button !== 0) return;
    this.viewer.stage.setPointerCapture(event.pointerId);
    const { clientX, clientY } = event;
    const pointer = { clientX, clientY, which: this.viewer.nearer(event), moved: false };
    this.pointers.set(event.pointerId, pointer);
    clearTimeout(this.holding);
    if (event.pointerType === "mouse" || this.pointers.size > 1) return;
    this.holding = setTimeout(() => this.hold(pointer), HOLD_MS);
  }

  hold(pointer) {
    // This touch can no longer become a tap.
    pointer.moved = true;
    this.held = true;
    this.viewer.compare(true);
  }

  move(event) {
    const pointer = this.pointers.get(event.pointerId);
    if (!pointer) return;
    if (this.pointers.size === 2) return this.pinch(pointer, event);
    const { clientX, clientY } = event;
    const [dx, dy] = [clientX - pointer.clientX, clientY - pointer.clientY];
    if (!pointer.moved && Math.hypot(dx, dy) < SLIP_PX) return;
    clearTimeout(this.holding);
    Object.assign(pointer, { clientX, clientY, moved: true });
    this.viewer.pan(dx, dy);
  }

  pinch(pointer, { clientX, clientY }) {
    const [before, from] = this.spread();
    Object.assign(pointer, { clientX, clientY });
    const [after, to] = this.spread();
    for (const one of this.pointers.values()) one.moved = true;
    this.viewer.pan(to.x - from.x, to.y - from.y);
    if (before && after) this.viewer.zoomBy(after / before, () => this.spread()[1]);
  }

  /** Return the distance of two fingers in their windows, and the point between them. */
  spread() {
    const [a, b] = [...this.pointers.values()].map((one) => this.viewer.inWindow(one, one.which));
    const middle = { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
    return [Math.hypot(a.x - b.x, a.y - b.y), middle];
  }

  up(event) {
    const pointer = this.pointers.get(event.pointerId);
    this.lift(event);
    if (pointer && !pointer.moved) this.tap(pointer, event.timeStamp);
  }

  lift(event) {
    this.pointers.delete(event.pointerId);
    clearTimeout(this.holding);
    if (this.held) this.viewer.compare(false);
    this.held = false;
  }

  tap(pointer, at) {
    const { clientX, clientY } = pointer;
    const last = this.tapped;
    const near = Math.hypot(clientX - last.clientX, clientY - last.clientY) < TAP_PX;
    const second = near && at - last.at < TAP_MS;
    this.tapped = { at: second ? -Infinity : at, clientX, clientY };
    if (second) this.viewer.toggle(() => this.viewer.inWindow(pointer, pointer.which));
  }
}
