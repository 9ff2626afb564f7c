// The keys of a playground, and the list of them behind '?'. The buttons stay the one place where things are done.
(() => {
  const KEYS = [
    ["Ctrl Enter", "Run"],
    ["Esc", "Stop what runs"],
    ["S", "Save"],
    ["C", "Copy the link"],
    ["?", "Show these keys"],
  ];
  const HTML = `<div><header><h2 id="vt-keys-title">Keyboard shortcuts</h2>
    <button type="button" class="vt-keys-close" aria-label="Close">&times;</button></header>
    <div class="vt-keys-list"><dl></dl></div></div>`;

  const shown = (one) => one.offsetParent !== null && !one.disabled;
  const press = (selector) => {
    const button = [...document.querySelectorAll(selector)].find(shown);
    button?.click();
    return Boolean(button);
  };
  const typing = (target) =>
    target.closest?.("input:not([type=radio]):not([type=checkbox]):not([type=range]), textarea, select, [contenteditable=true]");

  const made = (name, text, children = []) => {
    const one = document.createElement(name);
    if (text) one.textContent = text;
    one.append(...children);
    return one;
  };
  let dialog = null;
  const build = () => {
    dialog = made("dialog");
    dialog.className = "vt-keys";
    for (const [name, value] of [["role", "dialog"], ["aria-modal", "true"], ["aria-labelledby", "vt-keys-title"]]) {
      dialog.setAttribute(name, value);
    }
    dialog.innerHTML = HTML;
    dialog.querySelector("dl").append(...KEYS.map(([keys, what]) => {
      const caps = keys.split(" ").map((key) => made("kbd", key));
      return made("div", "", [made("dt", "", caps), made("dd", what)]);
    }));
    dialog.querySelector(".vt-keys-close").onclick = () => dialog.close();
    dialog.onclick = (event) => { if (event.target === dialog) dialog.close(); }; // beside the list
    dialog.onkeydown = (event) => { if (event.key === "Tab") event.preventDefault(); }; // one button: focus stays on it
    document.body.append(dialog);
  };
  const help = () => {
    if (!dialog) build();
    if (!dialog.open) dialog.showModal();
  };

  const letters = {
    "?": () => { help(); return true; },
    s: () => press("#vt-save"),
    c: () => press("#vt-link .vt-link:not([data-stale]) [data-copy]") || press("[data-copy-page]"),
  };
  document.addEventListener("keydown", (event) => {
    if (dialog?.open) return; // Escape closes it: the browser sees to that
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      if (press("#vt-run")) event.preventDefault();
    } else if (event.key === "Escape") {
      press("#vt-stop");
    } else if (!event.ctrlKey && !event.metaKey && !event.altKey && !event.repeat && !typing(event.target)) {
      if (letters[event.key.toLowerCase()]?.()) event.preventDefault();
    }
  });
  document.addEventListener("click", (event) => event.target.closest?.(".vt-keys-open") && help());
})();
