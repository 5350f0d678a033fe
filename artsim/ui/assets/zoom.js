// The picture of the detail, zoomable as far as it is stored: OpenSeadragon, fetched with the first zoom.
(() => {
  const art = window.artsim;
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  let viewer = null, place = null, fetched = null;
  const fetchViewer = () => (fetched ??= new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = art.viewer;
    script.onload = done;
    script.onerror = () => { fetched = null; failed(new Error(art.viewer)); };
    document.head.append(script);
  }));

  // Where the screen shows more pixels than the picture has, say so.
  const note = () => {
    const { x: width, y: height } = viewer.world.getItemAt(0).getContentSize();
    const ends = viewer.viewport.viewportToImageZoom(viewer.viewport.getZoom()) >= 1;
    place.querySelector(".zoom-note").textContent = ends ? art.say("zoom-end", { width: art.number(width), height: art.number(height) }) : "";
  };
  const opened = (source) => new Promise((done) => {
    viewer.addOnceHandler("open", () => done(true));
    viewer.addOnceHandler("open-failed", () => done(false));
    viewer.open(source);
  });
  const open = async (picture) => {
    await fetchViewer();
    if (viewer || !picture.isConnected) return;
    place = picture;
    const view = document.createElement("div");
    view.className = "zoom-view";
    picture.querySelector(".detail-stage").append(view);
    picture.dataset.zoomed = "true";
    picture.querySelector(".zoom-note").hidden = false;
    viewer = OpenSeadragon({
      element: view,
      drawer: "canvas",
      showNavigationControl: false,
      animationTime: still ? 0 : 0.5,
      visibilityRatio: 0.5,
      minZoomImageRatio: 1,
      maxZoomPixelRatio: 4,
      gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
      gestureSettingsTouch: { flickEnabled: !still },
    });
    const { iiif, whole } = picture.dataset; // the museum's image server if there is one and it answers, else what is stored
    if (!(iiif && await opened(iiif)) && !(viewer && await opened({ type: "image", url: whole }))) return art.leaveZoom();
    viewer.canvas.setAttribute("role", "application");
    viewer.canvas.setAttribute("aria-label", picture.dataset.label);
    viewer.addHandler("zoom", note);
    note();
  };
  // `way`: "in", "out" or "whole". Zoomed out, the picture is as it was.
  art.zoom = async (picture, way) => {
    if (!viewer) {
      if (way !== "in" || !picture.dataset.whole) return; // nor while the detail is loaded
      await open(picture).catch(() => art.leaveZoom());
    }
    if (!viewer) return;
    const { viewport } = viewer;
    const factor = { in: 1.6, out: 1 / 1.6, whole: 0 }[way];
    if (viewport.getZoom(false) * factor < viewport.getHomeZoom() * 1.02) return art.leaveZoom();
    viewport.zoomBy(factor);
    viewport.applyConstraints(still);
  };
  // Whether the picture was zoomed.
  art.leaveZoom = () => {
    if (!place) return false;
    viewer?.destroy();
    place.querySelector(".zoom-view")?.remove();
    place.querySelector(".zoom-note").hidden = true;
    delete place.dataset.zoomed;
    viewer = place = null;
    return true;
  };
})();
