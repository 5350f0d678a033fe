// Crop dialog: selects a region of a picture with a frame that pointer, touch and keyboard move and resize.
(() => {
  const art = window.artsim;
  const LEAST = 0.05, STEP = 0.02, FINE = 0.005;
  let region, least, picked;

  const parts = () => {
    const dialog = document.querySelector("dialog.crop");
    return { dialog, frame: dialog.querySelector(".crop-frame"), picture: dialog.querySelector("img"),
             said: dialog.querySelector(".crop-said") };
  };
  const draw = () => {
    const { frame, said } = parts();
    art.frame(frame, region);
    const [left, top, right, bottom] = region.map((side) => Math.round(100 * side));
    said.textContent = art.say("crop-said", { left, top, width: right - left, height: bottom - top });
  };
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
  const move = ([left, top, right, bottom], dx, dy) => {
    const x = clamp(dx, -left, 1 - right), y = clamp(dy, -top, 1 - bottom);
    region = [left + x, top + y, right + x, bottom + y];
    draw();
  };
  // `corner`: the sides that move: "nw", "e", ...
  const resize = ([left, top, right, bottom], corner, dx, dy) => {
    region = [
      corner.includes("w") ? clamp(left + dx, 0, right - least[0]) : left,
      corner.includes("n") ? clamp(top + dy, 0, bottom - least[1]) : top,
      corner.includes("e") ? clamp(right + dx, left + least[0], 1) : right,
      corner.includes("s") ? clamp(bottom + dy, top + least[1], 1) : bottom,
    ];
    draw();
  };

  const build = () => {
    const { dialog, frame, picture } = parts();
    const stage = dialog.querySelector(".crop-picture");
    const close = (value) => { dialog.close(); picked?.(value); };
    let from = null;
    stage.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      event.preventDefault();
      frame.focus();
      const box = picture.getBoundingClientRect();
      const x = (event.clientX - box.left) / box.width, y = (event.clientY - box.top) / box.height;
      let corner = event.target.dataset.corner ?? (event.target === frame ? "" : null);
      if (corner === null) { // outside the frame: start a new one
        const left = clamp(x, 0, 1 - least[0]), top = clamp(y, 0, 1 - least[1]);
        region = [left, top, left + least[0], top + least[1]];
        corner = "se";
        draw();
      }
      from = { x: event.clientX, y: event.clientY, region, corner, box };
      stage.setPointerCapture(event.pointerId);
    });
    stage.addEventListener("pointermove", (event) => {
      if (!from) return;
      const dx = (event.clientX - from.x) / from.box.width, dy = (event.clientY - from.y) / from.box.height;
      if (from.corner) resize(from.region, from.corner, dx, dy);
      else move(from.region, dx, dy);
    });
    for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, () => { from = null; });
    frame.addEventListener("keydown", (event) => {
      const [x, y] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [0, 0];
      if (event.key === "Enter") {
        event.preventDefault(); // otherwise the key would press the element that the focus returns to
        return close(region);
      }
      if (!x && !y) return;
      event.preventDefault();
      event.stopPropagation();
      const step = event.altKey ? FINE : STEP;
      if (event.shiftKey) resize(region, "se", x * step, y * step);
      else move(region, x * step, y * step);
    });
    dialog.querySelector('[data-action="use-crop"]').addEventListener("click", () => close(region));
    dialog.querySelector('[data-action="whole"]').addEventListener("click", () => close(null));
    dialog.querySelector('[data-action="cancel-crop"]').addEventListener("click", () => dialog.close());
    dialog.dataset.built = "true";
  };

  // Calls `done` with the selected region, or with null for the whole picture; never when it is cancelled.
  art.crop = ({ source, name, before }, done) => {
    const { dialog, frame, picture } = parts();
    if (!dialog.dataset.built) build();
    picked = done;
    region = before ?? [0.2, 0.2, 0.8, 0.8];
    dialog.querySelector('[data-action="whole"]').hidden = !before;
    picture.onload = () => {
      least = [picture.naturalWidth, picture.naturalHeight].map((side) => clamp(16 / side, LEAST, 1));
      draw();
    };
    least = [LEAST, LEAST];
    picture.alt = name;
    picture.src = source;
    draw();
    dialog.showModal();
    frame.focus();
  };
})();
