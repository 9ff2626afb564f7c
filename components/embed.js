// Holds a playground's frame in the shell's page. Streamlit calls the default export after every rerun: what exists
// is kept, so that the frame is loaded once and never again until its address changes.

const here = window.location.origin;
const SLOW_MS = 15000;
const holders = new WeakMap();

const mode = () => (getComputedStyle(document.querySelector(".stApp")).colorScheme === "dark" ? "dark" : "light");
const themed = (address) => `${address}${address.includes("?") ? "&" : "?"}__theme=${mode()}`;

const skeleton = () => {
  const view = document.createElement("div");
  view.className = "vt-skeleton";
  view.innerHTML = '<div></div><div></div><p role="status">Opening …</p>';
  return view;
};

const create = (box) => {
  const frame = document.createElement("iframe");
  frame.allow = "clipboard-write; fullscreen";
  const holder = { box, frame, address: "", name: "" };
  const tell = (message) => frame.contentWindow?.postMessage(message, here);
  const tellView = () => {
    const header = document.querySelector(".stAppHeader")?.getBoundingClientRect().bottom ?? 0;
    tell({ type: "vitrine-view", top: Math.max(0, header - box.getBoundingClientRect().top) });
  };
  const tellTheme = () => tell({ type: "vitrine-theme", mode: mode() });

  const hear = (event) => {
    if (event.origin !== here || event.source !== frame.contentWindow || !event.data) return;
    if (event.data.type === "vitrine-height") {
      const height = Math.max(200, Math.min(20000, Number(event.data.px) || 0));
      box.style.height = `${height}px`;
      window.vtKeep.set(`vitrine-height-${holder.name}`, String(height));
    }
    if (event.data.type === "vitrine-ready") {
      clearTimeout(holder.timer);
      box.dataset.state = "ready";
      tellTheme(); // it may have changed while the frame was loading
      tellView();
    }
  };

  const theme = new MutationObserver(tellTheme);
  theme.observe(document.querySelector(".stApp"), { attributes: true, attributeFilter: ["class"] });
  window.addEventListener("message", hear);
  window.addEventListener("resize", tellView);
  document.addEventListener("scroll", tellView, { capture: true, passive: true });
  holder.end = () => {
    clearTimeout(holder.timer);
    theme.disconnect();
    window.removeEventListener("message", hear);
    window.removeEventListener("resize", tellView);
    document.removeEventListener("scroll", tellView, { capture: true });
  };
  box.replaceChildren(skeleton(), frame);
  return holder;
};

const load = (holder, { address, name, title, height }) => {
  holder.address = address;
  holder.name = name;
  holder.frame.title = title;
  holder.box.dataset.state = "loading";
  holder.box.style.height = `${window.vtKeep.get(`vitrine-height-${name}`) ?? height}px`;
  holder.frame.src = themed(address);
  clearTimeout(holder.timer);
  holder.timer = setTimeout(() => {
    const line = holder.box.querySelector(".vt-skeleton p");
    const link = Object.assign(document.createElement("a"), { href: address, textContent: "open it on its own page" });
    line.replaceChildren("This is taking longer than usual. Wait a little, reload, or ", link, ".");
  }, SLOW_MS);
};

export default function ({ data, parentElement }) {
  const box = parentElement.querySelector(".vt-frame");
  const holder = holders.get(box) ?? create(box);
  holders.set(box, holder);
  if (holder.address !== data.address) load(holder, data);
  return () => {
    holder.end();
    holders.delete(box);
  };
}
