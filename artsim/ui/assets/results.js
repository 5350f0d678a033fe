// The results: HTML from the server, replaced as a whole, so that no card keeps the picture of another.
const art = window.artsim;
const root = element.querySelector(".results-root");
const GHOSTS = 12;
const isNarrow = () => matchMedia("(max-width: 899px)").matches;
const calm = () => (matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth");
// On phones the works are below the query: scroll to them unless their top is visible already.
const goTo = () => {
  const { top } = root.getBoundingClientRect();
  if (top < 0 || top > innerHeight / 4) root.scrollIntoView({ behavior: calm() });
};
const put = () => {
  root.innerHTML = props.value ?? "";
  document.body.dataset.page = root.querySelector("[data-state]")?.dataset.state ?? "empty";
};
const draw = () => {
  put();
  const told = root.querySelector("[data-state]")?.dataset ?? {};
  const { restored, unreadable } = told;
  if (unreadable) art.dropParts(unreadable.split(",").map(Number));
  art.arrived?.(told);
  art.settle();
  if (restored === "link") art.restored();
  if (restored !== undefined) return; // restoring an address sets the scroll position
  if (document.body.dataset.page === "matches" && isNarrow()) goTo();
  else if (document.body.dataset.page === "matches") window.scrollTo({ top: 0 });
};
// Placeholder in the shape of the results, while the first search runs.
art.showSkeleton = () => {
  const ghosts = Array.from({ length: GHOSTS }, () => '<li class="card ghost"><span class="frame"></span><span class="line"></span><span class="line"></span></li>');
  root.innerHTML = `<section class="results skeleton" aria-hidden="true"><header class="results-head"><span class="line"></span></header><ul class="grid">${ghosts.join("")}</ul></section>`;
  document.body.dataset.page = "matches";
  if (isNarrow()) goTo();
};
art.hideSkeleton = () => { if (root.querySelector(".skeleton")) put(); };
draw();
watch("value", draw);
