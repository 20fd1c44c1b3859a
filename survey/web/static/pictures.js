// Loads images, and retries when the network fails.

import { pause } from "./pause.js";

export class Pictures {
  /** `failed()` is called whenever an image did not load and will be requested again. */
  constructor(failed) {
    this.failed = failed;
    this.pairs = new Map();
  }

  /** Return a promise of both decoded images; the same pair has the same promise. */
  pair(left, right) {
    const key = `${left} ${right}`;
    if (!this.pairs.has(key)) {
      this.pairs.set(key, Promise.all([this.decoded(left), this.decoded(right)]));
    }
    return this.pairs.get(key);
  }

  /** Forget all other pairs. */
  keep(pairs) {
    const wanted = new Set(pairs.map((pair) => pair.join(" ")));
    for (const key of this.pairs.keys()) if (!wanted.has(key)) this.pairs.delete(key);
  }

  async decoded(url) {
    for (let tries = 0; ; tries++) {
      const image = new Image();
      image.draggable = false;
      image.src = url;
      try {
        await image.decode();
        return image;
      } catch {
        this.failed();
        await pause(tries);
      }
    }
  }
}

/** Return a promise that resolves when changes of the page are on the screen. */
export function painted() {
  const frame = () => new Promise((seen) => requestAnimationFrame(seen));
  return frame().then(frame);
}
