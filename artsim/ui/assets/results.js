// The results: HTML made by the server, put in place as a whole, so that no card keeps the picture of another.
const root = element.querySelector(".results-root");
const draw = () => {
  root.innerHTML = props.value ?? "";
  document.body.dataset.page = root.querySelector("[data-state]")?.dataset.state ?? "empty";
  window.artsim.settle();
  if (document.body.dataset.page === "matches" && matchMedia("(max-width: 899px)").matches) {
    root.scrollIntoView({ behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  } else if (document.body.dataset.page === "matches") {
    window.scrollTo({ top: 0 });
  }
};
draw();
watch("value", draw);
