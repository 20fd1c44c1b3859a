// Positions of images and their visible parts. Lengths are CSS pixels; `scale` is CSS pixels per
// image pixel; x and y are the image's corner in its window. Pure functions.

// A window may be larger than its whole image by this factor: zooming in then shows more, and the
// letter beside the window stays near the image.
const SPARE = 1.1;
const LARGEST_PIXEL = 8;

/**
 * The size of the two windows: side by side or stacked, whichever shows the whole images larger.
 * `label` is the space for the letter above (side) or beside (stacked) each window.
 */
export function arrange(room, image, label, gap) {
  const side = windowIn((room.width - gap) / 2, room.height - label, image);
  const stacked = windowIn(room.width - 2 * label, (room.height - gap) / 2, image);
  const layout = side.scale >= stacked.scale ? "side" : "stacked";
  return { layout, ...(layout === "side" ? side : stacked) };
}

function windowIn(width, height, image) {
  const scale = fitting({ width, height }, image);
  return {
    width: whole(Math.min(width, image.width * scale * SPARE)),
    height: whole(Math.min(height, image.height * scale * SPARE)),
    scale,
  };
}

const whole = (length) => Math.max(1, Math.floor(length));

/** The scale at which the whole image just fits. */
export function fitting(space, image) {
  return Math.min(space.width / image.width, space.height / image.height);
}

/** Return the least and the largest scale: the whole image (or its real pixels), large pixels. */
export function limits(fit, ratio) {
  return [Math.min(fit, 1 / ratio), Math.max(fit, LARGEST_PIXEL / ratio)];
}

/** Return `view` at another scale; the point at (x, y) stays in place. */
export function zoomed(view, scale, x, y) {
  const by = scale / view.scale;
  return { scale, x: x - (x - view.x) * by, y: y - (y - view.y) * by };
}

/** Return `view` moved so that the image covers as much of the window as possible. */
export function held(view, space, image) {
  return {
    scale: view.scale,
    x: within(view.x, space.width, image.width * view.scale),
    y: within(view.y, space.height, image.height * view.scale),
  };
}

function within(corner, space, length) {
  if (length <= space) return (space - length) / 2;
  return Math.min(0, Math.max(space - length, corner));
}
