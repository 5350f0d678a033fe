// Two pictures in two viewers that move in sync, unless the visitor switches that off.
const { words } = JSON.parse(document.getElementById("facts").textContent);
const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
const together = document.getElementById("together");

const open = (frame) => {
  const viewer = OpenSeadragon({
    element: frame,
    drawer: "canvas",
    showNavigationControl: false,
    animationTime: still ? 0 : 0.5,
    visibilityRatio: 0.4,
    minZoomImageRatio: 0.8,
    maxZoomPixelRatio: 4,
    gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
    gestureSettingsTouch: { flickEnabled: !still },
    tileSources: { type: "image", url: frame.dataset.picture },
  });
  viewer.addHandler("open", () => {
    frame.dataset.shown = "true";
    viewer.canvas.setAttribute("role", "application");
    viewer.canvas.setAttribute("aria-label", frame.dataset.label);
    viewer.canvas.setAttribute("aria-describedby", "compare-keys");
  });
  viewer.addHandler("canvas-key", (event) => { // its keys to rotate and flip would break the comparison
    if (/^[rf]$/i.test(event.originalEvent.key)) event.preventDefaultAction = true;
  });
  return viewer;
};
const viewers = [...document.querySelectorAll(".compare-view")].map(open);

// The viewport relative to the picture, so that pictures of different shapes show the same place.
const shape = (viewer) => {
  const { x, y } = viewer.world.getItemAt(0).getContentSize();
  return y / x;
};
let leading = null;
const follow = (leader) => {
  if (!together.checked || (leading && leading !== leader)) return;
  const other = viewers.find((viewer) => viewer !== leader);
  if (!viewers.every((viewer) => viewer.world.getItemCount())) return;
  leading = leader;
  const center = leader.viewport.getCenter();
  other.viewport.zoomTo((leader.viewport.getZoom() / leader.viewport.getHomeZoom()) * other.viewport.getHomeZoom());
  other.viewport.panTo(new OpenSeadragon.Point(center.x, (center.y / shape(leader)) * shape(other)));
  leading = null;
};
for (const viewer of viewers) for (const change of ["zoom", "pan"]) viewer.addHandler(change, () => follow(viewer));
together.addEventListener("change", () => follow(viewers[0]));
document.querySelector(".compare-zoom").addEventListener("click", (event) => {
  const way = event.target.closest("[data-zoom]")?.dataset.zoom;
  if (!way) return;
  for (const viewer of together.checked ? viewers.slice(0, 1) : viewers) {
    if (way === "whole") viewer.viewport.goHome(still);
    else viewer.viewport.zoomBy(way === "in" ? 1.5 : 1 / 1.5);
    viewer.viewport.applyConstraints(still);
  }
});

// Corresponding regions, fetched on demand. Without this script the link opens a page of its own.
const ask = document.querySelector(".compare-ask");
ask?.addEventListener("click", async (event) => {
  event.preventDefault();
  const shown = document.querySelector(".compare-why");
  if (shown.dataset.busy) return;
  shown.dataset.busy = "true";
  shown.textContent = words.waiting;
  try {
    const answer = await fetch(`${ask.dataset.part}&lang=${document.documentElement.lang}`);
    if (!answer.ok) throw new Error(answer.statusText);
    shown.innerHTML = await answer.text();
    ask.hidden = true;
  } catch {
    shown.textContent = words.failed;
  }
  delete shown.dataset.busy;
});
