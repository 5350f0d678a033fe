// Shows the progress of a first start, and reloads the page when the app answers in its place.
const place = document.querySelector("[data-starting]");
const bar = place.querySelector("progress");
const ask = async () => {
  try {
    const answer = await fetch(place.dataset.starting, { cache: "no-store" });
    if (!answer.ok) return location.reload(); // the app answers, which has no such address
    const { done, total } = await answer.json();
    if (total) {
      bar.max = total;
      bar.value = done;
      place.querySelector("[data-count]").textContent = `${done} / ${total}`;
    }
  } catch {
    // one server has gone and the other is not there yet: asked again
  }
  setTimeout(ask, 500);
};
ask();
