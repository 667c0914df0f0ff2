// Ctrl+Enter saves an edit while the cursor is in its text: the first button of the form that is there for it.
"use strict";

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
  const form = event.target.closest ? event.target.closest("form") : null;
  const save = form ? form.querySelector("button.main") : null;
  if (!save) return;
  event.preventDefault();
  save.click();
});
