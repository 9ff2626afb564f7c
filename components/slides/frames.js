// Live slides: a frame of the playground, loaded when its slide is first shown and kept from then on, so that its
// controls stay where they were put. Until it is ready the stored result is seen, and it is what gets printed.
// The other side is components/theme/playground.js.

const frames = new Map(); // slide -> { frame, slot, width, scale }
const SMALLEST = 0.5; // a frame that is still too high at this scale scrolls
const here = location.origin;

const message = (frame, data) => frame.contentWindow?.postMessage(data, here);

// A frame is drawn `width` px wide and scaled to the slot. It is asked for its height once for every width.
const place = (held, px) => {
  const { frame, slot } = held;
  const holder = frame.parentElement;
  if (!root.classList.contains("vt-stage")) {
    holder.style.cssText = "width: 100%";
    frame.style.cssText = `width: 100%; height: ${px}px`;
    return;
  }
  const scale = Number(root.style.getPropertyValue("--vt-scale")) || 1;
  const room = { width: slot.clientWidth / scale, height: slot.clientHeight / scale };
  held.scale = Math.max(SMALLEST, Math.min(1, room.height / px, room.width / held.width));
  const high = Math.min(px, room.height / held.scale);
  const sized = (length) => `calc(${length * held.scale}px * var(--vt-scale))`;
  holder.style.cssText = `width: ${sized(held.width)}; height: ${sized(high)}`;
  frame.style.cssText = `width: ${held.width}px; height: ${high}px; transform: scale(calc(${held.scale} * var(--vt-scale)))`;
};

const open = (slide) => {
  if (!slide.dataset.frame || frames.has(slide) || own) return;
  const slot = one(".vt-slot", slide);
  const frame = Object.assign(document.createElement("iframe"), { title: slide.dataset.frameTitle, allow: "clipboard-write; fullscreen" });
  const holder = document.createElement("div");
  slot.hidden = false;
  const scale = Number(root.style.getPropertyValue("--vt-scale")) || 1;
  const held = { frame, slot, width: Math.floor(slot.clientWidth / scale) || 1184, scale: 1 };
  frames.set(slide, held);
  holder.append(frame);
  slot.append(holder);
  place(held, 560);
  frame.src = `${slide.dataset.frame}&__theme=${mode}`;
};

const followKeys = (frame) => attempt(() => {
  frame.contentDocument.addEventListener("keydown", (event) => event.key !== "Escape" && pressed(event));
  frame.contentDocument.addEventListener("pointermove", awake, { passive: true });
}, null);

addEventListener("message", (event) => {
  if (event.origin !== here || !event.data) return;
  for (const held of frames.values()) {
    if (event.source !== held.frame.contentWindow) continue;
    if (event.data.type === "vitrine-height") place(held, (held.px = Math.max(200, Number(event.data.px) || 0)));
    if (event.data.type === "vitrine-ready" && held.slot.dataset.state !== "ready") {
      held.slot.dataset.state = "ready";
      message(held.frame, { type: "vitrine-theme", mode }); // it may have changed while the frame was loading
      followKeys(held.frame);
    }
  }
});
hear.moved.push(() => open(slides[at]));
hear.themed.push(() => frames.forEach(({ frame }) => message(frame, { type: "vitrine-theme", mode })));
hear.shaped.push(() => frames.forEach((held) => held.px && place(held, held.px)));
