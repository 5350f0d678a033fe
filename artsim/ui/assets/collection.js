// The owner's page: sends files, edits and removes works, saves and publishes the collection, opens another one.
const facts = JSON.parse(document.getElementById("facts").textContent);
const words = facts.strings;
const AT_ONCE = 3, TRIES = 3;
const ANNOUNCED = 64; // files in a request, of at most 256 kB
const byId = (id) => document.getElementById(id);
const figures = new Intl.NumberFormat(document.documentElement.lang);
const written = (value) => {
  if (typeof value !== "number") return value;
  const part = ({ type, value }) => (type === "group" ? facts.group : value); // the number format of the server's messages
  return figures.formatToParts(value).map(part).join("");
};
const say = (key, values = {}) =>
  Object.entries(values).reduce((text, [name, value]) => text.replaceAll(`{${name}}`, () => written(value)), words[key]);
const make = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};

const trouble = (text) => {
  const box = byId("trouble");
  box.textContent = text;
  box.hidden = !text;
  if (text) box.scrollIntoView({ block: "nearest" });
};

// --- Requests to the server ------------------------------------------------------------------------------------------

const answerOf = async (response) => {
  const answer = await response.json().catch(() => ({ error: say("lost") }));
  if (!response.ok) throw new Error(answer.error ?? say("lost"));
  return answer;
};
const send = async (action, body = {}) => {
  const headers = { "Content-Type": "application/json", "X-Artsim-Page": facts.pageKey };
  let response;
  try {
    response = await fetch(`collection/${action}`, { method: "POST", headers, body: JSON.stringify(body) });
  } catch {
    throw new Error(say("lost"));
  }
  return answerOf(response);
};
/** Perform a change; show its error or the new state. Returns whether it succeeded. */
const act = async (action, body, { quiet = false } = {}) => {
  if (!quiet) trouble("");
  try {
    show(await send(action, body));
    return true;
  } catch (error) {
    trouble(error.message);
    return false;
  }
};

let timer = 0;
const ask = async () => {
  clearTimeout(timer);
  try {
    show(await answerOf(await fetch("collection/state", { cache: "no-store" })));
  } catch {
    timer = setTimeout(ask, 3000);
  }
};

// --- Showing the state ---------------------------------------------------------------------------------------------

let last = null;
const show = (state) => {
  const before = last;
  last = state;
  showUnsaved(state);
  showIntake(state.intake);
  showPublication(state.publication);
  const active = (state.intake && !isOver(state.intake)) || (state.publication && !state.publication.over);
  clearTimeout(timer);
  if (active || state.unsaved.length) timer = setTimeout(ask, active ? 700 : 2000);
  if (before && looksOf(before) !== looksOf(state)) refresh();
};

/** Whatever the list and the messages about it depend on. */
const looksOf = ({ works, unsaved, intake }) => [works, unsaved.length > 0, intake && isOver(intake)].join();

const showUnsaved = (state) => {
  const bar = byId("unsaved");
  if (!bar) return;
  bar.hidden = !state.unsaved.length && !state.problem;
  if (bar.hidden) { bar.replaceChildren(); return; }
  const counts = {};
  for (const { verb, count } of state.unsaved) counts[verb] = (counts[verb] ?? 0) + count;
  const changes = Object.entries(counts).map(([verb, count]) => say(verb, { count })).join(", ");
  const what = state.problem ? say("not-saved", { reason: state.problem }) : say("unsaved", { changes });
  const seconds = Math.ceil(state.savedIn ?? 0);
  const when = state.savedIn === null ? say("saving") : say("saved-in", { seconds });
  if (!bar.children.length) {
    bar.append(
      make("p", {}, make("span", { role: "status" }), " ", make("span")),
      make("button", { type: "button", className: "plain", textContent: say("undo"), onclick: () => act("undo") }),
      make("button", { type: "button", className: "plain", textContent: say("save"), onclick: () => act("save") }),
    );
  }
  const [first, second] = bar.querySelectorAll("span"); // only the first is a live region, because the seconds change all the time
  if (first.textContent !== what) first.textContent = what;
  second.textContent = state.problem ? "" : when;
};

/** Reload the list and the messages about it from the server. */
const refresh = async () => {
  if (!byId("works")) return;
  let text;
  try {
    text = await (await fetch(location.href, { cache: "no-store" })).text();
  } catch {
    return;
  }
  const fresh = new DOMParser().parseFromString(text, "text/html");
  const chosen = new Set(chosenWorks());
  for (const id of ["works", "kept", "shelf"]) {
    const found = fresh.getElementById(id);
    if (found) byId(id).replaceWith(document.adoptNode(found));
  }
  const count = fresh.querySelector(".masthead .count");
  if (count) document.querySelector(".masthead .count").textContent = count.textContent;
  for (const box of boxes()) box.checked = chosen.has(box.value);
  countChosen();
};

// --- The list ------------------------------------------------------------------------------------------------------

const boxes = () => [...document.querySelectorAll('#works input[name="chosen"]')];
const chosenWorks = () => boxes().filter((box) => box.checked).map((box) => box.value);
const countChosen = () => {
  const remove = document.querySelector('[data-action="remove"]');
  if (!remove) return;
  const count = chosenWorks().length;
  remove.disabled = !count;
  byId("chosen").textContent = count ? say("chosen", { count }) : "";
};
document.addEventListener("change", (event) => {
  if (event.target.matches('[data-action="all"]')) for (const box of boxes()) box.checked = event.target.checked;
  if (event.target.closest("#works")) countChosen();
});
document.addEventListener("click", async (event) => {
  if (event.target.closest('[data-action="remove"]')) {
    const ids = chosenWorks();
    if (ids.length && confirm(say("sure", { count: ids.length }))) {
      if (await act("remove", { ids })) await refresh();
    }
  }
  const other = event.target.closest("[data-open-own]");
  if (other) openOther(other.dataset.openOwn || null);
});

// --- One work ------------------------------------------------------------------------------------------------------

const form = byId("work");
form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const values = Object.fromEntries(new FormData(form));
  if (await act("edit", { id: form.dataset.id, values })) location.assign(form.dataset.back);
});
form?.querySelector('[data-action="remove-this"]').addEventListener("click", async () => {
  if (confirm(say("sure", { count: 1 })) && (await act("remove", { ids: [form.dataset.id] }))) {
    location.assign(form.dataset.back);
  }
});

// --- The collection ------------------------------------------------------------------------------------------------

byId("about-collection")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  await act("describe", Object.fromEntries(new FormData(event.target)));
});
byId("publish")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { repo, license, token } = Object.fromEntries(new FormData(event.target));
  const isPrivate = event.target.elements.private.checked;
  event.target.elements.token.value = "";
  await act("publish", { repo, license, token, private: isPrivate });
});
const showPublication = (publication) => {
  const box = byId("publication");
  if (!box || !publication) return;
  const { repo, sent, total, url, failure } = publication;
  if (url) {
    box.replaceChildren(make("p", {}, `${say("published")} `, make("a", { href: url, textContent: url, rel: "noopener" })));
  } else if (failure) {
    box.replaceChildren(make("p", { className: "notice", textContent: failure }));
  } else {
    const share = Math.floor((100 * sent) / (total || 1));
    box.textContent = total ? say("publishing.sent", { repo, share }) : say("publishing", { repo });
  }
};

/** Another collection is opened: the app restarts, and this page polls until it is back. */
const openOther = async (name) => {
  trouble("");
  try {
    await send("open", { name });
  } catch (error) {
    trouble(error.message);
    return;
  }
  const note = byId("opening");
  note.textContent = say("opening");
  note.hidden = false;
  note.scrollIntoView({ block: "nearest" });
  clearTimeout(timer);
  for (;;) {
    await new Promise((wait) => setTimeout(wait, 1000));
    const state = await fetch("collection/state", { cache: "no-store" }).then(answerOf).catch(() => null);
    if (state && state.key !== facts.key) break;
  }
  location.assign("./collection");
};

// --- Adding --------------------------------------------------------------------------------------------------------

const isOver = (intake) => ["done", "cancelled", "failed"].includes(intake.phase);
const isHidden = ({ name }) => /(^|\/)(\.|Thumbs\.db$|desktop\.ini$|__MACOSX\/)/.test(name);
let sending = null;

const take = async (files) => {
  const wanted = files.filter((item) => !isHidden(item)).sort((a, b) => a.name.localeCompare(b.name));
  if (!wanted.length || sending) return;
  trouble("");
  const isNew = document.querySelector('input[name="where"]:checked').value === "new";
  const title = document.querySelector('#new-title input').value.trim();
  if (isNew && !title) {
    trouble(say("title-needed"));
    document.querySelector('#new-title input').focus();
    return;
  }
  sending = { sent: 0, total: wanted.length, lost: [], stopped: false };
  byId("drop").classList.add("busy");
  try {
    if (!(await act("begin", { title: isNew ? title : null }))) return;
    const { table: tables, picture: pictures } = await announce(wanted);
    if (sending.stopped) return;
    if (!pictures.length) { trouble(say("no-pictures")); return; }
    sending.total = pictures.length;
    for (const table of tables) if (!sending.stopped) await put(table);
    const waiting = pictures.values();
    await Promise.all(Array.from({ length: AT_ONCE }, async () => {
      for (const item of waiting) {
        if (sending.stopped) return;
        await put(item);
        sending.sent += 1;
      }
    }));
    if (sending.lost.length) trouble(say("not-arrived", { names: sending.lost.slice(0, 10).join(", ") }));
  } catch (error) {
    trouble(error.message);
  } finally {
    const stopped = sending.stopped;
    sending = null;
    byId("drop").classList.remove("busy");
    if (last?.intake && !isOver(last.intake) && !stopped) await act("complete", {}, { quiet: true });
  }
};

/** Tell the server the names and beginnings of all files. It says which are pictures and which tables, and reports the others. */
const announce = async (files) => {
  const found = { picture: [], table: [], other: [] };
  for (let first = 0; first < files.length && !sending.stopped; first += ANNOUNCED) {
    const some = files.slice(first, first + ANNOUNCED);
    const described = await Promise.all(some.map(async ({ file, name }) => ({ name, size: file.size, head: await headOf(file) })));
    const { roles } = await send("announce", { files: described });
    roles.forEach((role, place) => found[role].push(some[place]));
  }
  return found;
};
/** The first bytes of a file, in base64; none of one that cannot be read, which fails when it is sent. */
const headOf = async (file) => {
  const head = await file.slice(0, facts.headBytes).arrayBuffer().catch(() => new ArrayBuffer(0));
  return btoa(String.fromCharCode(...new Uint8Array(head)));
};

const put = async ({ file, name }) => {
  const query = new URLSearchParams({ name, size: file.size });
  for (let attempt = 1; ; attempt += 1) {
    try {
      const response = await fetch(`collection/file?${query}`, {
        method: "PUT", headers: { "X-Artsim-Page": facts.pageKey }, body: file,
      });
      if (response.ok) return;
      const { error } = await response.json();
      trouble(error);
      sending.stopped = true; // the server takes no more files: no space, or cancelled
      return;
    } catch {
      if (attempt >= TRIES) { sending.lost.push(name); return; }
      await new Promise((wait) => setTimeout(wait, 500 * attempt));
    }
  }
};

let panel = null, reported = "";
const showIntake = (intake) => {
  const box = byId("intake");
  if (!box || !intake) return;
  box.hidden = false;
  if (!panel) {
    panel = {
      phase: make("p", { className: "phase" }),
      bar: make("progress", { ariaLabel: say("progress") }),
      numbers: make("p", { className: "fine" }),
      now: make("p", { className: "fine names" }),
      cancel: make("button", { type: "button", className: "plain", textContent: say("cancel") }),
      open: make("button", { type: "button", className: "primary", textContent: say("ready") }),
      notes: make("ul", { className: "fine" }),
      reports: make("div", { className: "reports" }),
    };
    panel.phase.setAttribute("role", "status");
    panel.cancel.addEventListener("click", () => { if (sending) sending.stopped = true; act("cancel"); });
    panel.open.addEventListener("click", () => openOther(last.intake.begun));
    box.append(panel.phase, panel.bar, panel.numbers, panel.now, panel.cancel, panel.open, panel.notes, panel.reports);
  }
  const { added, done, total, failure: reason } = intake;
  const phase = { done: "finished", saving: "being-saved" }[intake.phase] ?? intake.phase;
  const sentence = say(phase, { added, reason });
  if (panel.phase.textContent !== sentence) panel.phase.textContent = sentence;
  const over = isOver(intake);
  panel.bar.max = Math.max(1, total);
  panel.bar.value = done;
  panel.bar.hidden = over;
  panel.cancel.hidden = over || intake.phase === "saving";
  const numbers = [sending && say("sent", sending), say("done", { done, total, added }), left(intake.secondsLeft)];
  panel.numbers.textContent = numbers.filter(Boolean).join(" · ");
  panel.now.textContent = intake.now.length ? say("now", { names: intake.now.join(", ") }) : "";
  panel.open.hidden = !(over && intake.begun);
  const notes = [...intake.notes];
  if (panel.notes.children.length !== notes.length) {
    panel.notes.replaceChildren(...notes.map((text) => make("li", { textContent: text })));
  }
  const fresh = JSON.stringify(intake.reports);
  if (fresh !== reported) { reported = fresh; showReports(intake); }
};
const left = (seconds) => {
  if (seconds === null) return "";
  return seconds < 60 ? say("left.seconds") : say("left.minutes", { minutes: Math.round(seconds / 60) });
};

const showReports = (intake) => {
  const picked = new Set([...panel.reports.querySelectorAll("li input:checked")].map((box) => box.value));
  const groups = ["same-file", "same-work", "broken"].map((outcome) => {
    const reports = intake.reports.filter((report) => report.outcome === outcome);
    if (!reports.length) return "";
    const list = make("ul", {}, ...reports.map((report) => reportRow(report, picked)));
    const group = make("details", { open: reports.length <= 20 },
      make("summary", { textContent: say(outcome, { count: reports.length }) }), list);
    if (outcome !== "broken") group.append(includeButtons(list));
    return group;
  });
  const more = intake.reported - intake.reports.length;
  panel.reports.replaceChildren(...groups.filter(Boolean));
  if (more > 0) panel.reports.append(make("p", { className: "fine", textContent: say("more", { count: more }) }));
};
const reportRow = ({ number, name, outcome, reason, title, picture, relation }, picked) => {
  if (outcome === "broken") return make("li", { textContent: reason || name });
  const text = say("is", { name, title }) + (relation ? ` (${relation})` : "");
  const box = make("input", { type: "checkbox", value: number, checked: picked.has(String(number)) });
  const shown = picture ? make("img", { src: picture, alt: "", loading: "lazy" }) : "";
  return make("li", {}, make("label", {}, box, shown, make("span", { textContent: text })));
};
const includeButtons = (list) => {
  const pick = make("button", { type: "button", className: "link", textContent: say("include.all") });
  pick.addEventListener("click", () => { for (const box of list.querySelectorAll("input")) box.checked = true; });
  const include = make("button", { type: "button", className: "plain", textContent: say("include") });
  include.addEventListener("click", () => {
    const numbers = [...list.querySelectorAll("input:checked")].map((box) => Number(box.value));
    if (numbers.length) act("include", { numbers });
  });
  return make("p", { className: "with-chosen" }, include, pick);
};

// Files come from the two file inputs or are dropped anywhere on the page; folders are traversed.
const named = (file) => ({ file, name: file.webkitRelativePath || file.name });
const walk = async (entry, path = "") => {
  const name = path ? `${path}/${entry.name}` : entry.name;
  if (entry.isFile) {
    const file = await new Promise((done, fail) => entry.file(done, fail)).catch(() => null);
    return file ? [{ file, name }] : [];
  }
  const reader = entry.createReader(), found = [];
  for (;;) {
    const some = await new Promise((done, fail) => reader.readEntries(done, fail)).catch(() => []);
    if (!some.length) break;
    for (const each of some) found.push(...(await walk(each, name)));
  }
  return found;
};
const dropped = async (transfer) => {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.());
  if (!entries.some(Boolean)) return [...transfer.files].map(named); // a synthetic event, or an old browser
  const found = await Promise.all(entries.filter(Boolean).map((entry) => walk(entry)));
  return found.flat();
};
if (byId("drop")) {
  for (const id of ["files", "folder"]) {
    document.querySelector(`#drop [data-action="${id}"]`).addEventListener("click", () => byId(id).click());
    byId(id).addEventListener("change", (event) => {
      const files = [...event.target.files].map(named);
      event.target.value = "";
      take(files);
    });
  }
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    document.body.dataset.dropping = "true";
  });
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) delete document.body.dataset.dropping; });
  document.addEventListener("drop", async (event) => {
    delete document.body.dataset.dropping;
    if (!hasFiles(event)) return;
    event.preventDefault();
    take(await dropped(event.dataTransfer));
  });
  for (const choice of document.querySelectorAll('input[name="where"]')) {
    choice.addEventListener("change", () => { byId("new-title").hidden = choice.value !== "new" || !choice.checked; });
  }
  addEventListener("beforeunload", (event) => { if (sending) event.preventDefault(); });
}
ask();
