// Holds a playground's frame in the shell's page. Streamlit calls the default export after every rerun: what exists
// is kept, so that the frame is loaded once and never again until its address changes. The frame tells what its controls
// say, which becomes the query of the page's own address.

const here = window.location.origin;
const SLOW_MS = 15000;
const TOLD_MS = 10000; // a rerun of the page may still bring a state that the frame has left meanwhile
const HUB = "https://huggingface.co";
const holders = new WeakMap();

const mode = () => (getComputedStyle(document.querySelector(".stApp")).colorScheme === "dark" ? "dark" : "light");
const themed = (address) => `${address}${address.includes("?") ? "&" : "?"}__theme=${mode()}`;

// The same state is the same, however its query was written.
const canonical = (query) => [...new URLSearchParams(query)].filter(([, value]) => value).map(String).sort().join("&");

const showState = (query) => {
  const own = [...new URLSearchParams(window.location.search)].filter(([name]) => name.startsWith("embed"));
  const search = [query, new URLSearchParams(own).toString()].filter(Boolean).join("&");
  const { pathname, hash } = window.location;
  window.history.replaceState(window.history.state, "", `${pathname}${search ? `?${search}` : ""}${hash}`);
  tellHub(search, hash);
};

// On a Space our page stands in a frame of the Hub's, whose address only the Hub can change. Where the browser tells who
// frames us, nobody else is even addressed.
const tellHub = (queryString, hash) => {
  if (window.parent === window) return;
  const around = window.location.ancestorOrigins;
  if (around ? around[0] === HUB : document.referrer.startsWith(HUB)) window.parent.postMessage({ queryString, hash }, HUB);
};

const skeleton = () => {
  const view = document.createElement("div");
  view.className = "vt-skeleton";
  view.innerHTML = '<div></div><div></div><p role="status">Opening …</p>';
  return view;
};

const create = (box) => {
  const frame = document.createElement("iframe");
  frame.allow = "clipboard-write; fullscreen";
  const holder = { box, frame, address: "", name: "", state: null, told: new Map() };
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
    if (event.data.type === "vitrine-state") {
      const query = String(event.data.query).slice(0, 4000);
      if (holder.state !== null) holder.told.set(canonical(holder.state), Date.now());
      holder.state = query;
      showState(query);
    }
    if (event.data.type === "vitrine-ready") {
      clearTimeout(holder.timer);
      box.dataset.state = "ready";
      tellTheme(); // it may have changed while the frame was loading
      tellView();
    }
    if (event.data.type === "vitrine-opened") window.vtFirst?.leave();
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
  holder.state = null;
  holder.told.clear();
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

// Whether an address that the page asks for is a state that the frame itself has told: then it is there already.
const isTold = (holder, address) => {
  if (holder.state === null) return false;
  const asked = canonical(address.split("?")[1] ?? "");
  if (asked === canonical(holder.state)) return true;
  const left = Date.now() - (holder.told.get(asked) ?? 0) < TOLD_MS;
  if (left) showState(holder.state);
  return left;
};

export default function ({ data, parentElement }) {
  const box = parentElement.querySelector(".vt-frame");
  const holder = holders.get(box) ?? create(box);
  holders.set(box, holder);
  if (holder.address !== data.address && isTold(holder, data.address)) holder.address = data.address;
  if (holder.address !== data.address) load(holder, data);
  return () => {
    holder.end();
    holders.delete(box);
  };
}
