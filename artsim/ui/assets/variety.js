// Variety: other artists only, a limit per value, groups. The value is {other, column, most, by}, or null.
const fields = Object.fromEntries([...element.querySelectorAll("[data-field]")].map((field) => [field.dataset.field, field]));
const give = () => {
  const most = Math.round(fields.most.valueAsNumber);
  if (!(most >= 1 && most <= Number(fields.most.max))) fields.most.value = 2;
  props.value = {
    other: fields.other.value || null,
    column: fields.column.value || null,
    most: Math.round(fields.most.valueAsNumber),
    by: fields.by.value || null,
  };
  trigger("input");
};
const show = () => {
  for (const name of ["other", "column", "by"]) fields[name].value = props.value?.[name] ?? "";
  fields.most.value = props.value?.most ?? (fields.most.value || 2);
};
for (const field of Object.values(fields)) {
  field.addEventListener("change", () => { if (field !== fields.most || fields.column.value) give(); });
}
watch("value", show);
show();
