// Polls until the encoder is loaded or has failed, and learns whether the visitor is the owner.
const ask = async () => {
  if (!window.artsim.standing) { // Gradio mounts components in any order: the query panel, which shows the state, is not there yet
    setTimeout(ask, 50);
    return;
  }
  let answer;
  try {
    answer = await (await fetch(`encoder?lang=${document.documentElement.lang}`, { cache: "no-store" })).json();
  } catch {
    answer = { state: "loading" };
  }
  document.body.dataset.encoder = answer.state;
  const loading = window.artsim.encoderLoading;
  const failed = [window.artsim.encoderFailed, answer.reason].filter(Boolean).join(" ");
  window.artsim.standing({ loading, failed }[answer.state] ?? "");
  if (answer.state === "loading") setTimeout(ask, 700);
  if (answer.text) window.artsim.readsWords();
  if (answer.owner) document.querySelector("[data-owner]")?.removeAttribute("hidden"); // the server draws this page without knowing the visitor
};
ask();
