// Switches Streamlit's theme in place. Streamlit offers no call for it, so its own React context is looked up (held by a
// browser test on the pinned version); where that is not found, the choice is stored and the page is loaded anew.

const CHOICE = "vitrine-theme";
const NAMES = {
  system: ["Custom Theme Auto", "Use system setting"],
  light: ["Custom Theme Light", "Light"],
  dark: ["Custom Theme Dark", "Dark"],
};
const ends = new WeakMap(); // switch -> what ends it; Streamlit calls the default export after every rerun
const label = (choice) => choice[0].toUpperCase() + choice.slice(1);
const chosen = () => (window.vtKeep.get(CHOICE) in NAMES ? window.vtKeep.get(CHOICE) : "system"); // page.py has vtKeep

const context = () => {
  const app = document.querySelector(".stApp");
  const key = Object.keys(app).find((name) => name.startsWith("__reactFiber$"));
  for (let fiber = app[key]; fiber; fiber = fiber.return) {
    const value = fiber.memoizedProps?.value;
    if (value?.setTheme && value?.availableThemes) return value;
  }
  return null;
};

const remember = (choice, paths) => {
  window.vtKeep.set(CHOICE, choice);
  const value = JSON.stringify(label(choice));
  for (const path of [...paths, window.location.pathname]) window.vtKeep.set(`stActiveTheme-${path}-v2`, value);
};

const apply = (choice, paths) => {
  remember(choice, paths);
  const found = context();
  const theme = found?.availableThemes.find(({ name }) => NAMES[choice].includes(name));
  if (theme) found.setTheme(theme);
  else window.location.reload();
};

// Menus and dialogs are drawn outside .stApp, where Streamlit sets no colour scheme.
const mirror = () => {
  document.documentElement.style.colorScheme = getComputedStyle(document.querySelector(".stApp")).colorScheme;
};

// On a phone the menu covers the page: once a page is chosen there, it goes.
const PHONE = 768;
const closeMenu = (event) => {
  if (window.innerWidth > PHONE || !event.target.closest?.('[data-testid="stSidebarNavLink"]')) return;
  setTimeout(() => document.querySelector('[data-testid="stSidebarCollapseButton"] button')?.click(), 50);
};

export default function ({ data, parentElement }) {
  const field = parentElement.querySelector(".vt-theme");
  if (ends.has(field)) return ends.get(field);
  field.querySelector(`[value=${chosen()}]`).checked = true;
  field.addEventListener("change", (event) => apply(event.target.value, data.paths));
  const found = context();
  if (found && chosen() !== "system" && !NAMES[chosen()].includes(found.activeTheme.name)) apply(chosen(), data.paths);
  mirror();
  const watcher = new MutationObserver(mirror);
  watcher.observe(document.querySelector(".stApp"), { attributes: true, attributeFilter: ["class"] });
  document.addEventListener("click", closeMenu);
  ends.set(field, () => {
    watcher.disconnect();
    document.removeEventListener("click", closeMenu);
  });
  return ends.get(field);
}
