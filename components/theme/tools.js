// The tools under a result that need no server: copying links, and the tray of results to compare, which this tab keeps.
(() => {
  const MOST = 4;
  const TOAST_MS = 2600;
  const COPIED_MS = 1600;
  const kept = new Map(); // where a browser keeps nothing (in a frame of another site), it lasts as long as the page
  const attempt = (act, otherwise) => { try { return act(); } catch { return otherwise(); } };
  const get = (key) => attempt(() => sessionStorage.getItem(key), () => kept.get(key)) ?? "[]";
  const set = (key, value) => attempt(() => sessionStorage.setItem(key, value), () => kept.set(key, value));

  const toast = (sentence) => {
    document.querySelector(".vt-toast")?.remove();
    const line = Object.assign(document.createElement("div"), { className: "vt-toast", role: "status" });
    document.body.append(line);
    line.textContent = sentence; // after it stands in the page: only then is it read out
    setTimeout(() => line.remove(), TOAST_MS);
  };

  const copy = async (text, button) => {
    const label = (button.dataset.label ??= button.textContent);
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      window.prompt("Copy this link", text); // the clipboard is closed to pages without HTTPS
      return;
    }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = label; }, COPIED_MS);
  };
  const address = () => {
    const url = new URL((window.vitrine.framed ? window.parent : window).location.href);
    url.searchParams.delete("__theme");
    return url.href.replaceAll("%2C", ",");
  };
  const copyPage = (button) => {
    copy(address(), button);
    if (document.documentElement.classList.contains("vt-own")) {
      toast("Copied. It opens your picture for you only: Save gives a link for others.");
    }
  };

  // Called by the tray's place: its value is '<run id> <time>' of what was put aside last.
  const tray = (element, props, watch) => {
    const box = element.querySelector(".vt-tray");
    const key = `vitrine-compare-${box.dataset.action}`;
    const draw = () => {
      const ids = JSON.parse(get(key));
      const enough = ids.length > 1;
      box.hidden = ids.length === 0;
      box.querySelector("span").textContent = enough ? `${ids.length} results chosen` : "1 result chosen. Add another one.";
      const link = box.querySelector("a");
      link.hidden = !enough;
      link.href = `/compare?runs=${ids.join(",")}`;
    };
    const add = (id) => {
      const ids = JSON.parse(get(key));
      if (ids.includes(id)) return toast("This result is chosen already.");
      if (ids.length >= MOST) return toast("Four results can be compared at a time: clear them first.");
      set(key, JSON.stringify([...ids, id]));
      draw();
    };
    box.querySelector("button").addEventListener("click", () => { set(key, "[]"); draw(); });
    draw();
    watch("value", () => props.value && add(props.value.split(" ")[0]));
  };
  window.vitrine = { ...window.vitrine, tray, toast };

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-copy], [data-copy-page]");
    if (!button) return;
    if ("copyPage" in button.dataset) copyPage(button);
    else copy(button.dataset.copy, button);
  });
})();
