"use strict";

/* ---------- tables that sort ---------- */

function makeSortable(table) {
  const body = table.tBodies[0];
  for (const heading of table.querySelectorAll("th[data-column]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => sort(table, body, heading));
  }
}

function sort(table, body, heading) {
  const column = Number(heading.dataset.column);
  // The best first; a second time the other way round.
  const best = heading.dataset.better === "higher" ? "descending" : "ascending";
  const other = best === "ascending" ? "descending" : "ascending";
  const direction = heading.getAttribute("aria-sort") === best ? other : best;
  const sign = direction === "ascending" ? 1 : -1;
  const rows = [...body.rows].sort((a, b) => compare(a.cells[column], b.cells[column], sign));
  body.append(...rows);
  for (const sorted of table.querySelectorAll("th[aria-sort]")) sorted.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", direction);
}

function compare(a, b, sign) {
  if (a.tagName === "TH") return sign * a.textContent.localeCompare(b.textContent);
  // Missing values go last in both directions.
  const [missingA, missingB] = [a, b].map((cell) => cell.dataset.value === undefined);
  if (missingA || missingB) return missingA - missingB;
  return sign * (Number(a.dataset.value) - Number(b.dataset.value));
}

document.querySelectorAll("table.sortable").forEach(makeSortable);

/* ---------- pictures: which methods are shown ---------- */

const shown = document.getElementById("shown");

function showChosen() {
  const hidden = new Set([...shown.querySelectorAll("input:not(:checked)")].map((box) => box.value));
  for (const figure of document.querySelectorAll("figure[data-method]")) {
    figure.hidden = hidden.has(figure.dataset.method);
  }
}

function outline() {
  const method = location.hash.match(/^#m(\d+)$/)?.[1];
  for (const figure of document.querySelectorAll("figure[data-method]")) {
    figure.classList.toggle("chosen", figure.dataset.method === method);
  }
}

if (shown) {
  shown.hidden = false;
  shown.addEventListener("change", showChosen);
  for (const [id, checked] of [["all", true], ["none", false]]) {
    document.getElementById(id).addEventListener("click", () => {
      shown.querySelectorAll("input").forEach((box) => { box.checked = checked; });
      showChosen();
    });
  }
  addEventListener("hashchange", outline);
  outline();
  // A reload keeps what was unticked.
  showChosen();
}
