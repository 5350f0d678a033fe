// The results: HTML made by the server, put in place as a whole, so that no card keeps the picture of another.
const art = window.artsim;
const root = element.querySelector(".results-root");
const GHOSTS = 12;
const isNarrow = () => matchMedia("(max-width: 899px)").matches;
const calm = () => (matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth");
// On a phone the works are below the query. Whoever sees their top already is left alone.
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
  art.arrived?.(root.querySelector("[data-state]")?.dataset ?? {});
  const { restored } = root.querySelector("[data-state]")?.dataset ?? {};
  art.settle();
  if (restored === "link") art.restored();
  if (restored !== undefined) return; // where to scroll, the address knew
  if (document.body.dataset.page === "matches" && isNarrow()) goTo();
  else if (document.body.dataset.page === "matches") window.scrollTo({ top: 0 });
};
// While the first answer is under way: the shape that it will have.
art.showSkeleton = () => {
  const ghosts = Array.from({ length: GHOSTS }, () => '<li class="card ghost"><span class="frame"></span><span class="line"></span><span class="line"></span></li>');
  root.innerHTML = `<section class="results skeleton" aria-hidden="true"><header class="results-head"><span class="line"></span></header><ul class="grid">${ghosts.join("")}</ul></section>`;
  document.body.dataset.page = "matches";
  if (isNarrow()) goTo();
};
art.hideSkeleton = () => { if (root.querySelector(".skeleton")) put(); };
draw();
watch("value", draw);
