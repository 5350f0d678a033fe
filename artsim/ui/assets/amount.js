// A number with a slider and a number field. Both fire once the value is final.
const slider = element.querySelector('input[type="range"]');
const figures = element.querySelector('input[type="number"]');
const show = (value) => {
  slider.value = value;
  figures.value = value;
  const share = (slider.value - slider.min) / (slider.max - slider.min);
  slider.style.setProperty("--share", `${100 * share}%`);
};
const give = (value) => {
  const low = Number(slider.min), high = Number(slider.max);
  const number = Math.min(high, Math.max(low, Number.isFinite(value) ? value : props.value));
  show(number);
  if (number === props.value) return;
  props.value = number;
  trigger("input");
};
slider.addEventListener("input", () => show(slider.value));
slider.addEventListener("change", () => give(slider.valueAsNumber));
figures.addEventListener("change", () => give(figures.valueAsNumber));
watch("value", () => show(props.value));
show(props.value);
