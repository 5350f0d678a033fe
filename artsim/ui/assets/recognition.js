// Recognition: does the collection hold the very work that a picture shows? The server is asked once the results are there, and
// its answer stands above them: a line, or the card of the work. The results then become those of the work, and one button makes
// them those of the picture again. The history entry of the work keeps the picture, as `photograph`.
(() => {
  const art = window.artsim;
  const answers = new Map(); // path of a picture -> { said, card, work }
  let region, said, card;
  let shown = null; // the picture that the region is about: its path
  let running = null; // { path, abort } of the request
  let own = null; // the path of a picture whose own results the visitor has asked for

  const build = (root) => {
    region = document.createElement("section");
    region.className = "recognition";
    [said, card] = ["p", "div"].map((kind) => document.createElement(kind));
    said.setAttribute("role", "status"); // there before it says something: screen readers notice changes only
    region.append(said, card);
    root.before(region);
  };
  const stop = () => {
    running?.abort.abort();
    running = null;
  };
  const clear = () => {
    stop();
    shown = own = null;
    for (const part of [said, card]) part.replaceChildren();
  };
  const parsed = (html) => {
    const content = document.createElement("template");
    content.innerHTML = html;
    const [line, work] = ["[data-said]", "[data-card]"].map((part) => content.content.querySelector(part));
    return { said: line, card: work, work: work?.dataset.work };
  };

  const ask = async (path) => {
    if (running?.path === path) return;
    stop();
    const mine = (running = { path, abort: new AbortController() });
    try {
      const options = { headers: { "X-Upload": encodeURIComponent(path) }, signal: mine.abort.signal };
      const answer = await fetch(`./recognition?lang=${art.language}`, options);
      if (!answer.ok) throw new Error(answer.statusText);
      answers.set(path, parsed(await answer.text()));
    } catch {
      if (running === mine) clear(); // the results do without
      return;
    }
    if (running !== mine) return;
    running = null;
    if (isAbout(path)) show(path);
  };
  // Whether the query still consists of this picture, or of the work that it was recognised as.
  const isAbout = (path) => {
    const [part, ...others] = art.parts();
    return Boolean(part) && !others.length && !part.region && (part.picture?.path === path || history.state?.photograph?.path === path);
  };
  const isOfPicture = () => "recognize" in (document.querySelector("#results [data-state]")?.dataset ?? {});
  const show = (path) => {
    const answer = answers.get(path);
    if (shown !== path) {
      shown = path;
      said.replaceChildren(...answer.said.cloneNode(true).childNodes);
      card.replaceChildren(...(answer.card ? [answer.card.cloneNode(true)] : []));
    }
    if (!answer.work) return;
    for (const button of card.querySelectorAll("[data-of]")) button.hidden = (button.dataset.of === "picture") !== isOfPicture();
    const isLooking = document.querySelector("dialog[open]"); // the visitor looks at a result: it stays
    const { title, picture, large } = card.firstElementChild.dataset;
    if (isOfPicture() && own !== path && !isLooking) art.searchWith({ work: answer.work, title, address: picture, large });
  };

  art.queryChanged = () => { if (running && !isAbout(running.path)) stop(); };
  // What the results are about, each time that they arrive.
  art.recognise = (root, { recognize, restored }) => {
    if (!region?.isConnected) build(root);
    const { uploads, photograph } = history.state ?? {};
    const path = (recognize === undefined ? photograph : uploads?.[0])?.path;
    if (!path) return clear();
    if (shown && shown !== path) clear();
    if (restored !== undefined) own = path; // a step back leads to the results of the picture, and not on to the work again
    if (answers.has(path)) return show(path);
    if (recognize !== undefined) said.textContent = art.say("recognizing");
    ask(path);
  };
  // The picture by which the work that is searched with was recognised, if it was.
  art.photograph = () => {
    const { uploads = [], photograph } = history.state ?? {};
    const [parts, before] = [art.parts(), photograph ?? uploads[0]];
    const work = answers.get(before?.path)?.work;
    return work !== undefined && parts.length === 1 && parts[0].work === work && !parts[0].region ? before : undefined;
  };
  art.searchWithPhotograph = () => {
    const { photograph } = history.state;
    own = photograph.path;
    art.knownUploads([photograph]);
    art.searchWith(art.known.get(own));
  };
})();
