// The results: HTML from the server, replaced as a whole, so that no card keeps the picture of another.
const art = window.artsim;
const root = element.querySelector(".results-root");
const GHOSTS = 12;
const put = () => {
  root.innerHTML = props.value ?? "";
  document.body.dataset.page = root.querySelector("[data-state]")?.dataset.state ?? "empty";
};
const draw = () => {
  put();
  art.arrived?.(root.querySelector("[data-state]")?.dataset ?? {});
  const { restored } = root.querySelector("[data-state]")?.dataset ?? {};
  art.settle();
  if (restored === "link") art.restored();
  if (restored !== undefined) return; // restoring an address sets the scroll position
  if (document.body.dataset.page === "matches") window.scrollTo({ top: 0 });
};
// Placeholder in the shape of the results, while the first search runs.
art.showSkeleton = () => {
  const ghosts = Array.from({ length: GHOSTS }, () => '<li class="card ghost"><span class="frame"></span><span class="line"></span><span class="line"></span></li>');
  root.innerHTML = `<section class="results skeleton" aria-hidden="true"><header class="results-head"><span class="line"></span></header><ul class="grid">${ghosts.join("")}</ul></section>`;
  document.body.dataset.page = "matches";
};
art.hideSkeleton = () => { if (root.querySelector(".skeleton")) put(); };
draw();
watch("value", draw);
