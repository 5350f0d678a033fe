// Shows the progress of a background computation, and reloads the page when it is done.
const place = document.querySelector("[data-progress]");
const bar = place.querySelector("progress");
const ask = async () => {
  let state = "working";
  try {
    const answer = await (await fetch(place.dataset.progress, { cache: "no-store" })).json();
    state = answer.state;
    bar.max = Math.max(1, answer.total);
    bar.value = answer.done;
  } catch {
    // retried below
  }
  if (state === "working") setTimeout(ask, 600);
  else location.reload();
};
ask();
