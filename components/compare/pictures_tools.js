// What pictures.js is made of; both are sent to the browser as one script.

const MAGMA = ["000003", "180f3d", "440f76", "721f81", "9e2f7f", "cd4071", "f1605d", "fd9567", "feca8d", "fcfdbf"];
const ZOOM_MAX = 32;
const MODES = [["side", "Side by side"], ["swipe", "Swipe"], ["difference", "Difference"]];
const HINTS = {
  side: ["Click a picture, then turn the wheel to zoom and drag to move; all pictures move together.",
    "Pinch a picture to zoom and drag to move; all pictures move together."],
  swipe: ["Drag the line, or move it with the arrow keys. The wheel zooms once the picture is clicked.",
    "Drag the line. Pinch to zoom."],
};
const hint = (mode) => HINTS[mode]?.[window.matchMedia("(pointer: coarse)").matches ? 1 : 0] ?? "";
const FRESH = { mode: "side", left: 0, right: 1, zoom: 1, x: 0.5, y: 0.5, divider: 50 };
const holders = new WeakMap();

const element = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
};
const within = (value, low, high) => Math.min(high, Math.max(low, value));
const told = (value) => Number(value.toPrecision(3)).toString();
const colourAt = (part) => {
  const place = part * (MAGMA.length - 1);
  const [low, high] = [MAGMA[Math.floor(place)], MAGMA[Math.ceil(place)]];
  return [0, 2, 4].map((at) => {
    const [from, to] = [low, high].map((colour) => parseInt(colour.slice(at, at + 2), 16));
    return Math.round(from + (to - from) * (place % 1));
  });
};

// A tab remembers how each comparison was looked at; where a browser keeps nothing, the page alone does.
const kept = (key) => {
  try {
    return JSON.parse(sessionStorage.getItem(`vitrine-compare-${key}`)) ?? {};
  } catch {
    return {};
  }
};
const keep = (key, state) => {
  try {
    sessionStorage.setItem(`vitrine-compare-${key}`, JSON.stringify(state));
  } catch { /* nothing is kept in a frame of another site */ }
};

