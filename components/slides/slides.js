// Moving through the slides: keys, clicks, swipes and the address all end in `show`. Which slide is shown stands in the
// address (#3), so it survives a reload; the theme is set before the first paint.

const root = document.documentElement;
const attempt = (act, otherwise) => { try { return act(); } catch { return otherwise; } }; // storage may be forbidden
const one = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

const THEME = "vitrine-present-theme";
const own = new URLSearchParams(location.search).get("view") === "speaker"; // this is the window of speaker notes
const small = matchMedia("(max-width: 640px)");
let mode = attempt(() => sessionStorage.getItem(THEME) ?? localStorage.getItem("vitrine-theme"), null);
if (!["light", "dark"].includes(mode)) mode = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
let slides = [];
let at = -1;
const hear = { moved: [], themed: [], shaped: [] }; // what the other parts do after a move, a new theme, a new size

const tell = (kind) => hear[kind].forEach((act) => act());
const paint = () => { root.style.colorScheme = mode; };
const shape = () => {
  const staged = !small.matches && slides.length > 0;
  root.classList.toggle("vt-stage", staged);
  root.style.setProperty("--vt-scale", staged ? Math.min(innerWidth / 1280, innerHeight / 720) : 1);
  tell("shaped");
};
const title = (slide) => one("h1, h2", slide)?.textContent ?? "";

const show = (number, quietly = false) => {
  const wanted = Math.max(0, Math.min(slides.length - 1, number));
  if (wanted === at || !slides.length) return;
  at = wanted;
  slides.forEach((slide, index) => {
    slide.toggleAttribute("data-now", index === at);
    slide.toggleAttribute("data-next", index === at + 1);
    slide.inert = index !== at;
  });
  one(".vt-at").textContent = `${at + 1} / ${slides.length}`;
  one('[data-do="back"]').disabled = at === 0;
  one('[data-do="next"]').disabled = at === slides.length - 1;
  if (document.activeElement?.closest("[inert]")) { // or the keys would go on to a frame that is no longer seen
    document.activeElement.blur();
    focus();
  }
  if (location.hash !== `#${at + 1}`) history.replaceState(null, "", `#${at + 1}`);
  if (!quietly) one(".vt-told").textContent = `Slide ${at + 1} of ${slides.length}: ${title(slides[at])}`;
  if (!root.classList.contains("vt-stage")) scrollTo(0, 0);
  tell("moved");
};
const asked = () => Number.parseInt(location.hash.slice(1), 10) - 1 || 0;

const retheme = () => {
  mode = mode === "dark" ? "light" : "dark";
  attempt(() => sessionStorage.setItem(THEME, mode), null);
  paint();
  tell("themed");
};
const screen = () => (document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen?.())?.catch(() => {});

const acts = {
  back: () => show(at - 1),
  next: () => show(at + 1),
  first: () => show(0),
  last: () => show(slides.length - 1),
  theme: retheme,
  screen,
  pdf: () => print(),
  keys: () => one(".vt-keys").showModal(),
  close: () => all("dialog[open]").forEach((dialog) => dialog.close()),
};

const KEYS = {
  ArrowRight: "next", ArrowDown: "next", PageDown: "next", " ": "next", ArrowLeft: "back", ArrowUp: "back", PageUp: "back",
  Home: "first", End: "last", f: "screen", t: "theme", n: "notes", p: "pdf", "?": "keys", Escape: "close",
};
const FIELDS = "input, textarea, select, audio, [contenteditable], [role=slider], [role=listbox], [role=combobox]";
// A presenter's remote sends PageUp and PageDown: they move the slides even while a control of a live slide has focus.
const REMOTE = ["PageDown", "PageUp"];
const pressed = (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const target = event.target.closest ? event.target : root;
  const act = event.key === " " && event.shiftKey ? "back" : KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act || !acts[act] || (target.closest("dialog") && act !== "close")) return;
  if (target.closest(FIELDS) && !REMOTE.includes(event.key)) return;
  if (event.key === " " && target.closest("button, a, summary")) return;
  if (target.closest(".vt-said-here") && event.key.startsWith("Arrow")) return; // long notes scroll
  if (!root.classList.contains("vt-stage") && ["ArrowDown", "ArrowUp", " "].includes(event.key)) return; // the page scrolls
  if (act !== "close") event.preventDefault();
  acts[act]();
};

const EDGE = 0.12; // of the window's width, left and right
const clicked = (event) => {
  const button = event.target.closest("[data-do]");
  if (button) {
    if (event.detail) button.blur(); // or Space would press it again instead of moving on
    acts[button.dataset.do]?.();
    return;
  }
  if (event.target.closest("a, button, audio, input, dialog, summary, iframe, .vt-bar, .vt-speaker, .vt-plot")) return;
  if (String(getSelection())) return;
  if (event.clientX > innerWidth * (1 - EDGE)) show(at + 1);
  else if (event.clientX < innerWidth * EDGE) show(at - 1);
};

let finger = null;
const SWIPE = 48; // px
const swiped = (event) => {
  if (!finger) return;
  const [x, y] = [event.changedTouches[0].clientX - finger.x, event.changedTouches[0].clientY - finger.y];
  finger = null;
  if (Math.abs(x) > SWIPE && Math.abs(x) > 2 * Math.abs(y)) show(at + (x < 0 ? 1 : -1));
};

const IDLE_MS = 2500;
let idle = 0;
const awake = () => {
  root.classList.remove("vt-idle");
  clearTimeout(idle);
  idle = setTimeout(() => root.classList.add("vt-idle"), IDLE_MS);
};

root.classList.add("vt-js");
root.classList.toggle("vt-own", own);
paint();
document.addEventListener("DOMContentLoaded", () => {
  slides = all(".vt-slide");
  shape();
  if (!slides.length) return;
  if (!document.fullscreenEnabled) one('[data-do="screen"]').hidden = true;
  show(asked(), true);
  addEventListener("resize", shape);
  addEventListener("hashchange", () => show(asked()));
  document.addEventListener("keydown", pressed);
  document.addEventListener("click", clicked);
  document.addEventListener("touchstart", ({ touches }) => {
    finger = touches.length === 1 ? { x: touches[0].clientX, y: touches[0].clientY } : null;
  }, { passive: true });
  document.addEventListener("touchend", swiped, { passive: true });
  for (const kind of ["pointermove", "pointerdown", "keydown", "focusin"]) document.addEventListener(kind, awake, { passive: true });
  awake();
});
