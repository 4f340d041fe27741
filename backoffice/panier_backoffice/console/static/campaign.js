// The campaign form: shows the fields of the chosen kind, finds products, and keeps the handheld's picture up to date.
(() => {
  const form = document.querySelector("form[data-campaign]");
  if (!form) return;
  const chosen = (name) => (form.querySelector(`[name="${name}"]:checked`) || form.elements[name])?.value || "";

  function showFitting() {
    for (const name of ["kind", "scope", "whom"]) {
      for (const part of form.querySelectorAll(`[data-${name}]`)) part.hidden = part.dataset[name] !== chosen(name);
    }
  }

  // The handheld shows 38 columns a line and cuts the rest.
  const COLUMNS = 38;
  function fitted(text, room) { return text.length > room ? text.slice(0, room - 1) + "…" : text; }
  function preview() {
    for (const [name, missing] of [["title", "Your title"], ["reason", "and the reason why"]]) {
      const shown = document.querySelector(`[data-preview=${name}]`), written = form.elements[name].value;
      shown.textContent = fitted(written || missing, COLUMNS - 2);
      shown.classList.toggle("missing", !written);
    }
    for (const name of ["title", "reason"]) {
      const field = form.elements[name], left = field.maxLength - field.value.length;
      form.querySelector(`[data-left=${name}]`).textContent = left <= 15 ? `${left} left` : "";
    }
  }

  // Until the author writes a title of their own, it follows the figures.
  let ownTitle = form.elements.title.value !== "";
  function goods() {
    if (chosen("scope") === "category") return form.elements.category.value.toLowerCase();
    if (chosen("scope") === "all") return "everything";
    const first = form.querySelector("[data-chips] li");
    return first ? first.firstChild.nextSibling.textContent.trim() : "";
  }
  function suggestTitle() {
    if (ownTitle || !form.elements.percent) return;
    const what = goods(), value = (name) => form.elements[name].value, stands = (name) => parseFloat(value(name)) > 0;
    const said = what && {
      percent: stands("percent") && `-${value("percent")} % ${what}`,
      n_for_price: stands("price") && `${value("n")} for ${value("price")} ${what}`,
      buy_x_get_y: stands("get") && `${what}: ${value("get")} free with ${value("buy")}`,
    }[chosen("kind")];
    if (said) form.elements.title.value = said.trim().slice(0, 60);
  }
  form.elements.title.addEventListener("input", () => { ownTitle = form.elements.title.value !== ""; });

  const search = form.querySelector("[data-search]"), list = form.querySelector("[data-suggestions]"), chips = form.querySelector("[data-chips]");
  let asked = 0;
  function close() { if (list) { list.hidden = true; list.replaceChildren(); } }
  function add(product) {
    if (![...chips.querySelectorAll("input")].some((held) => held.value === product.sku)) {
      const chip = document.createElement("li"), held = document.createElement("input"), remove = document.createElement("button");
      held.type = "hidden"; held.name = "sku"; held.value = product.sku;
      remove.type = "button"; remove.textContent = "×"; remove.setAttribute("aria-label", `Remove ${product.name}`);
      chip.append(held, `${product.name} `, remove);
      chips.append(chip);
    }
    search.value = ""; close(); changed(); search.focus();
  }
  async function suggest() {
    const turn = ++asked, words = search.value.trim();
    if (!words) { close(); return; }
    const answer = await fetch(`/suggest/products?q=${encodeURIComponent(words)}`);
    if (turn !== asked || !answer.ok || answer.redirected) return;
    const found = await answer.json();
    list.replaceChildren(...found.map((product) => {
      const item = document.createElement("li"), choose = document.createElement("button"), price = document.createElement("span");
      choose.type = "button"; choose.textContent = product.name; price.textContent = [product.more, product.sku, product.price].filter(Boolean).join("  ");
      choose.append(price); choose.addEventListener("click", () => add(product));
      item.append(choose);
      return item;
    }));
    if (!found.length) { const none = document.createElement("li"); none.textContent = "nothing of that name"; none.className = "muted"; list.append(none); }
    list.hidden = false;
  }
  if (search) {
    let pause;
    search.addEventListener("input", () => { clearTimeout(pause); pause = setTimeout(suggest, 120); });
    search.addEventListener("keydown", (event) => {
      if (event.key === "Enter") { event.preventDefault(); list.querySelector("button")?.click(); }
      if (event.key === "Escape") close();
    });
    chips.addEventListener("click", (event) => {
      if (event.target.matches("button")) { event.target.closest("li").remove(); changed(); }
    });
    document.addEventListener("click", (event) => { if (!event.target.closest(".picker")) close(); });
  }

  function changed() { showFitting(); suggestTitle(); preview(); }
  form.addEventListener("input", changed);
  form.addEventListener("change", changed);
  changed();
})();
