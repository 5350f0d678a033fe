// The values of a column with their counts; the component's value is the list of the chosen ones, or null.
const SHORT = 8, LONG = 300;
const details = element.querySelector("details");
const find = element.querySelector('input[type="search"]');
const list = element.querySelector("ul");
const all = element.querySelector("button");
const picked = element.querySelector(".picked");
let chosen = new Set(props.value ?? []);
let expanded = false;

const row = ([value, count]) => {
  const item = document.createElement("li");
  const label = document.createElement("label");
  const box = document.createElement("input");
  const name = document.createElement("span");
  const number = document.createElement("span");
  box.type = "checkbox";
  box.value = value;
  box.checked = chosen.has(value);
  name.textContent = value;
  number.textContent = count === "" ? "" : window.artsim.number(count);
  number.className = "count";
  label.append(box, name, number);
  item.append(label);
  return item;
};
const draw = () => {
  picked.textContent = chosen.size || "";
  details.toggleAttribute("data-picked", chosen.size > 0);
  if (!details.open) return;
  const wanted = find.value.trim().toLocaleLowerCase();
  const offered = new Set(props.options.map(([value]) => value));
  const newer = [...chosen].filter((value) => !offered.has(value)).map((value) => [value, ""]); // values of works added since
  const fitting = [...newer, ...props.options].filter(([value]) => value.toLocaleLowerCase().includes(wanted));
  const first = fitting.filter(([value]) => chosen.has(value));
  const others = fitting.filter(([value]) => !chosen.has(value));
  const room = expanded || wanted ? LONG : SHORT;
  list.replaceChildren(...[...first, ...others].slice(0, Math.max(room, first.length)).map(row));
  all.hidden = expanded || Boolean(wanted) || fitting.length <= SHORT;
};
details.addEventListener("toggle", draw);
find.addEventListener("input", draw);
all.addEventListener("click", () => { expanded = true; draw(); list.querySelector("input")?.focus(); });
list.addEventListener("change", (event) => {
  if (event.target.checked) chosen.add(event.target.value);
  else chosen.delete(event.target.value);
  picked.textContent = chosen.size || "";
  details.toggleAttribute("data-picked", chosen.size > 0);
  props.value = chosen.size ? [...chosen] : null;
  trigger("input");
});
watch("value", () => { chosen = new Set(props.value ?? []); draw(); });
draw();
