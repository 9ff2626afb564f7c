// Speaker notes, for the owner: a window of their own that moves with the slides (BroadcastChannel), or a pane where
// windows are blocked or the slides are a file.

const notes = () => one(".vt-speaker");
const STARTED = "vitrine-present-started";
const wire = attempt(() => (root.dataset.address ? new BroadcastChannel(`vitrine-present-${root.dataset.address}`) : null), null);
let started = Number(attempt(() => sessionStorage.getItem(STARTED), 0)) || Date.now();
let speakerWindow = null;

const clock = () => {
  const seconds = Math.max(0, Math.floor((Date.now() - started) / 1000));
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const [first, ...rest] = parts[0] ? parts : parts.slice(1);
  one(".vt-elapsed").textContent = [first, ...rest.map((part) => String(part).padStart(2, "0"))].join(":");
};
const begin = (moment) => {
  started = moment;
  attempt(() => sessionStorage.setItem(STARTED, String(moment)), null);
  clock();
};

const fill = () => {
  const slide = slides[at];
  const next = slides[at + 1];
  one(".vt-where").textContent = `Slide ${at + 1} of ${slides.length}`;
  one(".vt-now").textContent = title(slide);
  one(".vt-then").textContent = next ? `Next: ${title(next)}` : "This is the last slide.";
  const said = one("template.vt-said", slide);
  const box = one(".vt-said-here");
  box.replaceChildren(said ? said.content.cloneNode(true) : "No speaker notes for this slide.");
  const note = one(".vt-note .vt-cut, .vt-notes .vt-cut", slide);
  if (!note) return;
  const head = Object.assign(document.createElement("h3"), { className: "vt-of", textContent: "On the slide, in full" });
  box.append(head, note.cloneNode(true));
};

const pane = (open) => {
  root.classList.toggle("vt-pane", open);
  notes().hidden = !open;
};
const openNotes = () => {
  if (own) return;
  if (root.classList.contains("vt-pane")) { pane(false); return; }
  if (wire) {
    if (!speakerWindow || speakerWindow.closed) {
      speakerWindow = window.open(`${location.pathname}?view=speaker#${at + 1}`, "vitrine-speaker", "popup,width=1120,height=760");
    } else speakerWindow.focus();
  }
  if (!speakerWindow) pane(true);
};

let told = -1; // the slide that the other window is known to show: what came from there is not sent back
const listen = ({ data }) => {
  if (data.type === "ask") wire.postMessage({ type: "at", at, started });
  if (data.type === "at") {
    told = data.at;
    if (data.started !== started) begin(data.started);
    show(data.at);
  }
};

document.addEventListener("DOMContentLoaded", () => {
  if (!notes() || !slides.length) return;
  acts.notes = openNotes;
  acts.restart = () => {
    begin(Date.now());
    wire?.postMessage({ type: "at", at, started });
  };
  const close = acts.close;
  acts.close = () => (one("dialog[open]") || own ? close() : pane(false));
  begin(started);
  setInterval(clock, 1000);
  fill();
  if (own) {
    notes().hidden = false;
    document.title = `Speaker notes - ${document.title}`;
  }
  hear.moved.push(() => {
    fill();
    if (at !== told) wire?.postMessage({ type: "at", at, started });
    told = at;
  });
  if (!wire) return;
  wire.addEventListener("message", listen);
  if (own) wire.postMessage({ type: "ask" });
});
