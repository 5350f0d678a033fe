// Actions of the buttons at works and results: `data-act` names the action, `data-work` on an ancestor the work.
(() => {
  const art = window.artsim;
  const partOf = (facts) => ({ work: facts.work, title: facts.title, address: facts.picture, large: facts.large });

  const copy = async (address, button) => {
    const link = new URL(address, location.href).href;
    try {
      await navigator.clipboard.writeText(link);
    } catch { // not permitted, or no secure context
      window.prompt(art.say("copy"), link);
      return;
    }
    const label = button.textContent;
    button.textContent = art.hasUploads() && button.dataset.act === "copy-view" ? art.say("copied-partly") : art.say("copied");
    setTimeout(() => { button.textContent = label; }, 4000);
  };

  // Comparing: one work is chosen in its detail, and the next one that is opened is compared with it.
  let first = null;
  const comparing = (facts) => {
    first = facts;
    document.querySelector(".compare-bar")?.remove();
    if (!facts) return;
    const bar = document.createElement("div");
    bar.className = "compare-bar";
    bar.setAttribute("role", "status");
    const cancel = document.createElement("button");
    cancel.type = "button";
    cancel.className = "plain";
    cancel.textContent = art.say("compare-cancel");
    cancel.addEventListener("click", () => comparing(null));
    bar.append(art.say("compare-with", { title: facts.title }), cancel);
    document.querySelector(".gradio-container").append(bar);
  };
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !document.querySelector("dialog[open]")) comparing(null);
  });
  const beside = (facts) => location.assign(keepView(`./compare?${new URLSearchParams({ a: first.work, b: facts.work })}`));

  const acts = {
    open: (facts, button) => (first ? beside(facts) : art.openDetail(button.closest("[data-work]"))),
    search: (facts) => (first ? beside(facts) : (art.hideDetail(), art.searchWith(partOf(facts)))),
    for: (facts) => { art.hideDetail(); art.addPart({ ...partOf(facts), weight: 1 }); },
    against: (facts) => { art.hideDetail(); art.addPart({ ...partOf(facts), weight: -1 }); },
    crop: (facts) => art.crop({ source: facts.large, name: facts.title }, (region) => {
      art.hideDetail();
      art.searchWith({ ...partOf(facts), region });
    }),
    compare: (facts) => { art.closeDetail(); comparing({ ...facts }); },
    "copy-work": (facts, button) => copy(`?${new URLSearchParams({ detail: facts.work })}`, button),
    "copy-view": (facts, button) => copy(location.href, button),
    why: async (facts, button) => {
      const place = button.closest("[data-why]");
      button.disabled = true;
      button.textContent = art.say("why-waiting");
      const [upload] = art.uploads();
      const headers = upload ? { "X-Upload": encodeURIComponent(upload.path) } : {};
      const answer = await fetch(`${place.dataset.why}&lang=${art.language}`, { headers }).catch(() => null);
      const text = (await answer?.text().catch(() => "")) ?? "";
      if (answer?.ok) place.innerHTML = text;
      else {
        const reason = new DOMParser().parseFromString(text, "text/html").querySelector(".notice")?.textContent ?? "";
        place.textContent = art.say("why-failed", { reason });
      }
      place.tabIndex = -1; // the focused button is gone: keep the focus in the dialog
      place.focus({ preventScroll: true });
    },
    photograph: () => art.searchWithPhotograph(),
    restart: () => art.startAgain(),
    unfold: (facts, button) => { // on phones, where the query is a strip
      button.setAttribute("aria-expanded", String(document.body.toggleAttribute("data-unfolded")));
    },
    explain: (facts, button) => {
      const text = button.closest("[data-explained]").querySelector(".what-text");
      text.hidden = !text.hidden;
      button.setAttribute("aria-expanded", String(!text.hidden));
    },
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-act]");
    if (button) acts[button.dataset.act]?.(button.closest("[data-work]")?.dataset, button);
    for (const menu of document.querySelectorAll("details.downloads[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  document.addEventListener("dragstart", (event) => {
    const facts = event.target.closest?.("[data-work]")?.dataset;
    if (facts) event.dataTransfer.setData("application/x-artsim-work", JSON.stringify(partOf(facts)));
  });
})();
