// A range: the value is [low, high], or null if both fields are empty.
const fields = [...element.querySelectorAll("input")];
const read = (field) => (field.value === "" || !Number.isFinite(Number(field.value)) ? null : Number(field.value));
const give = () => {
  const values = fields.map(read);
  props.value = values.every((value) => value === null) ? null : values;
  trigger("input");
};
for (const field of fields) field.addEventListener("change", give);
const show = () => fields.forEach((field, place) => { field.value = props.value?.[place] ?? ""; });
watch("value", show);
show();
