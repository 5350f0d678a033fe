// The search page: messages and the busy state. Runs once, before the app is drawn, as do the other scripts in its head (`_SCRIPTS`
// in interface.py).
(() => {
  const art = (window.artsim = window.artsimFacts);
  const name = () => { if (document.documentElement.lang !== art.language) document.documentElement.lang = art.language; };
  name();
  new MutationObserver(name).observe(document.documentElement, { attributeFilter: ["lang"] }); // Gradio writes the browser's language there
  document.documentElement.dir = art.direction;
  const say = (key, values = {}) =>
    Object.entries(values).reduce((text, [name, value]) => text.replace(`{${name}}`, () => value), art.strings[key]);
  art.say = say;
  const figures = new Intl.NumberFormat(art.language);
  const part = ({ type, value }) => (type === "group" ? art.group : value); // the number format of the server's messages
  art.number = (value) => figures.formatToParts(value).map(part).join("");

  // A filter without a query is browsing: the address of that page, or null.
  const QUERY = ["work", "not", "text", "not-text", "upload", "not-upload", "detail"];
  art.browseAddress = (query) => {
    const names = [...new URLSearchParams(query).keys()];
    const filters = names.some((name) => name.startsWith("where.")) && !names.some((name) => QUERY.includes(name));
    return filters ? keepView(`./browse?${query}`) : null;
  };
  const browse = art.browseAddress(location.search.slice(1));
  if (browse) location.replace(browse);

  // Gradio mounts its components one by one: show them together, so that nothing moves.
  const pieces = ["#masthead header", "#query .query", "#presets label", "#advanced button", "#results .results", "#about p"];
  const show = () => {
    watcher.disconnect();
    document.body.dataset.drawn = "true";
  };
  const watcher = new MutationObserver(() => { if (pieces.every((piece) => document.querySelector(piece))) show(); });
  watcher.observe(document, { childList: true, subtree: true });
  setTimeout(show, 10000); // even if a component is missing

  // Busy while a search runs. `settle` is called after each search, even a failed one.
  let watchdog = 0;
  art.busy = () => {
    document.body.dataset.busy = "true";
    art.note?.(document.body.dataset.encoder === "loading" && art.wantsEncoder?.() ? say("waiting") : say("searching"));
    if (document.body.dataset.page === "empty" && art.expects?.()) art.showSkeleton?.();
    clearTimeout(watchdog);
    watchdog = setTimeout(() => { art.settle(); art.note?.(say("lost")); }, 120000);
  };
  art.settle = () => {
    clearTimeout(watchdog);
    delete document.body.dataset.busy;
    art.note?.("");
    art.hideSkeleton?.();
  };

  // The uploads of this visit: path -> {picture, preview, title}. Kept here, as components mount in any order.
  art.known = new Map();
  art.knownUploads = (uploads) => {
    for (const picture of uploads) {
      if (!art.known.has(picture.path)) art.known.set(picture.path, { picture, title: picture.orig_name ?? "" });
    }
  };

  // CSS box of a region: (left, top, right, bottom) in 0..1.
  art.frame = (box, region) => {
    box.hidden = !region;
    if (!region) return;
    const [left, top, right, bottom] = region.map((side) => 100 * side);
    Object.assign(box.style, { left: `${left}%`, top: `${top}%`, width: `${right - left}%`, height: `${bottom - top}%` });
  };
})();
