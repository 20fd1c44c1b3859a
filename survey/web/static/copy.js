// Buttons that copy a text: data-copies names the element that holds it.

const SAID_MS = 2000;

for (const button of document.querySelectorAll("[data-copies]")) {
  const label = button.textContent;
  button.addEventListener("click", async () => {
    if (!(await copy(document.getElementById(button.dataset.copies)))) return;
    button.textContent = button.dataset.copied;
    setTimeout(() => (button.textContent = label), SAID_MS);
  });
}

/** Return whether the text was copied; pages without TLS may not copy, so select it instead. */
async function copy(holder) {
  const words = holder.value ?? holder.textContent.trim();
  try {
    await navigator.clipboard.writeText(words);
    return true;
  } catch {
    if (holder.select) holder.select();
    else getSelection().selectAllChildren(holder);
    return false;
  }
}
