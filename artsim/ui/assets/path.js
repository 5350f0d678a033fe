// The pictures of a path on top of one another: a slider fades from one to the next, by hand or automatically.
const { words } = JSON.parse(document.getElementById("facts").textContent);
const morph = document.querySelector(".path-morph");
const pictures = [...morph.querySelectorAll("img")];
const slider = morph.querySelector("input");
const play = morph.querySelector('[data-action="play"]');
const title = morph.querySelector(".path-title");
const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
const [STAYS, FADES] = [1400, 1400]; // milliseconds of one picture, and of the transition to the next

const show = () => {
  const place = Number(slider.value);
  const near = Math.round(place);
  pictures.forEach((picture, number) => {
    const distance = Math.abs(place - number);
    picture.hidden = distance > 1.01; // unhide the next picture before it becomes visible
    picture.loading = "eager";
    picture.style.opacity = number <= place ? 1 - Math.max(0, place - number - 0.5) * 2 : Math.min(1, Math.max(0, 1 - distance) * 2);
    picture.style.zIndex = number;
  });
  title.textContent = pictures[near].dataset.title;
  slider.setAttribute("aria-valuetext", words.place.replace("{place}", near + 1).replace("{count}", pictures.length).replace("{title}", pictures[near].dataset.title));
};

let started = null;
const run = (now) => {
  if (started === null) return;
  const elapsed = now - started;
  const step = Math.floor(elapsed / (STAYS + FADES));
  const within = Math.max(0, elapsed - step * (STAYS + FADES) - STAYS) / FADES;
  slider.value = Math.min(pictures.length - 1, step + (still ? Math.floor(within) : within));
  show();
  if (step >= pictures.length - 1) stop();
  else requestAnimationFrame(run);
};
const stop = () => {
  started = null;
  play.setAttribute("aria-pressed", "false");
  play.textContent = words.play;
};
play.addEventListener("click", () => {
  if (started !== null) { stop(); return; }
  const from = Number(slider.value) >= pictures.length - 1 ? 0 : Math.floor(Number(slider.value));
  started = performance.now() - from * (STAYS + FADES);
  play.setAttribute("aria-pressed", "true");
  play.textContent = words.pause;
  requestAnimationFrame(run);
});
slider.addEventListener("input", () => { stop(); show(); });
slider.addEventListener("change", () => {
  if (started === null && still) { slider.value = Math.round(Number(slider.value)); show(); }
});
slider.addEventListener("keydown", (event) => { // keys go from work to work
  const way = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
  if (!way) return;
  event.preventDefault();
  stop();
  slider.value = way > 0 ? Math.floor(Number(slider.value) + 1) : Math.ceil(Number(slider.value) - 1);
  show();
});
morph.hidden = false;
show();
