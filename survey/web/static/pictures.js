// Loading images, again and again where the network fails.

import { pause } from "./pause.js";

export class Pictures {
  /** `failed()` is called whenever an image did not load and will be asked for again. */
  constructor(failed) {
    this.failed = failed;
    this.pairs = new Map();
  }

  /** A promise of both images, decoded; the same one for the same pair. */
  pair(left, right) {
    const key = `${left} ${right}`;
    if (!this.pairs.has(key)) {
      this.pairs.set(key, Promise.all([this.decoded(left), this.decoded(right)]));
    }
    return this.pairs.get(key);
  }

  /** Forget all pairs but these. */
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

/** Resolves once what was put into the page is on the screen. */
export function painted() {
  const frame = () => new Promise((seen) => requestAnimationFrame(seen));
  return frame().then(frame);
}
