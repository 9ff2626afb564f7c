// One picture of two to four runs: side by side, under a divider, or as their difference; zoom and pan are linked.
// Streamlit calls the default export after every rerun: what exists is kept, so the view and the zoom stay.

class Pictures {
  constructor(root) {
    this.root = root;
    this.pointers = new Map();
    this.drawn = 0; // differences drawn so far: one that was overtaken is thrown away
  }

  show(data) {
    const told = JSON.stringify(data);
    if (told === this.told) return;
    this.told = told;
    this.data = data;
    this.state = { ...FRESH, ...kept(data.key) };
    this.alike = data.runs.every((run) => run.width === data.runs[0].width && run.height === data.runs[0].height);
    if (!this.alike) this.state.mode = "side";
    this.build();
  }

  build() {
    const { runs, name, title } = this.data;
    const modes = MODES.map(([mode, words]) => element("label", {},
      element("input", {
        type: "radio", name: `vt-cmp-${name}`, value: mode, checked: this.state.mode === mode,
        disabled: !this.alike && mode !== "side", onchange: () => this.change({ mode }),
      }), words));
    const choose = (side, words) => element("label", {}, words, element("select", {
      onchange: (event) => this.pair(side, Number(event.target.value)),
    }, ...runs.map((run, index) => element("option", { value: index }, run.letter))));
    this.selects = { left: choose("left", "Left"), right: choose("right", "Right") };
    this.pairing = element("div", { class: "vt-cmp-pair" }, this.selects.left, this.selects.right);
    this.level = element("output", { "aria-label": "Zoom" });
    const button = (words, label, act) => element("button", { type: "button", "aria-label": label, onclick: act }, words);
    const zoom = element("div", { class: "vt-cmp-zoom", role: "group", "aria-label": `Zoom of ${title}` },
      button("\u2212", "Zoom out", () => this.zoomBy(1 / 1.5)), this.level,
      button("+", "Zoom in", () => this.zoomBy(1.5)),
      button("Reset", "Reset zoom and place", () => this.change({ zoom: 1, x: 0.5, y: 0.5 })));
    const legend = element("legend", {}, `View of ${title}`);
    this.stage = element("div", { class: "vt-cmp-stage" });
    this.said = element("div", { class: "vt-cmp-said", role: "status" });
    this.root.replaceChildren(
      element("div", { class: "vt-cmp-bar" }, element("fieldset", { class: "vt-cmp-modes" }, legend, ...modes),
        this.pairing, zoom),
      this.stage, this.said);
    this.arrange();
  }

  change(part) {
    const before = this.state;
    this.state = { ...before, ...part };
    const { zoom } = this.state;
    this.state.x = within(this.state.x, 0.5 / zoom, 1 - 0.5 / zoom);
    this.state.y = within(this.state.y, 0.5 / zoom, 1 - 0.5 / zoom);
    keep(this.data.key, this.state);
    if (["mode", "left", "right"].some((key) => before[key] !== this.state[key])) this.arrange();
    else this.place();
  }

  pair(side, index) {
    const other = side === "left" ? "right" : "left";
    this.change({ [side]: index, ...(this.state[other] === index ? { [other]: this.state[side] } : {}) });
  }

  arrange() {
    const { mode } = this.state;
    this.drawn += 1;
    this.said.replaceChildren(hint(mode));
    this.pairing.hidden = mode === "side" || this.data.runs.length < 3;
    for (const side of ["left", "right"]) this.selects[side].querySelector("select").value = this.state[side];
    this.root.dataset.mode = mode;
    this.stage.dataset.mode = mode;
    this.stage.dataset.count = this.data.runs.length;
    if (mode === "side") this.stage.replaceChildren(...this.data.runs.map((run) => this.pane(run)));
    if (mode === "swipe") this.stage.replaceChildren(this.swipe());
    if (mode === "difference") this.difference();
    if (!this.alike) this.said.prepend("The pictures have different sizes, so they can only stand side by side. ");
    this.place();
  }

  get two() {
    return [this.data.runs[this.state.left], this.data.runs[this.state.right]];
  }

  picture(run) {
    return element("img", { src: run.url, alt: run.alt, draggable: "false" });
  }

  pane(run) {
    const size = this.alike ? "" : ` ${run.width} x ${run.height} pixels`;
    return element("figure", {}, element("figcaption", {}, this.letter(run), `Run ${run.letter}${size}`),
      this.view(`Run ${run.letter}`, element("div", { class: "vt-cmp-layer" }, this.picture(run))));
  }

  letter(run) {
    return element("b", { class: "vt-letter", style: `--vt-run: var(--vt-category-${run.colour})` }, run.letter);
  }

  view(words, ...layers) {
    const { width, height } = this.data.runs[0];
    const view = element("div", {
      class: "vt-cmp-view", tabindex: "0", role: "group", style: `aspect-ratio: ${width} / ${height}`,
      "aria-label": `${this.data.title}, ${words}. Plus and minus zoom, arrows move, 0 resets.`,
      onkeydown: (event) => this.key(event), onpointerdown: (event) => this.press(event, view),
      onpointermove: (event) => this.move(event, view), onpointerup: (event) => this.release(event),
      onpointercancel: (event) => this.release(event), ondblclick: (event) => this.zoomBy(2, event, view),
    }, ...layers);
    view.addEventListener("wheel", (event) => this.wheel(event, view), { passive: false });
    return view;
  }

  swipe() {
    const [left, right] = this.two;
    const layer = (run) => element("div", { class: "vt-cmp-layer" }, this.picture(run));
    this.over = element("div", { class: "vt-cmp-over" }, layer(right));
    this.handle = element("div", {
      class: "vt-cmp-divider", role: "slider", tabindex: "0", "aria-valuemin": "0", "aria-valuemax": "100",
      "aria-orientation": "horizontal", "aria-label": `Divider between run ${left.letter} and run ${right.letter}`,
      onkeydown: (event) => this.slide(event),
    });
    const corners = [this.letter(left), this.letter(right)];
    corners.forEach((corner, index) => corner.classList.add(index ? "vt-right" : "vt-left"));
    return this.view(`run ${left.letter} left of the divider, run ${right.letter} right of it`,
      layer(left), this.over, ...corners, this.handle);
  }

  slide(event) {
    const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10, Home: -100, End: 100 };
    if (!(event.key in steps)) return;
    event.preventDefault();
    event.stopPropagation();
    this.change({ divider: within(this.state.divider + steps[event.key], 0, 100) });
  }

  async difference() {
    const mine = this.drawn;
    const [left, right] = this.two;
    const canvas = element("canvas", { role: "img" });
    const view = this.view(`difference of run ${left.letter} and run ${right.letter}`,
      element("div", { class: "vt-cmp-layer" }, canvas));
    this.stage.replaceChildren(view);
    const source = new Image();
    const ids = encodeURIComponent(`${left.run},${right.run}`);
    source.src = `/api/compare/difference.png?runs=${ids}&output=${encodeURIComponent(this.data.name)}`;
    try {
      await source.decode();
    } catch {
      if (mine === this.drawn) this.said.textContent = "The difference could not be fetched. Reload the page.";
      return;
    }
    if (mine === this.drawn) this.said.replaceChildren(...this.draw(canvas, source, left, right));
  }

  // The server sends the difference itself, a grey level a level; here it only gets its colours.
  draw(canvas, source, left, right) {
    [canvas.width, canvas.height] = [source.naturalWidth, source.naturalHeight];
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(source, 0, 0);
    const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
    const count = canvas.width * canvas.height;
    let [most, sum, unequal] = [0, 0, 0];
    for (let at = 0; at < pixels.data.length; at += 4) {
      const level = pixels.data[at];
      most = Math.max(most, level);
      sum += level;
      unequal += level > 0 ? 1 : 0;
    }
    const colours = Array.from({ length: 256 }, (_, level) => colourAt(most ? Math.min(1, level / most) : 0));
    for (let at = 0; at < pixels.data.length; at += 4) pixels.data.set(colours[pixels.data[at]], at);
    context.putImageData(pixels, 0, 0);
    const names = `Run ${left.letter} and run ${right.letter}`;
    Object.assign(this.said.dataset, { most, mean: sum / count, share: unequal / count });
    if (!most) {
      canvas.setAttribute("aria-label", "No difference");
      return [element("p", {}, `${names} are identical to the last pixel.`)];
    }
    const levels = most === 1 ? "1 grey level" : `${most} grey levels`;
    canvas.setAttribute("aria-label", `Difference, at most ${levels}`);
    const stops = MAGMA.map((colour) => `#${colour}`).join(", ");
    const bar = element("div", { class: "vt-cmp-scale" }, "0",
      element("i", { style: `background: linear-gradient(to right, ${stops})` }), levels);
    const share = told((100 * unequal) / count);
    const gain = most === 255 ? "" : ` Colours are stretched ${told(255 / most)} times so that it can be seen.`;
    return [bar, element("p", {},
      `${names} differ by at most ${levels}, ${told(sum / count)} on average; ${share} % of the pixels differ.${gain}`)];
  }

  place() {
    const { zoom, x, y, divider } = this.state;
    const moved = `translate(${((0.5 - x * zoom) * 100).toFixed(4)}%, ${((0.5 - y * zoom) * 100).toFixed(4)}%) scale(${zoom.toFixed(4)})`;
    for (const layer of this.stage.querySelectorAll(".vt-cmp-layer")) {
      layer.style.transform = moved;
      const drawnAt = (layer.clientWidth * zoom) / this.data.runs[0].width;
      layer.classList.toggle("vt-pixels", drawnAt >= 3);
    }
    for (const view of this.stage.querySelectorAll(".vt-cmp-view")) view.classList.toggle("vt-zoomed", zoom > 1);
    this.level.textContent = `${Math.round(100 * zoom)} %`;
    if (this.state.mode === "swipe") {
      this.over.style.clipPath = `inset(0 0 0 ${divider}%)`;
      this.handle.style.left = `${divider}%`;
      this.handle.setAttribute("aria-valuenow", Math.round(divider));
      this.handle.setAttribute("aria-valuetext", `${Math.round(divider)} % run ${this.two[0].letter}`);
    }
  }

  // What is under the pointer stays there; without one, the middle does.
  zoomBy(factor, event, view) {
    const { zoom, x, y } = this.state;
    const next = within(zoom * factor, 1, ZOOM_MAX);
    const box = view?.getBoundingClientRect();
    const [dx, dy] = box ? [(event.clientX - box.left) / box.width - 0.5, (event.clientY - box.top) / box.height - 0.5] : [0, 0];
    this.change({ zoom: next, x: x + dx / zoom - dx / next, y: y + dy / zoom - dy / next });
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = 0.1 / this.state.zoom;
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    if (event.key === "+" || event.key === "=") this.zoomBy(1.25);
    else if (event.key === "-") this.zoomBy(1 / 1.25);
    else if (event.key === "0") this.change({ zoom: 1, x: 0.5, y: 0.5 });
    else if (event.key in moves && this.state.zoom > 1) {
      const [dx, dy] = moves[event.key];
      this.change({ x: this.state.x + dx, y: this.state.y + dy });
    } else return;
    event.preventDefault();
  }

  // The page scrolls as usual until a picture has been clicked; pinching on a touchpad comes with the Ctrl key set.
  wheel(event, view) {
    if (!event.ctrlKey && !this.stage.contains(document.activeElement)) return;
    event.preventDefault();
    this.zoomBy(Math.exp(-within(event.deltaY, -120, 120) * (event.ctrlKey ? 0.01 : 0.002)), event, view);
  }

  press(event, view) {
    this.pointers.set(event.pointerId, event);
    const sliding = this.state.mode === "swipe" && (this.state.zoom === 1 || event.target === this.handle);
    this.sliding = sliding && this.pointers.size === 1;
    if (event.pointerType === "mouse") view.setPointerCapture(event.pointerId);
    (event.target === this.handle ? this.handle : view).focus({ preventScroll: true });
    if (event.pointerType === "mouse") event.preventDefault();
    if (this.sliding) this.slideTo(event, view);
  }

  slideTo(event, view) {
    const box = view.getBoundingClientRect();
    this.change({ divider: within((100 * (event.clientX - box.left)) / box.width, 0, 100) });
  }

  move(event, view) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const others = [...this.pointers.values()].filter((one) => one.pointerId !== event.pointerId);
    this.pointers.set(event.pointerId, event);
    const box = view.getBoundingClientRect();
    if (others.length) {
      const apart = (one) => Math.hypot(one.clientX - others[0].clientX, one.clientY - others[0].clientY) || 1;
      const middle = { clientX: (event.clientX + others[0].clientX) / 2, clientY: (event.clientY + others[0].clientY) / 2 };
      this.zoomBy(apart(event) / apart(before), middle, view);
    } else if (this.sliding) {
      this.slideTo(event, view);
    } else if (this.state.zoom > 1) {
      const { zoom, x, y } = this.state;
      const [dx, dy] = [event.clientX - before.clientX, event.clientY - before.clientY];
      this.change({ x: x - dx / box.width / zoom, y: y - dy / box.height / zoom });
    }
  }

  release(event) {
    this.pointers.delete(event.pointerId);
    this.sliding = false;
  }
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".vt-cmp");
  const holder = holders.get(root) ?? new Pictures(root);
  holders.set(root, holder);
  holder.show(data);
}
