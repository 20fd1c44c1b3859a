// Positions of images and their visible parts. Lengths are CSS pixels; `scale` is CSS pixels per
// image pixel; x and y are the image's corner in its window. Pure functions.

// A window is larger than its image by this factor where there is room: zooming in then shows more,
// and the letter beside the window stays near the image.
const SPARE = 1.1;
const LARGEST_PIXEL = 8;

/**
 * The layout, side by side or stacked, that shows the whole images larger, and the largest size
 * of its windows. `label` is the space for the letter above (side) or beside (stacked) each window.
 */
export function arrange(room, image, label, gap) {
  const side = { width: whole((room.width - gap) / 2), height: whole(room.height - label) };
  const stacked = { width: whole(room.width - 2 * label), height: whole((room.height - gap) / 2) };
  const layout = fitting(side, image) >= fitting(stacked, image) ? "side" : "stacked";
  return { layout, most: layout === "side" ? side : stacked };
}

/** The size of the windows at a scale: it grows with the image until the room is used up. */
export function windowAt(scale, most, image) {
  return {
    width: Math.min(most.width, Math.ceil(image.width * scale * SPARE)),
    height: Math.min(most.height, Math.ceil(image.height * scale * SPARE)),
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

/** Return the image point at (x, y) in a window, as shares of the image's sides. */
export function pointAt(view, image, { x, y }) {
  const across = (x - view.x) / (view.scale * image.width);
  return [across, (y - view.y) / (view.scale * image.height)];
}

/** Return the view at a scale with that image point at (x, y). */
export function viewOf([across, down], image, scale, { x, y }) {
  return { scale, x: x - across * scale * image.width, y: y - down * scale * image.height };
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
