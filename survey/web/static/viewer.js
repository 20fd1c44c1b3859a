// Shows both images in one view: they are zoomed and moved together, and can be swapped.

import { arrange, fitting, held, limits, zoomed } from "./geometry.js";

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
    this.space = { width: 1, height: 1 };
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
    return fitting(this.space, this.size);
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
    const middle = this.middle();
    const placed = arrange(room, this.size, LABEL_REM * rem, GAP_REM * rem);
    this.space = { width: placed.width, height: placed.height };
    this.stage.dataset.layout = document.body.dataset.layout = placed.layout;
    // On the page, for the buttons under the images.
    document.body.style.setProperty("--window-width", `${placed.width}px`);
    document.body.style.setProperty("--window-height", `${placed.height}px`);
    if (this.whole) this.reset();
    else this.centre(middle);
  }

  /** Return the image point in the middle of a window, as shares of the image's sides. */
  middle() {
    const { scale, x, y } = this.view;
    return [
      (this.space.width / 2 - x) / (scale * this.size.width),
      (this.space.height / 2 - y) / (scale * this.size.height),
    ];
  }

  centre([x, y]) {
    const scale = this.view.scale;
    this.see({
      scale,
      x: this.space.width / 2 - x * scale * this.size.width,
      y: this.space.height / 2 - y * scale * this.size.height,
    });
  }

  reset() {
    this.whole = true;
    this.see({ scale: this.fit, x: 0, y: 0 });
  }

  /** Zoom so that an image pixel is `scale` CSS pixels; the point at (x, y) stays in place. */
  zoomTo(scale, x = this.space.width / 2, y = this.space.height / 2) {
    if (!this.images.length) return;
    const [least, most] = limits(this.fit, this.ratio);
    const wanted = Math.min(most, Math.max(least, scale));
    this.whole = Math.abs(wanted / this.fit - 1) < 0.005;
    if (this.whole) return this.reset();
    this.hasZoomed = true;
    this.see(zoomed(this.view, wanted, x, y));
  }

  zoomBy(factor, x, y) {
    this.zoomTo(this.view.scale * factor, x, y);
  }

  /** Switch between the whole image and its real pixels. */
  toggle(x, y) {
    if (this.whole) this.zoomTo(1 / this.ratio, x, y);
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
