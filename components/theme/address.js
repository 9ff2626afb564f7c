// The page's address follows the controls, so that it can be kept, pasted and sent; no step is added to the history.
// `hide=a,b` leaves controls out, `bare=1` everything but controls and result. Values come from components/address.py.
(() => {
  const WAIT_MS = 150;
  const KEPT = ["hide", "bare"];
  const PARTS = {
    examples: ".vt-examples",
    upload: ".vt-drop",
    tools: ".vt-tools, .vt-tray-place, .vt-verdict-place, .vt-parts",
    save: ".vt-saving, .vt-saved",
  };
  const page = document.documentElement;
  const states = new Map(); // an action's verb -> what its controls say
  let timer = 0;

  const asked = new URL(window.location.href).searchParams;
  const hidden = (asked.get("hide") ?? "").split(",").filter((name) => /^[a-z][a-z0-9_]{0,60}$/.test(name));
  if (hidden.length) {
    const places = hidden.map((name) => PARTS[name] ?? `.vt-control:has(#vt-${name}), #vt-${name}-file`);
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(`${places.join(", ")} { display: none !important; }`);
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  }
  if (asked.get("bare") === "1") page.classList.add("vt-bare");

  const show = (query) => {
    const next = new URLSearchParams(query);
    for (const name of KEPT) if (asked.get(name)) next.set(name, asked.get(name));
    const told = next.toString().replaceAll("%2C", ",");
    window.vitrine.tell({ type: "vitrine-state", query: told });
    if (asked.get("__theme")) next.set("__theme", asked.get("__theme"));
    const own = next.toString() ? `?${next}` : window.location.pathname;
    window.history.replaceState(window.history.state, "", own);
  };
  const soon = (query) => {
    page.classList.add("vt-moved"); // what a link opened is no longer what is shown, nor what was saved last
    for (const link of document.querySelectorAll(".vt-link")) link.dataset.stale = "";
    clearTimeout(timer);
    timer = setTimeout(show, WAIT_MS, query);
  };

  const press = ({ element, query }) => {
    const ids = new Set([...new URLSearchParams(query)].filter(([name]) => name.startsWith("example")).map(([, id]) => id));
    const tiles = (element.closest('[role="tabpanel"]') ?? document).querySelectorAll("button[data-example]");
    for (const tile of tiles) tile.setAttribute("aria-pressed", String(ids.has(tile.dataset.example)));
  };

  // Called by each action's hidden place: its value is {query, moved, own}; `own`: the picture is the visitor's upload.
  const state = (element, props, watch) => {
    const { verb } = element.querySelector("[data-verb]").dataset;
    const read = () => {
      if (!props.value) return;
      const found = { ...JSON.parse(props.value), element };
      states.set(verb, found);
      press(found);
      page.classList.toggle("vt-own", found.own);
      if (found.moved) soon(found.query);
    };
    read();
    watch("value", read);
  };
  // Called by a strip of examples once it stands: that may be after the state was told.
  const strip = () => states.forEach(press);
  window.vitrine = { ...window.vitrine, state, strip };

  // Another tab is another action with a state of its own.
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.('[role="tab"]')) return;
    setTimeout(() => {
      const places = [...document.querySelectorAll(".vt-state [data-verb]")];
      const open = places.find((one) => one.closest('[role="tabpanel"]')?.checkVisibility());
      if (!open) return;
      const { verb } = open.dataset;
      soon(states.get(verb)?.query ?? (verb ? `action=${verb}` : ""));
    });
  });
})();
