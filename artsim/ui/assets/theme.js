// On every page: the skip link, the light/dark switch and the language menu of the masthead.
(() => {
  // Light or dark: the system's setting, until the visitor chooses.
  const remembered = () => { try { return localStorage.getItem("artsim-theme"); } catch { return null; } };
  const wantsDark = () => (remembered() ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const showTheme = () => document.body.classList.toggle("dark", wantsDark());
  showTheme();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showTheme);
  new MutationObserver(() => {
    if (document.body.classList.contains("dark") !== wantsDark()) showTheme();
  }).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.('[data-action="theme"]')) return;
    try { localStorage.setItem("artsim-theme", wantsDark() ? "light" : "dark"); } catch { return; }
    showTheme();
  });

  // The skip link: by script, as the base of the search page is another address.
  document.addEventListener("click", (event) => {
    const target = event.target.closest?.(".skip")?.getAttribute("href");
    if (!target) return;
    event.preventDefault();
    const content = document.querySelector(target);
    content.tabIndex = -1;
    content.focus();
    content.scrollIntoView();
  });

  // Another language opens the same view, with the same query string.
  document.addEventListener("change", (event) => {
    if (!event.target.matches?.('[data-action="language"]')) return;
    const view = new URL(event.target.dataset.address || location.href, location.href);
    for (const [name, value] of new URLSearchParams(location.search)) view.searchParams.append(name, value);
    view.searchParams.set("lang", event.target.value);
    location.assign(view);
  });
})();
