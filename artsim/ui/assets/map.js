// The map: OpenSeadragon shows the tiles; this script selects works by pointer and keyboard.
const facts = JSON.parse(document.getElementById("facts").textContent);
const SMALL = 40; // screen pixels of a cell, below which a click zooms in instead of searching
const still = matchMedia("(prefers-reduced-motion: reduce)").matches;

if (facts.drawing) waitForMap();
else showMap();

async function waitForMap() {
  const state = await fetch("map/state").then((answer) => answer.json()).catch(() => ({}));
  if (state.drawn) location.reload();
  else setTimeout(waitForMap, 1000);
}

function showMap() {
  const { columns, rows, works, halvings, tile, key } = facts;
  const view = document.getElementById("map");
  const viewer = OpenSeadragon({
    element: view,
    drawer: "canvas",
    showNavigationControl: false,
    animationTime: still ? 0 : 0.7,
    springStiffness: 8,
    visibilityRatio: 0.5,
    minZoomImageRatio: 0.7,
    maxZoomPixelRatio: 1.5,
    timeout: 120000,
    tileRetryMax: 2,
    zoomPerScroll: 1.35,
    gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: false },
    gestureSettingsTouch: { clickToZoom: false, dblClickToZoom: false, flickEnabled: !still },
    gestureSettingsPen: { clickToZoom: false, dblClickToZoom: false },
    subPixelRoundingForTransparency: OpenSeadragon.SUBPIXEL_ROUNDING_OCCURRENCES.ALWAYS,
    tileSources: {
      width: columns * tile,
      height: rows * tile,
      tileSize: tile,
      minLevel: 0,
      maxLevel: halvings,
      getTileUrl: (level, x, y) => `map/tiles/${halvings - level}/${x}_${y}.webp?v=${key}`,
    },
  });
  const viewport = () => viewer.viewport;
  const side = 1 / columns; // of a cell; the whole map has width 1
  const middle = (cell) => new OpenSeadragon.Point((cell % columns + 0.5) * side, (Math.floor(cell / columns) + 0.5) * side);
  const cellAt = (point) => {
    const [x, y] = [Math.floor(point.x / side), Math.floor(point.y / side)];
    const cell = y * columns + x;
    return x >= 0 && x < columns && y >= 0 && cell < works ? cell : null;
  };
  const onScreen = () => viewport().deltaPixelsFromPoints(new OpenSeadragon.Point(side, 0), true).x;

  // Titles, fetched page by page.
  const pages = new Map();
  const workIn = async (cell) => {
    const page = Math.floor(cell / facts.page);
    if (!pages.has(page)) pages.set(page, fetch(`map/works/${page}?v=${key}`).then((answer) => answer.json()));
    return pages.get(page).then((found) => found[cell % facts.page]).catch(() => pages.delete(page) && null);
  };

  // The work under the pointer.
  const frame = document.createElement("div");
  frame.className = "map-here";
  const caption = document.querySelector(".map-caption a");
  let here = null;
  const point = async (cell) => {
    if (cell === here) return;
    here = cell;
    viewer.removeOverlay(frame);
    if (cell === null) return;
    viewer.addOverlay({ element: frame, location: new OpenSeadragon.Rect(cell % columns * side, Math.floor(cell / columns) * side, side, side) });
    const work = await workIn(cell);
    if (!work || here !== cell) return;
    caption.hidden = false;
    caption.href = `${facts.search}?${new URLSearchParams({ work: work[0] })}`;
    const said = facts.words.search.replace("{title}", work.slice(1).filter(Boolean).join(", "));
    caption.replaceChildren(...Object.entries({ title: work[1], by: work[2], unseen: said }).map(([name, text]) => {
      const line = document.createElement("span");
      line.className = name;
      line.textContent = text;
      if (name !== "unseen") line.setAttribute("aria-hidden", "true");
      return line;
    }));
  };
  const search = async (cell) => {
    const work = await workIn(cell);
    if (work) location.assign(keepView(`${facts.search}?${new URLSearchParams({ work: work[0] })}`));
  };
  const goTo = (cell, pixels) => {
    const zoom = viewport().getZoom() * Math.max(1, pixels / viewport().deltaPixelsFromPoints(new OpenSeadragon.Point(side, 0)).x);
    viewport().zoomTo(Math.min(zoom, viewport().getMaxZoom()), null, still);
    viewport().panTo(middle(cell), still);
  };
  view.addEventListener("pointermove", (event) => {
    if (event.pointerType !== "mouse" || event.buttons || !viewport()) return;
    const box = view.getBoundingClientRect();
    point(cellAt(viewport().pointFromPixel(new OpenSeadragon.Point(event.clientX - box.left, event.clientY - box.top), true)));
  });
  viewer.addHandler("canvas-click", (event) => {
    const cell = event.quick ? cellAt(viewport().pointFromPixel(event.position, true)) : null;
    if (cell === null) return;
    point(cell);
    if (onScreen() < SMALL) goTo(cell, 3 * SMALL);
    else search(cell);
  });

  // Keyboard: OpenSeadragon's keys pan, these go from picture to picture.
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };
  viewer.addHandler("canvas-key", (event) => { event.preventDefaultAction = true; });
  viewer.canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in steps) {
      const from = here ?? cellAt(viewport().getCenter()) ?? 0;
      const to = here === null ? from : from + steps[event.key];
      if (to < 0 || to >= works || (Math.abs(steps[event.key]) === 1 && Math.floor(to / columns) !== Math.floor(from / columns))) return;
      point(to);
      if (onScreen() < SMALL || !viewport().getBounds().containsPoint(middle(to), side / -2)) goTo(to, 2 * SMALL);
    } else if (event.key === "Enter" && here !== null) search(here);
    else if (event.key === "+" || event.key === "=") viewport().zoomBy(1.5);
    else if (event.key === "-") viewport().zoomBy(1 / 1.5);
    else if (event.key === "0" || event.key === "Home") viewport().goHome(still);
    else return;
    viewport().applyConstraints(still);
    event.preventDefault();
  });
  document.querySelector(".map-buttons").addEventListener("click", (event) => {
    const way = event.target.closest("[data-zoom]")?.dataset.zoom;
    if (way === "whole") viewport().goHome(still);
    else if (way) viewport().zoomBy(way === "in" ? 1.6 : 1 / 1.6);
    viewport().applyConstraints(still);
  });

  // The viewport is kept in the address, so that "back" from a search restores it.
  viewer.addHandler("open", () => {
    view.removeAttribute("aria-busy");
    viewer.canvas.setAttribute("role", "application");
    viewer.canvas.setAttribute("aria-label", view.dataset.label);
    viewer.canvas.setAttribute("aria-describedby", "map-keys");
    const [x, y, zoom] = location.hash.slice(1).split(",").map(Number);
    if (zoom > 0 && Number.isFinite(x) && Number.isFinite(y)) {
      viewport().zoomTo(zoom, null, true);
      viewport().panTo(new OpenSeadragon.Point(x, y), true);
    } else if (facts.start !== null) {
      goTo(facts.start, 4 * SMALL);
      point(facts.start);
    }
    watch();
  });
  let resting = 0;
  viewer.addHandler("viewport-change", () => {
    clearTimeout(resting);
    resting = setTimeout(() => {
      const { x, y } = viewport().getCenter();
      const place = [x, y, viewport().getZoom()].map((number) => number.toFixed(4)).join(",");
      history.replaceState(history.state, "", `${location.pathname}${location.search}#${place}`);
      watch();
    }, 200);
  });

  // Reload incomplete tiles on screen once their thumbnails are made.
  let [timer, looks, made] = [0, 0, facts.made];
  const watch = () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const state = await fetch("map/state").then((answer) => answer.json()).catch(() => ({ waiting: 0, made }));
      looks = state.waiting ? looks + 1 : 0;
      if (state.made !== made && looks % 4 === 0) {
        made = state.made;
        viewer.world.getItemAt(0)?.reset();
      }
      if (state.waiting) watch();
    }, 2000);
  };
}
