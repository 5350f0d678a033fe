// The order of what was found, and the least score shown. Their fields are in the heading of the results, which the server draws
// anew with every answer. The value is {sort, min_score}, or null.
const give = (changed) => {
  props.value = { ...props.value, ...changed };
  trigger("input");
};
document.addEventListener("change", (event) => {
  const field = event.target.closest?.("#results [data-order]");
  if (field) give({ sort: field.value });
});
document.addEventListener("click", (event) => {
  if (event.target.closest?.("#results [data-least]")) give({ min_score: 0 });
});
