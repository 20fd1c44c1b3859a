"use strict";
const data = JSON.parse(document.getElementById("data").textContent);

function element(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

function format(value, { key, decimals }) {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "number") return value;
  const text = value.toFixed(decimals);
  // Times are never zero.
  return key === "seconds" && Number(text) === 0 ? `<${(10 ** -decimals).toFixed(decimals)}` : text;
}

function option(value, text = value) {
  return element("option", { value, textContent: text });
}

/* ---------- gallery: two images, one over the other, and a divider ---------- */

const REFERENCE = "reference";
const MASKED = "masked input";
const views = [["Whole image", 0], ["Crop at 100 %", 1], ["200 %", 2], ["400 %", 4]];
const gallery = { photo: 0, left: REFERENCE, right: null, view: 0, divider: 50 };
const viewer = document.getElementById("viewer");

function labelOf(name) {
  return name === REFERENCE ? data.gallery.reference : name;
}

function startGallery() {
  const { photos, methods } = data.gallery;
  const images = [REFERENCE, MASKED, ...methods];
  gallery.right = methods[0];
  for (const side of ["left", "right"]) {
    const select = document.getElementById(side);
    select.append(...images.map((name) => option(name, labelOf(name))));
    select.addEventListener("change", () => show({ [side]: select.value }));
  }
  viewer.querySelector(".thumbs").append(...photos.map((photo, index) => {
    const thumb = element("img", { src: photo.overview.src, alt: photo.image, title: photo.image });
    return element("button", { type: "button", onclick: () => show({ photo: index }) }, thumb);
  }));
  document.getElementById("views").append(...views.map(([text, view]) =>
    element("button", { type: "button", textContent: text, onclick: () => show({ view }) })));
  const range = viewer.querySelector("input[type=range]");
  range.addEventListener("input", () => divide(Number(range.value)));
  startDragging(viewer.querySelector(".stage"));
  viewer.hidden = false;
  show({});
}

function startDragging(stage) {
  const follow = (event) => {
    const box = stage.getBoundingClientRect();
    divide(Math.min(100, Math.max(0, (event.clientX - box.left) / box.width * 100)));
  };
  stage.addEventListener("pointerdown", (event) => {
    // Touching an enlarged crop scrolls it; the slider below moves the divider.
    if (event.pointerType === "touch" && gallery.view) return;
    stage.setPointerCapture(event.pointerId);
    follow(event);
  });
  stage.addEventListener("pointermove", (event) => {
    if (stage.hasPointerCapture(event.pointerId)) follow(event);
  });
}

function show(change) {
  Object.assign(gallery, change);
  const photo = data.gallery.photos[gallery.photo];
  const stage = viewer.querySelector(".stage");
  document.getElementById("left").value = gallery.left;
  document.getElementById("right").value = gallery.right;
  press(viewer.querySelectorAll(".thumbs button"), gallery.photo);
  press(document.querySelectorAll("#views button"), views.findIndex(([, view]) => view === gallery.view));
  const crop = gallery.view > 0;
  stage.className = crop ? "stage crop" : "stage fitted";
  stage.style.aspectRatio = `${photo.width} / ${photo.height}`;
  const tallest = `${85 * photo.width / photo.height}vh`;
  stage.style.width = crop ? `${photo.crop.width * gallery.view}px` : `min(100%, 720px, ${tallest})`;
  stage.style.height = crop ? `${photo.crop.height * gallery.view}px` : "";
  const tags = [["l", gallery.left], ["r", gallery.right]].map(([side, name]) =>
    element("span", { className: `tag ${side}`, textContent: labelOf(name) }));
  stage.replaceChildren(
    layer(photo, gallery.left), layer(photo, gallery.right), element("div", { className: "line" }), ...tags);
  divide(gallery.divider);
  const where = crop
    ? `${photo.crop.width} × ${photo.crop.height} pixels from (${photo.crop.left}, ${photo.crop.top})`
    : `${photo.width} × ${photo.height} pixels, fitted to the page`;
  viewer.querySelector(".caption").textContent = `${photo.image}: ${where}`;
  comparePair(photo.image);
}

function press(buttons, index) {
  buttons.forEach((button, place) => button.setAttribute("aria-pressed", String(place === index)));
}

function layer(photo, name) {
  const box = element("div", { className: "layer" });
  const add = (src, place) => {
    const image = element("img", { src, alt: "" });
    if (place) {
      [image.style.left, image.style.top, image.style.width, image.style.height] = place.map((value) => `${value}%`);
    }
    box.append(image);
  };
  const known = name === REFERENCE || name === MASKED;
  if (gallery.view) {
    const source = photo.crop.pictures[known ? REFERENCE : name];
    if (source) add(source);
    if (name === MASKED) add(photo.crop.hole);
  } else {
    const changed = photo.overview.changed[name];
    if (known || changed) add(photo.overview.src);
    if (changed && changed.src) add(changed.src, changed.box);
    if (name === MASKED) add(photo.overview.hole);
  }
  if (!box.children.length) box.append(element("p", { textContent: "no result", className: "absent" }));
  return box;
}

function divide(percent) {
  gallery.divider = percent;
  const [, right] = viewer.querySelectorAll(".layer");
  right.style.clipPath = `inset(0 0 0 ${percent}%)`;
  right.style.background = "#f5f5f3";
  viewer.querySelector(".line").style.left = `${percent}%`;
  viewer.querySelector("input[type=range]").value = percent;
}

function comparePair(image) {
  const sides = [gallery.left, gallery.right].filter((name) => name !== REFERENCE && name !== MASKED);
  const { columns, rows } = data.table;
  const table = viewer.querySelector(".pair");
  const used = columns.map((column, index) => ({ ...column, index }))
    .filter((column) => !column.key.endsWith("_hole") && column.key !== "known_pixels_changed");
  const head = element("tr", {}, element("th", { className: "name", textContent: "this image" }),
    ...used.map((column) => element("th", { textContent: column.label })));
  const body = [...new Set(sides)].map((method) => {
    const row = rows.find((candidate) => candidate.method === method
      && candidate.image === image && candidate.resolution === data.gallery.resolution);
    return element("tr", {}, element("th", { className: "name", textContent: method }),
      ...used.map((column) => element("td", { textContent: row ? format(row.values[column.index], column) : "–" })));
  });
  table.replaceChildren(element("thead", {}, head), element("tbody", {}, ...body));
  table.hidden = !sides.length;
}

/* ---------- every image: filter and sort ---------- */

const NO_SCORES = ["hole_share", "seconds", "known_pixels_changed", "run"];
const order = { column: null, descending: false };

function startTable() {
  const { rows } = data.table;
  const distinct = (key) => [...new Set(rows.map((row) => row[key]))];
  const fill = (id, values) => {
    const select = document.getElementById(id);
    select.append(option("", "all"), ...values.map((value) => option(value)));
    select.addEventListener("change", listCases);
    return select;
  };
  const sizes = distinct("resolution").sort((a, b) => a - b);
  if (sizes.length) fill("resolution", sizes).value = sizes[sizes.length - 1];
  fill("method", distinct("method"));
  document.getElementById("name").addEventListener("input", listCases);
  document.getElementById("hole").addEventListener("change", listCases);
  document.getElementById("filters").hidden = false;
  listCases();
}

function caseColumns() {
  const hole = document.getElementById("hole").checked;
  const values = data.table.columns.map((column, index) => ({ ...column, index }));
  const others = values.filter((column) => NO_SCORES.includes(column.key));
  const scores = values.filter((column) => !others.includes(column));
  return [
    { key: "image", label: "image", get: (row) => row.image },
    { key: "method", label: "method", get: (row) => row.method },
    { key: "resolution", label: "size", get: (row) => row.resolution },
    ...[...scores.filter((column) => column.key.endsWith("_hole") === hole), ...others]
      .map((column) => ({ ...column, number: true, get: (row) => row.values[column.index] })),
    { key: "status", label: "status", get: (row) => row.status },
  ];
}

function listCases() {
  const size = document.getElementById("resolution").value;
  const method = document.getElementById("method").value;
  const name = document.getElementById("name").value.toLowerCase();
  const rows = data.table.rows.filter((row) =>
    (!size || String(row.resolution) === size) && (!method || row.method === method)
    && row.image.toLowerCase().includes(name));
  const columns = caseColumns();
  const by = columns.find((column) => column.key === order.column);
  if (by) rows.sort((a, b) => compare(by.get(a), by.get(b)) * (order.descending ? -1 : 1) || 0);
  const table = document.getElementById("cases");
  table.replaceChildren(
    element("thead", {}, element("tr", {}, ...columns.map(heading))),
    element("tbody", {}, ...rows.map((row) => caseRow(row, columns))));
  document.getElementById("counted").textContent = `${rows.length} of ${data.table.rows.length} cases`;
}

function compare(a, b) {
  // Missing values go last in both directions.
  const missing = (value) => value === null || value === undefined;
  if (missing(a) || missing(b)) return (missing(a) - missing(b)) * (order.descending ? -1 : 1);
  const number = (value) => (value === "inf" ? Infinity : value);
  if (typeof number(a) === "number" && typeof number(b) === "number") {
    return number(a) === number(b) ? 0 : number(a) - number(b);
  }
  return String(a).localeCompare(String(b));
}

function heading(column) {
  const button = element("button", { type: "button", textContent: column.label, onclick: () => {
    order.descending = order.column === column.key && !order.descending;
    order.column = column.key;
    listCases();
  } });
  const header = element("th", { className: { image: "name", method: "text" }[column.key] ?? "" }, button);
  if (order.column === column.key) header.setAttribute("aria-sort", order.descending ? "descending" : "ascending");
  return header;
}

function caseRow(row, columns) {
  return element("tr", {}, ...columns.map((column) => {
    if (column.key === "image") return element("th", { className: "name" }, imageLink(row));
    if (column.key === "status" && row.status !== "ok") {
      return element("td", { className: "text bad", textContent: `${row.status}: ${row.error}` });
    }
    const text = column.number ? format(column.get(row), column) : String(column.get(row));
    const given = column.key === "status" && row.as_given ? " †" : "";
    return element("td", { textContent: text + given, className: column.key === "method" ? "text" : "" });
  }));
}

function imageLink(row) {
  const index = data.gallery.photos.findIndex((photo) => photo.image === row.image);
  if (index < 0) return element("span", { textContent: row.image });
  return element("button", { type: "button", textContent: row.image, title: "show in the gallery", onclick: () => {
    show({ photo: index, left: REFERENCE, right: row.method });
    document.getElementById("gallery").scrollIntoView();
  } });
}

if (data.gallery.photos.length) startGallery();
startTable();
