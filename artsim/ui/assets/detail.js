// The detail of a work, in a native dialog: Escape closes it, the focus stays inside and returns to its card. Each open
// work is an entry in the browser's history.
(() => {
  const art = window.artsim;
  let dialog, current;
  let quiet = false; // set for a close that leaves the address alone
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
    const previous = make(art.dialog.previous, "turn previous", "←");
    const next = make(art.dialog.next, "turn next", "→");
    const close = make(art.dialog.close, "close", "×");
    previous.addEventListener("click", () => turn(-1));
    next.addEventListener("click", () => turn(1));
    close.addEventListener("click", () => dialog.close());
    const zooms = ["in", "out", "whole"].map((way) => {
      const button = make(art.zoomLabels[way], "zoom", { in: "+", out: "−", whole: "⤢" }[way]);
      button.addEventListener("click", () => art.zoom(dialog.querySelector(".detail-picture"), way));
      return button;
    });
    const bar = document.createElement("div");
    bar.className = "detail-bar";
    bar.append(previous, next, ...zooms, close);
    dialog.append(bar, document.createElement("article"));
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close();
      if (event.target.closest(".detail-stage img")) art.zoom(dialog.querySelector(".detail-picture"), "in");
    });
    dialog.addEventListener("cancel", (event) => { if (art.leaveZoom()) event.preventDefault(); }); // Escape: one step back
    dialog.addEventListener("close", () => {
      art.leaveZoom();
      if (quiet) return void (quiet = false);
      current?.querySelector("button")?.focus();
      if (address() === null) return;
      if (history.state?.opened) history.back();
      else history.replaceState(history.state, "", view(null));
    });
    dialog.addEventListener("keydown", (event) => {
      if (event.target.closest("input, textarea, select, summary, .zoom-view")) return;
      if (event.key === "ArrowLeft") turn(-1);
      if (event.key === "ArrowRight") turn(1);
    });
    // A finger across the picture turns to the next work, unless the picture is zoomed: then it moves that.
    let start = null;
    dialog.addEventListener("touchstart", ({ target, touches }) => {
      start = touches.length === 1 && target.closest(".detail-picture:not([data-zoomed])") ? touches[0] : null;
    }, { passive: true });
    dialog.addEventListener("touchend", ({ changedTouches }) => {
      if (!start) return;
      const [dx, dy] = [changedTouches[0].clientX - start.clientX, changedTouches[0].clientY - start.clientY];
      if (Math.abs(dx) > 48 && Math.abs(dx) > 2 * Math.abs(dy)) turn(dx < 0 ? 1 : -1);
    });
    host.append(dialog);
  };
  const address = () => new URLSearchParams(location.search).get("detail");
  const view = (identity) => {
    const parameters = new URLSearchParams(location.search);
    if (identity === null) parameters.delete("detail");
    else parameters.set("detail", identity);
    return location.pathname + (parameters.size ? `?${parameters}` : ""); // not relative: the page's base is another address
  };
  const cards = () => [...document.querySelectorAll("#results :not(.beyond:not([open]) *) > .card[data-detail]")]; // in sight
  const turn = (step) => {
    const target = cards()[cards().indexOf(current) + step];
    if (!target) return;
    fill(target);
    if (!dialog.contains(document.activeElement)) dialog.querySelector("h2").focus(); // a button that is now disabled
    history.replaceState(history.state, "", view(target.dataset.work));
  };
  const fill = (card) => {
    art.leaveZoom();
    current = card;
    card.closest(".beyond")?.setAttribute("open", ""); // to it, the focus returns
    dialog.setAttribute("aria-label", card.dataset.title);
    const place = cards().indexOf(card);
    dialog.querySelector(".previous").disabled = place <= 0;
    dialog.querySelector(".next").disabled = place < 0 || place === cards().length - 1;
    if (details.has(card)) return put(details.get(card).cloneNode(true));
    const said = wait(card);
    load(card).then((detail) => { if (current === card && dialog.open) put(detail.cloneNode(true)); }, ({ message }) => {
      if (current !== card) return;
      const again = document.createElement("button");
      again.type = "button";
      again.className = "plain";
      again.textContent = art.say("again");
      again.addEventListener("click", () => { fill(card); dialog.querySelector("h2").focus(); });
      said.replaceChildren(art.say("detail-failed", { reason: message }));
      said.after(again);
    });
  };
  const details = new WeakMap(); // card -> its detail, once that was fetched
  const load = async (card) => {
    const answer = await fetch(`${card.dataset.detail}&lang=${art.language}`).catch(() => null);
    if (!answer) throw new Error(art.say("lost"));
    const content = new DOMParser().parseFromString(await answer.text(), "text/html");
    const detail = content.querySelector(".detail-body");
    if (!answer.ok || !detail) throw new Error(content.querySelector(".notice")?.textContent ?? art.say("lost"));
    details.set(card, detail);
    return detail;
  };
  // What the card knows, until the detail is there: its picture, its title, and that the rest is loaded.
  const wait = ({ dataset }) => {
    const detail = document.createElement("article");
    detail.className = "detail-body";
    detail.innerHTML = '<div class="detail-picture"><div class="detail-stage"><img alt=""></div><p class="zoom-note" hidden></p></div><div class="detail-text"><p class="overline"></p><h2 tabindex="-1"></h2><p class="muted" role="status"></p></div>';
    detail.querySelector("img").src = dataset.large;
    detail.querySelector("h2").textContent = dataset.title;
    const said = detail.querySelector("[role=status]");
    said.textContent = art.say("detail-waiting");
    put(detail);
    return said;
  };
  const put = (shown) => {
    const before = dialog.querySelector("article");
    const focused = before.contains(document.activeElement);
    before.replaceWith(shown);
    if (focused) shown.querySelector("h2").focus();
    const fetched = shown.querySelector("[data-echoes]");
    if (fetched) echoes.observe(fetched);
    const picture = shown.querySelector(".detail-stage img");
    picture.style.backgroundImage = `url("${new URL(current.dataset.picture, document.baseURI)}")`;
    picture.addEventListener("load", () => { picture.style.backgroundImage = ""; }, { once: true });
  };
  // Echoes are fetched once they come into view.
  const echoes = new IntersectionObserver((seen) => {
    for (const { isIntersecting, target } of seen) {
      if (!isIntersecting) continue;
      echoes.unobserve(target);
      fetch(`${target.dataset.echoes}&lang=${art.language}`).then(async (answer) => {
        if (!answer.ok) throw new Error(answer.statusText);
        target.innerHTML = await answer.text();
      }).catch(() => target.closest("section").remove());
    }
  });
  const show = (card) => {
    if (!dialog?.isConnected) build(card.closest(".gradio-container") ?? document.body);
    fill(card);
    if (!dialog.open) dialog.showModal();
    dialog.querySelector("h2")?.focus();
  };

  art.openDetail = (card) => {
    show(card);
    history.pushState({ ...history.state, opened: true }, "", view(card.dataset.work));
  };
  // Follow the address without changing it.
  art.showDetail = (identity) => {
    const known = [...document.querySelectorAll("#results [data-detail]")];
    const card = known.find((one) => one.dataset.work === identity);
    if (card) show(card);
  };
  art.closeDetail = () => dialog?.close();
  art.hideDetail = () => {
    if (!dialog?.open) return;
    quiet = true;
    dialog.close();
  };
})();
