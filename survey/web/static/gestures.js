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
    // id -> where a pointer is in its window; both windows show the same, so that fingers on
    // different images pinch as well.
    this.pointers = new Map();
    this.tapped = { at: -Infinity, x: 0, y: 0 };
    for (const place of viewer.windows) this.listen(place);
    // A long touch would open the browser's menu for images.
    viewer.stage.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  listen(place) {
    // No gesture of the browser's own: after a flick it would take the next tap, on a button, for
    // the end of its scrolling.
    place.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
    place.addEventListener("wheel", (event) => this.wheel(event, place), { passive: false });
    place.addEventListener("pointerdown", (event) => this.down(event, place));
    place.addEventListener("pointermove", (event) => this.move(event));
    place.addEventListener("pointerup", (event) => this.up(event));
    place.addEventListener("pointercancel", (event) => this.lift(event));
  }

  wheel(event, place) {
    event.preventDefault();
    const corner = place.getBoundingClientRect();
    const turned = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_PX : 1);
    // Pinching on a trackpad arrives as a wheel with small steps and the control key.
    const speed = event.ctrlKey ? 0.01 : 0.002;
    const factor = Math.exp(-Math.max(-200, Math.min(200, turned)) * speed);
    this.viewer.zoomBy(factor, event.clientX - corner.left, event.clientY - corner.top);
  }

  down(event, place) {
    if (event.button !== 0) return;
    place.setPointerCapture(event.pointerId);
    // Remember the corner: the windows swap places during a comparison.
    const corner = place.getBoundingClientRect();
    const pointer = { left: corner.left, top: corner.top, moved: false };
    this.pointers.set(event.pointerId, this.located(pointer, event));
    clearTimeout(this.holding);
    if (event.pointerType === "mouse" || this.pointers.size > 1) return;
    this.holding = setTimeout(() => this.hold(pointer), HOLD_MS);
  }

  located(pointer, event) {
    pointer.x = event.clientX - pointer.left;
    pointer.y = event.clientY - pointer.top;
    return pointer;
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
    const { x, y } = pointer;
    const [dx, dy] = [event.clientX - pointer.left - x, event.clientY - pointer.top - y];
    if (!pointer.moved && Math.hypot(dx, dy) < SLIP_PX) return;
    clearTimeout(this.holding);
    pointer.moved = true;
    this.located(pointer, event);
    this.viewer.pan(dx, dy);
  }

  pinch(pointer, event) {
    const [before, from] = this.spread();
    this.located(pointer, event);
    const [after, to] = this.spread();
    for (const one of this.pointers.values()) one.moved = true;
    if (before && after) this.viewer.zoomBy(after / before, from.x, from.y);
    this.viewer.pan(to.x - from.x, to.y - from.y);
  }

  /** Return the distance of two fingers, and the point between them. */
  spread() {
    const [a, b] = this.pointers.values();
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

  tap({ x, y }, at) {
    const last = this.tapped;
    const second = at - last.at < TAP_MS && Math.hypot(x - last.x, y - last.y) < TAP_PX;
    this.tapped = { at: second ? -Infinity : at, x, y };
    if (second) this.viewer.toggle(x, y);
  }
}
