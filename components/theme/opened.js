// Tells the page around, once, that what the address opens is drawn: its status line is no longer that of a page that is
// loading, or the notice stands before it. The page may then take away what it showed meanwhile (theme/first.js).
(() => {
  const PICTURES_MS = 1000; // pictures come inside the page's data; one that cannot be drawn keeps nobody waiting
  if (!window.vitrine.framed) return;

  const shown = (selector) => [...document.querySelectorAll(selector)].filter((one) => one.checkVisibility());
  const opened = () => {
    const lines = shown("#vt-status");
    const loading = lines.some((line) => line.querySelector(".vt-status-loading") || !line.querySelector(".vt-status"));
    return shown("#vt-gate").length > 0 || (lines.length > 0 && !loading);
  };
  const drawn = () => Promise.allSettled(shown(".vt-right img").map((picture) => picture.decode()));
  let done = false;
  const tell = () => window.vitrine.tell({ type: "vitrine-opened" });
  const look = async () => {
    if (done || !opened()) return;
    done = true;
    watcher.disconnect();
    await Promise.race([drawn(), new Promise((resolve) => setTimeout(resolve, PICTURES_MS))]);
    requestAnimationFrame(() => requestAnimationFrame(tell)); // the first draws it, the second comes after
  };
  let soon = 0; // at most once a frame: seeing what is shown computes styles
  const watcher = new MutationObserver(() => {
    soon ||= requestAnimationFrame(() => {
      soon = 0;
      look();
    });
  });
  watcher.observe(document, { childList: true, subtree: true, attributes: true, attributeFilter: ["class", "style"] });
})();
