// Shows both images in one view: they are zoomed and moved together, and can be swapped.

import { arrange, fitting, held, limits, pointAt, viewOf, windowAt } from "./geometry.js";

const SQUARE = { width: 1, height: 1 };
// In units of the root's font size, as in the style sheet.
const LABEL_REM = 1.75;
const GAP_REM = 0.5;

export class Viewer {
  /** `changed(viewer)` is called after every visible change. */
  constructor(stage, changed) {
    this.stage = stage;
    this.changed = changed;
    this.windows = [...stage.querySelectorAll(".window")];
    this.images = [];
    this.size = SQUARE;
    // The windows' size, and the largest they may have.
    this.space = this.most = SQUARE;
    this.view = { scale: 1, x: 0, y: 0 };
    this.whole = true;
    new ResizeObserver(() => this.arrange()).observe(stage);
  }

  /** Show two decoded images of the same size, at the scale that fits. */
  show(images) {
    this.images = images;
    this.size = { width: images[0].naturalWidth, height: images[0].naturalHeight };
    this.windows.forEach((place, i) => {
      images[i].alt = place.dataset.alt;
      place.replaceChildren(images[i]);
    });
    this.hasZoomed = this.hasCompared = false;
    this.compare(false);
    this.whole = true;
    this.arrange();
  }

  clear() {
    this.images = [];
    this.windows.forEach((place) => place.replaceChildren());
    this.compare(false);
  }

  get ratio() {
    return window.devicePixelRatio || 1;
  }

  get fit() {
    return fitting(this.most, this.size);
  }

  get layout() {
    return this.stage.dataset.layout;
  }

  /** Width of a whole image on the screen, in device pixels. */
  get shownPixels() {
    return Math.round(this.size.width * this.fit * this.ratio);
  }

  /** Device pixels per image pixel. */
  get magnification() {
    return this.view.scale * this.ratio;
  }

  /** Fit the windows to the stage; the point in the middle stays there. */
  arrange() {
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const room = { width: this.stage.clientWidth, height: this.stage.clientHeight };
    const point = pointAt(this.view, this.size, this.middle);
    const { layout, most } = arrange(room, this.size, LABEL_REM * rem, GAP_REM * rem);
    this.most = most;
    this.stage.dataset.layout = document.body.dataset.layout = layout;
    // On the page, for the buttons under the images: they stay where they are during a zoom.
    setSize(document.body, windowAt(this.fit, most, this.size));
    if (this.whole) return this.reset();
    const scale = this.view.scale;
    this.resize(scale);
    this.see(viewOf(point, this.size, scale, this.middle));
  }

  /** Give the windows the size for a scale. */
  resize(scale) {
    this.space = windowAt(Math.max(scale, this.fit), this.most, this.size);
    setSize(this.stage, this.space);
  }

  get middle() {
    return { x: this.space.width / 2, y: this.space.height / 2 };
  }

  /** Return which window is nearer to a point on the screen: 0 is left or above. */
  nearer({ clientX, clientY }) {
    const { left, top, width, height } = this.stage.getBoundingClientRect();
    const side = this.layout === "side";
    return Number(side ? clientX > left + width / 2 : clientY > top + height / 2);
  }

  /** Return where a point on the screen is in that window, which may show either image. */
  inWindow({ clientX, clientY }, which) {
    const corners = this.windows.map((place) => place.getBoundingClientRect());
    const corner = corners.sort((a, b) => a.left + a.top - b.left - b.top)[which];
    return { x: clientX - corner.left, y: clientY - corner.top };
  }

  reset() {
    this.whole = true;
    this.resize(this.fit);
    this.see({ scale: this.fit, x: 0, y: 0 });
  }

  /**
   * Zoom so that an image pixel is `scale` CSS pixels. The image point at `place()`, by default the
   * windows' middle, stays there; a function, because the windows grow with the images.
   */
  zoomTo(scale, place = () => this.middle) {
    if (!this.images.length) return;
    const [least, most] = limits(this.fit, this.ratio);
    const wanted = Math.min(most, Math.max(least, scale));
    this.whole = Math.abs(wanted / this.fit - 1) < 0.005;
    if (this.whole) return this.reset();
    this.hasZoomed = true;
    const point = pointAt(this.view, this.size, place());
    this.resize(wanted);
    this.see(viewOf(point, this.size, wanted, place()));
  }

  zoomBy(factor, place) {
    this.zoomTo(this.view.scale * factor, place);
  }

  /** Switch between the whole image and its real pixels. */
  toggle(place) {
    if (this.whole) this.zoomTo(1 / this.ratio, place);
    else this.reset();
  }

  pan(x, y) {
    if (!this.whole) this.see({ ...this.view, x: this.view.x + x, y: this.view.y + y });
  }

  /** Swap the images, or put them back. */
  compare(on) {
    if (on && !this.images.length) return;
    this.stage.classList.toggle("swapped", on);
    this.hasCompared ||= on;
    for (const image of this.images) this.draw(image);
    this.changed(this);
  }

  get comparing() {
    return this.stage.classList.contains("swapped");
  }

  see(view) {
    this.view = held(view, this.space, this.size);
    this.stage.classList.toggle("zoomed", !this.whole);
    // Smooth whole images; beyond real pixels show sharp pixels.
    this.stage.classList.toggle("crisp", !this.whole && this.magnification > 1.001);
    for (const image of this.images) this.draw(image);
    this.changed(this);
  }

  draw(image) {
    // Align position and size with device pixels: otherwise the two images are blurred, each by
    // another amount. A CSS transform would not align with pixels.
    const snapped = (length) => Math.round(length * this.ratio) / this.ratio;
    const corner = image.parentElement.getBoundingClientRect();
    const { scale, x, y } = this.view;
    const box = {
      left: snapped(corner.left + x) - corner.left,
      top: snapped(corner.top + y) - corner.top,
      width: snapped(this.size.width * scale),
      height: snapped(this.size.height * scale),
    };
    for (const [side, length] of Object.entries(box)) image.style[side] = `${length}px`;
  }
}

/** Set the windows' size for the style sheet. */
function setSize(element, { width, height }) {
  element.style.setProperty("--window-width", `${width}px`);
  element.style.setProperty("--window-height", `${height}px`);
}
