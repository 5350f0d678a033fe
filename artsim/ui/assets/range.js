// From and to: the value is [low, high], or null when both are empty; emptied by the server when it sets null.
const fields = [...element.querySelectorAll("input")];
const read = (field) => (field.value === "" || !Number.isFinite(Number(field.value)) ? null : Number(field.value));
const give = () => {
  const values = fields.map(read);
  props.value = values.every((value) => value === null) ? null : values;
  trigger("input");
};
for (const field of fields) field.addEventListener("change", give);
watch("value", () => { if (!props.value) for (const field of fields) field.value = ""; });
