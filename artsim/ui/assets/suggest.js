// Suggestions under a field for words: the combobox of the ARIA Authoring Practices Guide, with a list that is picked from by hand.
(() => {
  const PAUSE = 120; // milliseconds without a key before the server is asked
  let count = 0;

  const option = ({ text, note }) => {
    const [item, name, more] = ["li", "span", "span"].map((kind) => document.createElement(kind));
    item.role = "option";
    item.dataset.text = name.textContent = text;
    more.className = "suggestion-note";
    more.textContent = note;
    item.append(name, " ", more);
    return item;
  };

  // `choose(text)` searches for what was picked.
  window.artsimSuggest = (input, choose) => {
    const list = document.createElement("ul");
    list.className = "suggestions";
    list.id = `suggestions-${++count}`;
    list.role = "listbox";
    list.hidden = true;
    list.setAttribute("aria-label", input.getAttribute("aria-label"));
    input.after(list);
    input.role = "combobox";
    input.setAttribute("aria-autocomplete", "list");
    input.setAttribute("aria-controls", list.id);
    input.setAttribute("aria-expanded", "false");
    let asked = null, timer = 0, at = -1;

    const mark = (place) => {
      at = place;
      [...list.children].forEach((item, other) => {
        item.id = `${list.id}-${other}`;
        item.setAttribute("aria-selected", String(other === place));
      });
      if (place < 0) input.removeAttribute("aria-activedescendant");
      else input.setAttribute("aria-activedescendant", list.children[place].id);
    };
    const show = (items) => {
      list.replaceChildren(...items);
      list.hidden = items.length === 0;
      input.setAttribute("aria-expanded", String(items.length > 0));
      mark(-1);
    };
    const close = () => {
      clearTimeout(timer);
      asked?.abort();
      asked = null;
      show([]);
    };
    const pick = (item) => {
      input.value = item.dataset.text;
      close();
      choose(item.dataset.text);
    };
    const ask = async () => {
      asked?.abort();
      const mine = (asked = new AbortController());
      const query = new URLSearchParams({ text: input.value, lang: document.documentElement.lang });
      try {
        const answer = await fetch(`./suggestions?${query}`, { signal: mine.signal });
        if (answer.ok && asked === mine) show((await answer.json()).map(option));
      } catch {
        if (asked === mine) close(); // without suggestions one can still search
      }
    };

    input.addEventListener("input", () => {
      if (!input.value.trim()) return close();
      clearTimeout(timer);
      timer = setTimeout(ask, PAUSE);
    });
    input.addEventListener("keydown", (event) => {
      const last = list.children.length - 1;
      if (event.isComposing || list.hidden) return;
      if (event.key === "ArrowDown") mark(at < last ? at + 1 : -1);
      else if (event.key === "ArrowUp") mark(at < 0 ? last : at - 1);
      else if (event.key === "Enter" && at >= 0) pick(list.children[at]);
      else if (event.key === "Escape") close();
      else return;
      event.preventDefault();
    });
    input.addEventListener("blur", close);
    input.form.addEventListener("submit", close);
    list.addEventListener("pointerdown", (event) => event.preventDefault()); // the field keeps the focus
    list.addEventListener("click", (event) => {
      const item = event.target.closest("li");
      if (item) pick(item);
    });
  };
  for (const input of document.querySelectorAll(".masthead [type=search]")) window.artsimSuggest(input, () => input.form.submit());
})();
