// '?' opens the list of keys, '/' goes to the page's search box. Keys typed into a field are left alone.
const ends = new WeakMap();

const typing = (target) => target.closest?.("input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable=true]");
const element = (name, text, children = []) => {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  made.append(...children);
  return made;
};

const fill = (box, groups) => {
  box.replaceChildren(
    ...groups.flatMap(([title, rows]) => [
      element("h3", title),
      element("dl", "", rows.map(([keys, what]) => {
        const caps = keys.split(" ").map((key) => element("kbd", key));
        return element("div", "", [element("dt", "", caps), element("dd", what)]);
      })),
    ]),
  );
};

export default function ({ data, parentElement }) {
  const dialog = parentElement.querySelector("dialog");
  if (ends.has(dialog)) return ends.get(dialog);
  fill(dialog.querySelector(".vt-keys-list"), data.groups);
  const open = () => { if (!dialog.open) dialog.showModal(); };
  const hear = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const search = document.querySelector(".st-key-vt-search input");
    if (event.key === "?") open();
    else if (event.key === "/" && search) search.focus();
    else return;
    event.preventDefault();
  };
  parentElement.querySelector(".vt-keys-open").onclick = open;
  dialog.querySelector(".vt-keys-close").onclick = () => dialog.close();
  dialog.onclick = (event) => { if (event.target === dialog) dialog.close(); }; // beside the list
  document.addEventListener("keydown", hear);
  ends.set(dialog, () => {
    document.removeEventListener("keydown", hear);
    ends.delete(dialog);
  });
  return ends.get(dialog);
}
