// The results: HTML from the server, replaced as a whole, so that no card keeps the picture of another.
const art = window.artsim;
const root = element.querySelector(".results-root");
const GHOSTS = 12;
let unfolded = false; // once the visitor has unfolded what is not close, it stays so
root.addEventListener("toggle", ({ target }) => { if (target.matches(".beyond")) unfolded = target.open; }, true);
// The box of the works has another place before a search and after it, with other works in it: it is taken out and laid out anew,
// as browsers count what moves with its box as a jump.
const turnTo = (page) => {
  const { dataset } = document.body;
  if (dataset.page === page) return;
  const { style } = element.closest("#found");
  document.body.style.minHeight = `${document.body.offsetHeight}px`; // so that the page does not scroll
  style.setProperty("display", "none", "important");
  dataset.page = page;
  void document.body.offsetHeight;
  style.removeProperty("display");
  document.body.style.minHeight = "";
};
const put = () => {
  const ordered = document.activeElement?.matches("[data-order]"); // the focused field is replaced, too
  root.innerHTML = props.value ?? "";
  root.querySelector(".beyond")?.toggleAttribute("open", unfolded);
  if (ordered) root.querySelector("[data-order]")?.focus({ preventScroll: true });
  turnTo(root.querySelector("[data-state]")?.dataset.state ?? "empty");
};
const draw = () => {
  put();
  const facts = root.querySelector("[data-state]")?.dataset ?? {};
  const { restored, unreadable } = facts;
  if (unreadable) art.dropParts(unreadable.split(",").map(Number));
  art.arrived?.(facts);
  art.recognise(root, facts);
  art.settle();
  if (restored === "link") art.restored();
  if (restored !== undefined) return; // restoring an address sets the scroll position
  if (document.body.dataset.page === "matches") window.scrollTo({ top: 0 });
};
// Placeholder in the shape of the results, while the first search runs.
art.showSkeleton = () => {
  const ghosts = Array.from({ length: GHOSTS }, () => '<li class="card ghost"><span class="frame"></span><span class="line"></span><span class="line"></span></li>');
  root.innerHTML = `<section class="results skeleton" aria-hidden="true"><header class="results-head"><span class="line"></span></header><ul class="grid">${ghosts.join("")}</ul></section>`;
  turnTo("matches");
};
art.hideSkeleton = () => { if (root.querySelector(".skeleton")) put(); };
draw();
watch("value", draw);
