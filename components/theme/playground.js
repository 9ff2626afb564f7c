// Talks with the page around a playground: theme in, height and readiness out. Only our own origin is heard.
(() => {
  const here = window.location.origin;
  const ours = () => { try { return window.parent.location.origin === here; } catch { return false; } };
  const framed = window.parent !== window && ours(); // in another site's frame it stands for itself
  const tell = (message) => framed && window.parent.postMessage(message, here);

  const paint = (mode) => {
    const dark = mode === "dark";
    document.body.classList.toggle("dark", dark);
    document.documentElement.style.colorScheme = dark ? "dark" : "light";
  };

  window.vitrine = { framed, tell };

  if (framed) document.documentElement.classList.add("vt-framed");
  const asked = new URL(window.location.href).searchParams.get("__theme");
  if (asked) paint(asked);

  window.addEventListener("message", (event) => {
    if (event.origin !== here || event.source !== window.parent || !event.data) return;
    const { type, mode, top } = event.data;
    if (type === "vitrine-theme") paint(mode);
    if (type === "vitrine-view") document.documentElement.style.setProperty("--vt-view-top", `${Math.round(top)}px`);
  });

  // A number outside its range stays as it was typed, beside the sentence that says so: Gradio would set it to the end
  // of the range when the box is left, while the result is still that of the last good value.
  document.addEventListener("blur", (event) => {
    const { target } = event;
    if (!target.matches?.('.vt-control input[type="number"]')) return;
    const { validity, value } = target;
    if (value === "" || validity.rangeUnderflow || validity.rangeOverflow) event.stopPropagation();
  }, true);
  if (!framed) return;

  // Gradio draws into .gradio-container some time after this script has run; then it is followed.
  let last = 0;
  const report = (container) => {
    const px = Math.ceil(container.getBoundingClientRect().height);
    if (px > 0 && px !== last) tell({ type: "vitrine-height", px: (last = px) });
  };
  const drawn = () => document.querySelector(".gradio-container :is(.block, .prose, button)");
  const follow = () => {
    const container = drawn() && document.querySelector(".gradio-container");
    if (!container) return false;
    new ResizeObserver(() => report(container)).observe(container);
    report(container);
    tell({ type: "vitrine-ready" });
    return true;
  };
  if (!follow()) {
    const watcher = new MutationObserver(() => follow() && watcher.disconnect());
    watcher.observe(document.body, { childList: true, subtree: true });
  }
})();
