// Searches a running artsim app with nothing but `fetch`: in Node.js 18 or later, or in a browser's module script.
//
//     node client.mjs http://127.0.0.1:7860/ picture.jpg

/** Sends a file to the app; what it returns stands for the file in the calls. */
export async function upload(app, blob) {
  const form = new FormData();
  form.append("files", blob, "picture");
  const answer = await fetch(new URL("gradio_api/upload", app), { method: "POST", body: form });
  if (!answer.ok) throw new Error(await answer.text());
  const [path] = await answer.json();
  return { path, meta: { _type: "gradio.FileData" } };
}

/** Calls an endpoint, such as `call(app, "search_by_work", { work: "met-436323", k: 3 })`. */
export async function call(app, endpoint, parameters) {
  const asked = await fetch(new URL(`gradio_api/call/v2/${endpoint}`, app), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(parameters),
  });
  if (!asked.ok) throw new Error(await asked.text());
  const { event_id: event } = await asked.json();
  const stream = await fetch(new URL(`gradio_api/call/${endpoint}/${event}`, app));
  const [, outcome, data] = (await stream.text()).match(/event: (complete|error)\ndata: (.*)/);
  const answer = JSON.parse(data);
  if (outcome === "error") throw new Error(answer?.error ?? "The app could not answer.");
  return answer[0];
}

export async function show(app, blob, print) {
  const image = await upload(app, blob);
  const matches = await call(app, "search_by_image", { image, k: 3 });
  for (const match of matches) {
    print(`${match.rank}. ${match.title} (${match.artist}, ${match.year}): ${match.word}`);
  }
  const similar = await call(app, "search_by_work", { work: matches[0].id, k: 3 });
  print(`Works like the first: ${similar.map((match) => match.title).join(", ")}`);

  const where = { year: { from: 1800 } };
  const later = await call(app, "search_combined", { image, k: 3, preset: "style", where, at_most: { artist: 1 } });
  print(`In style, from 1800 on: ${later.map((match) => match.title).join(", ")}`);

  const work = await call(app, "describe_work", { work: matches[0].id });
  print(`${work.title}: ${work.width} x ${work.height} pixels, ${work.license}, ${new URL(work.thumbnail, app)}`);

  const { artist } = matches[0];
  const named = await call(app, "search_by_text", { text: artist, k: 3 });
  print(`By ${artist}: ${named.filter((match) => match.found_by === "label").map((match) => match.title).join(", ")}`);

  const suggestions = await call(app, "suggest", { text: artist.slice(0, 3), limit: 3 });
  print(`Suggestions: ${suggestions.map(({ text, works }) => `${text} (${works})`).join(", ")}`);
}

if (globalThis.process?.argv[1]?.endsWith("client.mjs")) {
  const { readFile } = await import("node:fs/promises");
  const [app, picture] = process.argv.slice(2);
  await show(app, new Blob([await readFile(picture)]), console.log);
}
