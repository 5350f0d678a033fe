// The address: every search adds an entry to the browser's history, and every entry repeats its search.
const art = window.artsim;
const KEPT = ["lang", "__theme"]; // not of the search: they stay in the address, whatever is searched
const NOT_QUERY = ["detail", "view", ...KEPT];
const pairs = (query) => JSON.stringify([...new URLSearchParams(query)]);
const paths = (uploads) => (uploads ?? []).map((upload) => upload.path).join("\n");
const here = () => {
  const parameters = new URLSearchParams(location.search);
  const detail = parameters.get("detail");
  for (const name of NOT_QUERY) parameters.delete(name);
  return { query: parameters.toString(), detail };
};
const kept = () => [...new URLSearchParams(location.search)].filter(([name]) => KEPT.includes(name));
const title = document.title;
let shown = pairs("");
let shownUploads = "";
let waiting = null; // what to restore once the results of an address arrive

history.scrollRestoration = "manual";
art.arrived = ({ query = "", restored, title: heading }) => {
  document.title = heading ? `${heading} · ${title}` : title;
  if (restored !== undefined) return;
  const browse = art.browseAddress(query);
  if (browse) return void setTimeout(() => location.assign(browse)); // once Gradio is done with the answer: it would abort it
  art.hideDetail();
  const uploads = art.uploads();
  if (pairs(query) === shown && paths(uploads) === shownUploads) return;
  shown = pairs(query);
  shownUploads = paths(uploads);
  const parameters = [query, new URLSearchParams(kept()).toString()].filter(Boolean).join("&");
  const state = { uploads, photograph: art.photograph() };
  history.pushState(state, "", location.pathname + (parameters ? `?${parameters}` : "")); // not relative: the page's base is another address
};
art.restored = () => {
  if (!waiting) return;
  const { scroll } = waiting;
  waiting = null;
  window.scrollTo({ top: scroll ?? 0 });
  const { detail } = here();
  if (detail) art.showDetail(detail);
};
const restore = () => {
  const { query, detail } = here();
  const uploads = history.state?.uploads ?? [];
  art.hideDetail();
  shown = pairs(query);
  shownUploads = paths(uploads);
  waiting = { scroll: history.state?.scroll };
  art.knownUploads(uploads);
  props.value = { query: detail ? `${query}&${new URLSearchParams({ detail })}` : query, uploads };
  trigger("input");
};
art.startAgain = () => {
  const parameters = new URLSearchParams(kept()).toString();
  history.pushState({}, "", location.pathname + (parameters ? `?${parameters}` : ""));
  restore();
};
window.addEventListener("popstate", () => {
  const { query, detail } = here();
  if (pairs(query) !== shown || paths(history.state?.uploads) !== shownUploads) return restore();
  if (detail) art.showDetail(detail);
  else art.hideDetail();
});
let pause = 0;
window.addEventListener("scroll", () => {
  clearTimeout(pause);
  pause = setTimeout(() => {
    if (!document.body.dataset.busy && !waiting) history.replaceState({ ...history.state, scroll: window.scrollY }, "");
  }, 200);
}, { passive: true });

// A change of language opens another page. The uploads go there in the window's name, as storage may be denied; a page of
// another site cannot read it.
const NAMED = "artsim-uploads:";
art.keepUploads = () => {
  const [uploads, { photograph } = {}] = [art.uploads(), history.state ?? undefined];
  if (uploads.length || photograph) window.name = NAMED + JSON.stringify({ uploads, photograph });
};
if (window.name.startsWith(NAMED)) {
  const given = JSON.parse(window.name.slice(NAMED.length));
  window.name = "";
  if (!history.state?.uploads) history.replaceState({ ...history.state, ...given }, "");
}

art.expects = () => Boolean(waiting) || art.parts?.().length > 0;
const start = here();
if (start.query || start.detail) restore();
