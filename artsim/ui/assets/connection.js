// A search in the moment of a dropped connection. Gradio gives up at the first failure, and loads the page again once the server
// answers. So a call that does not arrive is sent again for a few seconds, and a page that is loaded again in the middle of a
// search says that its answer is lost.
(() => {
  const art = window.artsim;
  const PAUSES = [400, 1200, 3000]; // milliseconds before the next attempt
  const GATEWAY = [502, 504]; // a proxy answers, the app does not
  const KEY = "artsim-searching";
  const kept = (act) => { try { return act(sessionStorage); } catch { return null; } }; // denied: no word after a reload
  const searching = (is) => kept((store) => (is ? store.setItem(KEY, "1") : store.removeItem(KEY)));

  const isReload = performance.getEntriesByType("navigation")[0]?.type === "reload";
  art.cutOff = isReload && kept((store) => store.getItem(KEY)) ? art.say("lost") : "";
  searching(false);
  for (const act of ["pointerdown", "keydown"]) document.addEventListener(act, () => { art.cutOff = ""; }, { capture: true });

  const { busy, settle } = art;
  art.busy = () => { searching(true); busy(); };
  art.settle = () => { searching(false); settle(); };

  const send = window.fetch.bind(window);
  window.fetch = async (...given) => {
    if (!String(given[0]?.url ?? given[0]).includes("/queue/join")) return send(...given);
    for (const pause of PAUSES) {
      const answer = await send(...given).catch(() => null);
      if (answer && !GATEWAY.includes(answer.status)) return answer;
      await new Promise((wait) => setTimeout(wait, pause));
    }
    const lost = () => {
      art.settle();
      art.note?.(art.say("lost"));
      searching(true); // for the page that Gradio loads again
    };
    const answer = await send(...given).catch((error) => { lost(); throw error; });
    if (GATEWAY.includes(answer.status)) lost();
    return answer;
  };
})();
