// On every page: the skip link, and language and theme with their controls in the masthead, from the address if it names them.
// In a frame of another page, such as that of a Space, cookies and storage may be denied: there the address keeps both.
(() => {
  const HUB = "https://huggingface.co"; // the page around a Space: see its guide "How to handle URL parameters in Spaces"
  const framed = window.parent !== window;
  const parameters = () => new URLSearchParams(location.search);
  const lastStep = () => location.pathname.split("/").pop();
  const isLanguage = (name) => Boolean(window.artsimFacts?.languages.includes(name));
  const isSearch = (name) => !name || isLanguage(name); // `de`, the search in German
  const put = (name, value) => {
    const address = new URL(location.href);
    address.searchParams.set(name, value);
    history.replaceState(history.state, "", address);
  };

  // Light or dark: what the address asks for, else what the visitor chose, else the system's setting.
  const isTheme = (name) => name === "light" || name === "dark";
  const stored = () => { try { return localStorage.getItem("artsim-theme"); } catch { return null; } };
  const asked = () => parameters().get("__theme");
  const theme = () => [asked(), stored()].find(isTheme) ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  const showTheme = () => document.body.classList.toggle("dark", theme() === "dark");
  showTheme();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showTheme);
  new MutationObserver(() => {
    if (document.body.classList.contains("dark") !== (theme() === "dark")) showTheme();
  }).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.('[data-action="theme"]')) return;
    const other = theme() === "dark" ? "light" : "dark";
    try { localStorage.setItem("artsim-theme", other); } catch { /* denied: the address keeps it */ }
    if (theme() !== other) put("__theme", other);
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
    view.search = location.search;
    view.searchParams.set("lang", event.target.value);
    window.artsim?.keepUploads?.();
    location.assign(view);
  });

  // Links and forms keep the language and the theme of an address, so that it can be passed on; and always in a frame.
  const kept = () => {
    const given = parameters();
    const language = given.get("lang") ?? (isLanguage(lastStep()) ? lastStep() : null);
    const pairs = { lang: language ?? (framed ? document.documentElement.lang : null), __theme: given.get("__theme") };
    return Object.entries(pairs).filter(([, value]) => value);
  };
  window.keepView = (address) => {
    const target = new URL(address, document.baseURI);
    if (target.origin !== location.origin) return address;
    for (const [name, value] of kept()) if (!target.searchParams.has(name)) target.searchParams.append(name, value);
    return target.href;
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]:not([download])");
    if (link && !link.getAttribute("href").startsWith("#")) link.href = window.keepView(link.href);
  }, true);
  document.addEventListener("formdata", ({ target, formData }) => {
    if (target.method === "get") for (const [name, value] of kept()) formData.set(name, value);
  });

  // The page around the frame shows the address: `show` names the page, as it passes on a query, but no path.
  if (!framed) return;
  let last = "";
  const tell = () => {
    const state = parameters();
    for (const own of ["__theme", "__sign"]) state.delete(own); // the Hub's own
    if (lastStep()) state.set(isSearch(lastStep()) ? "lang" : "show", lastStep());
    const message = { queryString: state.toString(), hash: location.hash };
    if (last === (last = JSON.stringify(message))) return;
    window.parent.postMessage(message, HUB);
  };
  for (const name of ["pushState", "replaceState"]) {
    const change = history[name].bind(history);
    history[name] = (...given) => { change(...given); tell(); };
  }
  for (const event of ["popstate", "hashchange"]) window.addEventListener(event, tell);
  // Gradio has the page around it show the frame at full height, where no dialog is in sight: the frame scrolls itself.
  window.parent.postMessage({ type: "SET_SCROLLING", enabled: true }, "*");
  tell();
})();
