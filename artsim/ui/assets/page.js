// The search page: busy state, the detail dialog, notes. Runs once, before the app is drawn.
(() => {
  const last = location.pathname.split("/").pop();
  const art = (window.artsim = window.artsimFacts[last] ?? window.artsimFacts.en);
  document.documentElement.lang = art.language;
  document.documentElement.dir = art.direction;
  const say = (key, values = {}) =>
    Object.entries(values).reduce((text, [name, value]) => text.replace(`{${name}}`, value), art.strings[key]);
  art.say = say;

  // Busy while a search runs. `settle` is called after each, whatever came of it.
  let watchdog = 0;
  art.busy = () => {
    document.body.dataset.busy = "true";
    art.note?.(document.body.dataset.encoder === "loading" && art.wantsEncoder?.() ? say("waiting") : say("searching"));
    clearTimeout(watchdog);
    watchdog = setTimeout(() => { art.settle(); art.note?.(say("lost")); }, 120000);
  };
  art.settle = () => {
    clearTimeout(watchdog);
    delete document.body.dataset.busy;
    art.note?.("");
  };

  // The detail of a match, in a native dialog: Escape closes it, focus stays inside and returns to its card.
  let dialog, current;
  const make = (label, className, sign) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = className;
    button.textContent = sign;
    button.setAttribute("aria-label", label);
    button.title = label;
    return button;
  };
  const build = (host) => {
    dialog = document.createElement("dialog");
    dialog.className = "detail";
    const body = document.createElement("div");
    body.className = "detail-body";
    const previous = make(art.dialog.previous, "turn previous", "←");
    const next = make(art.dialog.next, "turn next", "→");
    const close = make(art.dialog.close, "close", "×");
    previous.addEventListener("click", () => turn(-1));
    next.addEventListener("click", () => turn(1));
    close.addEventListener("click", () => dialog.close());
    dialog.append(close, previous, next, body);
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
    dialog.addEventListener("close", () => current?.focus());
    dialog.addEventListener("keydown", (event) => {
      if (event.target.closest("input, textarea")) return;
      if (event.key === "ArrowLeft") turn(-1);
      if (event.key === "ArrowRight") turn(1);
    });
    host.append(dialog);
  };
  const cards = () => [...document.querySelectorAll("#results [data-open]")];
  const turn = (step) => {
    const target = cards()[cards().indexOf(current) + step];
    if (target) fill(target);
  };
  const fill = (face) => {
    current = face;
    const body = dialog.querySelector(".detail-body");
    body.replaceChildren(face.parentElement.querySelector("template").content.cloneNode(true));
    body.scrollTop = 0;
    dialog.setAttribute("aria-label", face.dataset.title);
    const place = cards().indexOf(face);
    dialog.querySelector(".previous").disabled = place === 0;
    dialog.querySelector(".next").disabled = place === cards().length - 1;
    const picture = body.querySelector(".detail-picture img");
    picture.style.backgroundImage = `url("${new URL(face.dataset.picture, document.baseURI)}")`;
    picture.addEventListener("load", () => { picture.style.backgroundImage = ""; }, { once: true });
  };
  art.openDetail = (face) => {
    if (!dialog?.isConnected) build(face.closest(".gradio-container") ?? document.body);
    fill(face);
    dialog.showModal();
    dialog.querySelector("h2")?.focus();
  };
  document.addEventListener("click", (event) => {
    const face = event.target.closest?.("[data-open]");
    if (face) art.openDetail(face);
    const again = event.target.closest?.("[data-search]");
    if (again) {
      if (dialog?.open) dialog.close();
      art.searchWork(again.dataset.search, again.dataset.title, again.dataset.picture);
    }
    if (event.target.closest?.('[data-action="restart"]')) {
      const words = document.querySelector("#words :is(input, textarea)");
      if (words) {
        words.value = "";
        words.dispatchEvent(new Event("input", { bubbles: true })); // so that Gradio sees it emptied
      }
      setTimeout(art.clearQuery);
    }
  });
})();
