/* The week planner: a meal dragged onto a free place is copied there. The form of the meal's page does the same. */
"use strict";
(() => {
  if (document.documentElement.dataset.planner) return; /* it comes with the page, also where only the body is swapped */
  document.documentElement.dataset.planner = "on";
  let dragged = null;
  const place = (event) => {
    const cell = event.target.closest?.("[data-planner] [data-drop]");
    return cell && dragged && cell.dataset.meal === dragged.dataset.meal ? cell : null;
  };
  document.addEventListener("dragstart", (event) => {
    dragged = event.target.closest?.("[data-planner] [data-drag]") || null;
    if (dragged && event.dataTransfer) event.dataTransfer.effectAllowed = "copy";
  });
  document.addEventListener("dragover", (event) => {
    const cell = place(event);
    if (!cell) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    cell.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => event.target.classList?.remove("over"));
  document.addEventListener("dragend", () => { dragged = null; document.querySelectorAll(".over").forEach((cell) => cell.classList.remove("over")); });
  document.addEventListener("drop", (event) => {
    const cell = place(event);
    const form = document.getElementById("planner-copy");
    if (!cell || !form) return;
    event.preventDefault();
    form.elements.from.value = dragged.dataset.drag;
    form.elements.meal.value = dragged.dataset.meal;
    form.elements.to.value = cell.dataset.drop;
    form.requestSubmit();
  });
})();
