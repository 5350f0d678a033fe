// Query parts: pictures (dropped, pasted, chosen or photographed), works and texts, each for or against.
// The value is {parts: [...]}, as `PartData` in query_input.py.
const art = window.artsim;
const find = (selector) => element.querySelector(selector);
const MOST = 12;
const tray = find(".tray"), note = find(".query-note"), words = find(".words"), box = find(".words input");
const file = find('input[type="file"]'), photo = find("input[capture]");
const camera = find("dialog.camera"), video = find("video");
const template = find("template");
const BLANK = { picture: null, work: null, text: null, weight: 1, region: null, title: "", address: "", large: "" };
let parts = [];
let given = "";
let standing = "";
let turn = 0;
let adding = false;
let edited = null;

art.note = (text) => { note.textContent = text || art.cutOff || standing; };
art.standing = (text) => { standing = text; if (!document.body.dataset.busy) art.note(""); };
let readsWords = false; // whether the encoder knows what words look like, so that they go with pictures
art.readsWords = () => {
  readsWords = true;
  box.placeholder = box.dataset.reads;
};
art.parts = () => parts;
art.uploads = () => parts.filter((part) => part.picture).map((part) => part.picture);
art.hasUploads = () => art.uploads().length > 0;
art.wantsEncoder = () => parts.some((part) => part.picture || part.text !== null || part.region);

const sourceOf = (part) => part.preview ?? (part.address || part.picture?.url || "");
const row = (part, place) => {
  const item = template.content.cloneNode(true).firstElementChild;
  const image = item.querySelector("img"), name = item.querySelector(".part-name");
  const [slider, amount] = [item.querySelector(".part-weight input"), item.querySelector("output")];
  const kind = part.text !== null ? "text" : part.work !== null ? "work" : "upload";
  const against = part.weight < 0;
  item.dataset.kind = kind;
  item.toggleAttribute("data-against", against);
  name.textContent = part.text ?? (part.title || name.dataset.upload);
  item.querySelector(".part-wall").hidden = kind === "text";
  item.querySelector('[data-part="crop"]').hidden = kind === "text";
  item.querySelector('[data-part="edit"]').hidden = kind !== "text";
  if (kind !== "text") {
    image.onerror = () => { item.querySelector(".part-picture").hidden = true; item.querySelector('[data-part="crop"]').hidden = true; };
    image.src = sourceOf(part);
    art.frame(item.querySelector(".frame-box"), part.region);
  }
  item.querySelector('[data-part="for"]').setAttribute("aria-pressed", String(!against));
  item.querySelector('[data-part="against"]').setAttribute("aria-pressed", String(against));
  slider.value = Math.abs(part.weight);
  amount.textContent = Math.abs(part.weight);
  item.querySelector(".part-weight").hidden = parts.length < 2;
  item.querySelector(".part-sign").hidden = parts.length < 2 && !against; // a single part can only be for
  slider.addEventListener("input", () => { amount.textContent = slider.value; });
  slider.addEventListener("change", () => change(place, { weight: Math.sign(part.weight) * slider.valueAsNumber }));
  item.addEventListener("click", (event) => {
    const button = event.target.closest("[data-part]");
    if (button) ways[button.dataset.part](place, part);
  });
  return item;
};
const draw = () => {
  const focused = tray.contains(document.activeElement) ? document.activeElement : null;
  const place = focused ? [...tray.children].indexOf(focused.closest("li")) : -1;
  const what = focused?.dataset.part ? `[data-part="${focused.dataset.part}"]` : "input";
  tray.replaceChildren(...parts.map(row));
  tray.hidden = parts.length === 0;
  art.queryChanged();
  const pictures = parts.filter((part) => part.text === null).length;
  find(".query").dataset.state = pictures ? "filled" : "empty";
  if (place < 0) return;
  const next = tray.children[Math.min(place, parts.length - 1)];
  (next?.querySelector(what) ?? next?.querySelector("button") ?? box).focus();
};
const forServer = ({ picture, work, text, weight, region, title, address, large }) =>
  ({ picture, work, text, weight, region, title, address, large });
const put = () => {
  const value = { parts: parts.filter((part) => part.picture || part.work !== null || part.text !== null).map(forServer) };
  given = JSON.stringify(value);
  props.value = value;
};
const give = (next) => {
  parts = next.slice(0, MOST);
  draw();
  put();
  trigger("input");
};
const change = (place, more) => give(parts.map((part, other) => (other === place ? { ...part, ...more } : part)));
const ways = {
  for: (place, part) => { if (part.weight < 0) change(place, { weight: -part.weight }); },
  against: (place, part) => { if (part.weight > 0) change(place, { weight: -part.weight }); },
  crop: (place, part) => art.crop(
    { source: part.large || sourceOf(part), name: part.title, before: part.region },
    (region) => change(place, { region }),
  ),
  edit: (place, part) => {
    edited = place;
    box.value = part.text;
    box.select();
  },
  remove: (place) => { edited = null; give(parts.filter((_, other) => other !== place)); },
};
watch("value", () => {
  if (JSON.stringify(props.value) === given) return;
  turn++;
  edited = null;
  parts = (props.value?.parts ?? []).map((part) => {
    const upload = part.upload ? art.known.get(part.upload) : null;
    return { ...BLANK, ...upload, ...part, ...(upload && { picture: upload.picture, title: upload.title }) };
  });
  draw();
  put();
});

// New pictures replace the pictures and works of the query; texts stay, if the encoder reads them.
const kept = () => parts.filter((part) => part.text !== null && readsWords);
art.searchWith = (part) => { turn++; give([...kept(), { ...BLANK, ...part }]); };
art.addPart = (part) => {
  if (!readsWords) parts = parts.filter(({ text }) => text === null);
  const same = parts.findIndex((one) => one.work !== null && one.work === part.work && !one.region);
  if (same >= 0) change(same, { weight: part.weight });
  else if (parts.length >= MOST) art.note(art.say("too-many", { most: MOST }));
  else give([...parts, { ...BLANK, ...part }]);
};
art.dropParts = (places) => { // pictures that cannot be opened; the results are without them already
  parts = parts.filter((_, place) => !places.includes(place));
  draw();
  put();
};

const take = async (files, more) => {
  const before = more ? parts.filter((part) => part.text === null || readsWords) : kept();
  const picked = [...files].slice(0, Math.max(0, MOST - before.length));
  if (!picked.length) return files.length ? art.note(art.say("too-many", { most: MOST })) : undefined;
  if (picked.some((one) => !one.size)) return art.note(art.say("empty-file"));
  if (picked.some((one) => one.size > art.uploadMegabytes * 1024 * 1024)) {
    return art.note(art.say("too-large", { limit: art.uploadMegabytes }));
  }
  const mine = ++turn;
  const fresh = picked.map((one) => ({ ...BLANK, title: one.name || "", preview: URL.createObjectURL(one) }));
  const old = parts;
  parts = [...before, ...fresh];
  draw();
  art.busy();
  let sent;
  try {
    sent = await Promise.all(picked.map((one) => upload(one)));
  } catch {
    parts = old;
    draw();
    art.settle();
    return art.note(art.say("upload-failed"));
  }
  if (mine !== turn) return;
  fresh.forEach((part, place) => {
    const { path, url } = sent[place];
    part.picture = { path, url, orig_name: part.title || "picture", meta: { _type: "gradio.FileData" } };
    art.known.set(path, part);
  });
  give(parts);
};

// Words are found in what is written about the works. They go with the pictures of the query if the encoder reads words;
// otherwise they are a new query.
const searchWords = (text) => {
  const [place, pictures] = [edited, parts.filter((part) => part.text === null)];
  box.value = "";
  edited = null;
  turn++;
  if (parts[place]?.text != null) change(place, { text });
  else give([...(readsWords && pictures.length ? parts : []), { ...BLANK, text }]);
};
window.artsimSuggest(box, searchWords);
words.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = box.value.trim();
  if (text) searchWords(text);
  else box.focus();
});

// Choose files
const choose = (more) => { adding = more; file.click(); };
for (const button of element.querySelectorAll('[data-action="choose"]')) button.addEventListener("click", () => choose(false));
find('[data-action="add"]').addEventListener("click", () => choose(true));
file.addEventListener("change", () => { take(file.files, adding); file.value = ""; });

// Drop anywhere on the page; dropping on the query parts adds one
const WORK = "application/x-artsim-work";
const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].some((type) => ["Files", "text/uri-list", WORK].includes(type));
let depth = 0;
const hover = (on) => { document.body.toggleAttribute("data-dropping", on); };
document.addEventListener("dragenter", (event) => { if (hasFiles(event)) { depth++; hover(true); } });
document.addEventListener("dragleave", (event) => { if (hasFiles(event) && --depth <= 0) { depth = 0; hover(false); } });
document.addEventListener("dragover", (event) => { if (hasFiles(event)) event.preventDefault(); });
document.addEventListener("drop", (event) => {
  if (!hasFiles(event)) return;
  event.preventDefault();
  depth = 0;
  hover(false);
  const work = event.dataTransfer.getData(WORK);
  if (work) {
    if (find(".query").contains(event.target)) art.addPart({ ...JSON.parse(work), weight: 1 });
  } else if (event.dataTransfer.files.length) take(event.dataTransfer.files, tray.contains(event.target));
  else art.note(art.say("not-a-file"));
});

// Paste anywhere on the page
document.addEventListener("paste", (event) => {
  const [pasted] = event.clipboardData?.files ?? [];
  if (!pasted) return;
  event.preventDefault();
  take([pasted], false);
});

// Camera: on phones their own, which needs no permission; else that of the page, if it can use one
const hasOwn = matchMedia("(pointer: coarse)").matches;
const stopCamera = () => {
  for (const track of video.srcObject?.getTracks() ?? []) track.stop();
  video.srcObject = null;
};
const openCamera = async () => {
  if (hasOwn) return photo.click();
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch {
    return art.note(art.say("camera-failed"));
  }
  camera.showModal();
};
for (const button of element.querySelectorAll('[data-action="camera"]')) {
  button.hidden = !hasOwn && !navigator.mediaDevices?.getUserMedia;
  button.addEventListener("click", openCamera);
}
photo.addEventListener("change", () => { take(photo.files, false); photo.value = ""; });
camera.addEventListener("close", stopCamera);
find('[data-action="cancel-camera"]').addEventListener("click", () => camera.close());
find('[data-action="snap"]').addEventListener("click", () => {
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d").drawImage(video, 0, 0);
  camera.close();
  canvas.toBlob((blob) => { if (blob) take([new File([blob], "camera.jpg", { type: "image/jpeg" })], false); }, "image/jpeg", 0.92);
});
