// While an answer is worked out: how far it is; the page is shown anew when it is there.
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
    // asked again below
  }
  if (state === "working") setTimeout(ask, 600);
  else location.reload();
};
ask();
