// Nothing on a slide may overflow. Every stage has the same 80 x 45 rem, so what fits once fits in every window and in
// print: words get smaller step by step, then tables lose rows and long texts lines; `More` shows the rest.

const STEPS = 5;
const fits = (box) => box.scrollHeight <= box.clientHeight + 1;

const say = (slide) => {
  for (const line of all(".vt-rest[data-total]", slide)) {
    const rows = all("tbody tr, li", line.parentElement).filter((row) => getComputedStyle(row).display !== "none");
    const rest = Number(line.dataset.total) - rows.length;
    line.textContent = rest > 0 ? `${rest.toLocaleString("en")} more` : "";
  }
  for (const button of all(".vt-more", slide)) button.hidden = fits(button.previousElementSibling);
};

// Sizes in px of a slide of 1280 x 720; `scale` is how much larger the window is.
const scaled = () => Number(getComputedStyle(root).getPropertyValue("--vt-scale")) || 1;
const LARGEST = 1.5; // a sweep of four cells need not fill the slide
const WORDS = { least: 300, most: 480, gap: 32, size: 18 }; // px of the words beside a sweep with rows
const sheet = (box) => {
  const natural = box.firstElementChild;
  natural.style.width = "";
  if (!root.classList.contains("vt-stage")) return;
  const room = { width: box.clientWidth / scaled(), height: box.clientHeight / scaled() };
  const table = one("table", natural);
  let width = Math.max(560, table?.offsetWidth ?? 0);
  if (natural.hasAttribute("data-rows")) {
    const scale = Math.min(LARGEST, room.height / table.offsetHeight, room.width / (width + WORDS.gap + WORDS.least));
    natural.style.setProperty("--vt-words", `${WORDS.size / scale}px`);
    width = Math.min(room.width / scale, width + WORDS.gap + WORDS.most / scale);
  }
  natural.style.width = `${width}px`;
  const fitting = Math.min(LARGEST, room.width / width, room.height / natural.offsetHeight);
  box.style.setProperty("--vt-sheet", fitting);
};

const fit = (slide) => {
  all(".vt-sheet", slide).forEach(sheet);
  for (const box of all(".vt-read, .vt-cover", slide)) {
    for (let step = 0; step <= STEPS; step += 1) {
      box.dataset.fit = step;
      say(slide);
      if (fits(box)) break;
    }
  }
};

// Drawn at the size that it has at 1280 x 720; the style scales it with the stage.
const draw = (plot) => {
  const scale = scaled();
  const ink = getComputedStyle(root).getPropertyValue("--vt-ink");
  const width = Math.floor(plot.clientWidth / scale);
  const height = root.classList.contains("vt-stage") ? Math.floor(plot.clientHeight / scale) : Math.round(width * 0.75);
  const { data = [], layout = {} } = JSON.parse(plot.dataset.spec);
  const clear = { paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", autosize: false, width, height };
  const font = { ...layout.font, family: "Inter, system-ui, sans-serif", size: 16, color: probe(ink) };
  const colorway = [1, 2, 3, 4, 5, 6, 7].map((n) => getComputedStyle(root).getPropertyValue(`--vt-category-${n}`).trim());
  const margin = { l: 64, r: 24, t: layout.title ? 64 : 24, b: 56, ...layout.margin };
  const options = { displayModeBar: false, displaylogo: false, scrollZoom: false };
  window.Plotly.react(one(".vt-drawn", plot), data, { colorway, ...layout, ...clear, margin, font }, options).then(
    () => plot.setAttribute("data-drawn", ""),
    () => plot.removeAttribute("data-drawn"), // the table behind it stays
  );
};
// Plotly reads no light-dark(): the browser says which colour it is now.
const probe = (colour) => {
  const mark = Object.assign(document.createElement("i"), { hidden: true });
  mark.style.color = colour;
  document.body.append(mark);
  const found = getComputedStyle(mark).color;
  mark.remove();
  return found;
};
const drawAll = () => window.Plotly && all(".vt-plot").forEach((plot) => plot.clientWidth && draw(plot));

let staged = null;
hear.shaped.push(() => {
  const now = root.classList.contains("vt-stage");
  if (now === staged || !slides.length) return;
  staged = now; // the same stage at another size keeps what fits
  slides.forEach(fit);
  drawAll();
});
hear.themed.push(drawAll);
hear.moved.push(() => staged || (say(slides[at]), drawAll()));

const whole = (button) => {
  const dialog = one(".vt-whole");
  one("h2", dialog).textContent = title(slides[at]);
  one("div", dialog).innerHTML = button.previousElementSibling.innerHTML;
  dialog.showModal();
};

document.addEventListener("DOMContentLoaded", () => {
  document.fonts.ready.then(() => slides.forEach(fit));
  document.addEventListener("click", (event) => event.target.matches(".vt-more") && whole(event.target));
  if (!window.Plotly) addEventListener("load", drawAll);
});

// Print is light and always a stage, whatever the window was.
let before = null;
addEventListener("beforeprint", () => {
  before = mode;
  root.classList.add("vt-stage");
  mode = "light";
  paint();
  slides.forEach(fit);
  drawAll();
});
addEventListener("afterprint", () => {
  mode = before ?? mode;
  staged = null;
  paint();
  shape();
});
