// The query: a picture dropped, pasted, chosen or photographed, or a work. Its value is {picture, work} or null.
const art = window.artsim;
const find = (selector) => element.querySelector(selector);
const file = find('input[type="file"]');
const empty = find(".drop");
const filled = find(".chosen");
const note = find(".query-note");
const camera = find("dialog.camera");
const video = find("video");
let standing = "";
let preview = null;
let turn = 0;

art.note = (text) => { note.textContent = text || standing; };
art.standing = (text) => { standing = text; if (!document.body.dataset.busy) art.note(""); };
art.wantsEncoder = () => Boolean(props.value?.picture);

const show = (address, kind, name) => {
  const image = filled.querySelector("img");
  image.hidden = false;
  image.onerror = () => { image.hidden = true; };
  image.src = address;
  image.alt = name;
  const kindLine = filled.querySelector(".query-kind");
  kindLine.textContent = kindLine.dataset[kind];
  filled.querySelector(".query-name").textContent = name;
  filled.hidden = false;
  find(".query").dataset.state = "filled";
};
const forget = () => {
  if (preview) URL.revokeObjectURL(preview);
  preview = null;
};

const take = async (picked) => {
  if (!picked) return;
  if (!picked.size) return art.note(art.say("empty-file"));
  if (picked.size > art.uploadMegabytes * 1024 * 1024) {
    return art.note(art.say("too-large", { limit: art.uploadMegabytes }));
  }
  const mine = ++turn;
  forget();
  preview = URL.createObjectURL(picked);
  show(preview, "yours", picked.name || "");
  art.busy();
  let sent;
  try {
    sent = await upload(picked);
  } catch {
    art.settle();
    return art.note(art.say("upload-failed"));
  }
  if (mine !== turn) return;
  const meta = { _type: "gradio.FileData" };
  props.value = { picture: { path: sent.path, orig_name: picked.name || "picture", meta }, work: null };
  trigger("input");
};
art.searchWork = (identity, title, address) => {
  turn++;
  forget();
  show(address, "work", title);
  props.value = { picture: null, work: identity };
  trigger("input");
};
art.clearQuery = () => {
  turn++;
  forget();
  filled.hidden = true;
  find(".query").dataset.state = "empty";
  file.value = "";
  props.value = null;
  trigger("input");
};

// Choose
find('[data-action="choose"]').addEventListener("click", () => file.click());
file.addEventListener("change", () => { take(file.files[0]); file.value = ""; });
empty.addEventListener("click", (event) => { if (!event.target.closest("button")) file.click(); });
find('[data-action="clear"]').addEventListener("click", () => art.clearQuery());

// Drop, anywhere on the page
const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].some((type) => type === "Files" || type === "text/uri-list");
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
  const [dropped] = event.dataTransfer.files;
  if (dropped) take(dropped);
  else art.note(art.say("not-a-file"));
});

// Paste, anywhere on the page
document.addEventListener("paste", (event) => {
  const [pasted] = event.clipboardData?.files ?? [];
  if (!pasted) return;
  event.preventDefault();
  take(pasted);
});

// Camera, where there is one that a page may ask for
const cameraButton = find('[data-action="camera"]');
cameraButton.hidden = !navigator.mediaDevices?.getUserMedia;
const stopCamera = () => {
  for (const track of video.srcObject?.getTracks() ?? []) track.stop();
  video.srcObject = null;
};
cameraButton.addEventListener("click", async () => {
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch {
    return art.note(art.say("camera-failed"));
  }
  camera.showModal();
});
camera.addEventListener("close", stopCamera);
find('[data-action="cancel-camera"]').addEventListener("click", () => camera.close());
find('[data-action="snap"]').addEventListener("click", () => {
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d").drawImage(video, 0, 0);
  camera.close();
  canvas.toBlob((blob) => { if (blob) take(new File([blob], "camera.jpg", { type: "image/jpeg" })); }, "image/jpeg", 0.92);
});
