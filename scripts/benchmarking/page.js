// Timing of a search within the page; injected before any script of the page runs.
(() => {
  performance.setResourceTimingBufferSize(10000);
  const measure = (window.artsimMeasure = { shifts: 0, afterInput: 0, moved: [], run: null });
  const named = (node) => (node?.closest?.("[id]")?.id ?? node?.nodeName ?? "something that is gone");
  new PerformanceObserver((list) => {
    for (const shift of list.getEntries()) {
      if (shift.hadRecentInput) measure.afterInput += shift.value; // excluded from CLS, but visible to people
      else measure.shifts += shift.value;
      measure.moved.push(...shift.sources.map((source) => named(source.node)));
    }
  }).observe({ type: "layout-shift", buffered: true });

  const shown = () => document.querySelector("#results .results:not(.skeleton)");
  const firstRow = (results) => {
    const cards = [...results.querySelectorAll(".card")];
    return cards.filter((card) => card.getBoundingClientRect().top < cards[0].getBoundingClientRect().top + 10);
  };
  const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
  const loaded = (image) => (image.complete ? image.decode() : new Promise((done, failed) => {
    image.addEventListener("load", () => image.decode().then(done, failed), { once: true });
    image.addEventListener("error", failed, { once: true });
  }));

  // Once the page is loaded: times since its request, of its first byte and of the end of its first thumbnail.
  measure.opened = () => ({
    first_byte_ms: performance.getEntriesByType("navigation")[0].responseStart,
    picture_ms: Math.min(
      ...performance.getEntriesByType("resource").filter(({ name }) => name.includes("/thumbnails/")).map((one) => one.responseEnd),
    ),
  });

  // From the next event of this `type` on: `run` resolves to the times until another answer is shown.
  measure.next = (type) => {
    let started = null;
    const steps = {};
    const before = shown()?.outerHTML;
    performance.clearResourceTimings();
    Object.assign(measure, { shifts: 0, afterInput: 0, moved: [] });
    document.addEventListener(type, () => { started = performance.now(); }, { capture: true, once: true });
    const since = () => performance.now() - started;
    measure.run = new Promise((done) => {
      const look = new MutationObserver(async () => {
        if (started === null) return;
        if (document.querySelector("#results .skeleton")) steps.skeleton_ms ??= since();
        const results = shown();
        if (!results?.querySelector(".card") || results.outerHTML === before) return;
        look.disconnect();
        steps.cards_ms = since();
        const row = firstRow(results);
        await Promise.all(row.map((card) => loaded(card.querySelector("img")).catch(() => { steps.broken = true; })));
        await painted();
        steps.painted_ms = since();
        const uploads = performance.getEntriesByType("resource").filter((entry) => entry.name.includes("/upload"));
        if (uploads.length) steps.upload_ms = uploads.at(-1).responseEnd - started;
        done({ ...steps, state: results.dataset.state, cards: results.querySelectorAll(".card").length, row: row.length });
      });
      look.observe(document.querySelector("#results"), { childList: true, subtree: true });
    });
  };
})();
