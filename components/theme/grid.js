// The grid of a sweep is drawn anew while it grows: what the reader had scrolled to, focused and chosen stays so.
(() => {
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");

  const grid = (element, trigger) => {
    let left = 0;
    let focused = "";
    let chosen = "";
    const cell = (place) => (place ? element.querySelector(`[data-cell="${place}"]`) : null);

    const restore = () => {
      const box = element.querySelector(".vt-grid-scroll");
      if (box && left && !box.scrollLeft) box.scrollLeft = left;
      if (document.activeElement === document.body) cell(focused)?.focus({ preventScroll: true });
      cell(chosen)?.setAttribute("aria-current", "true");
    };
    element.addEventListener("scroll", (event) => { left = event.target.scrollLeft ?? 0; }, true);
    element.addEventListener("focusin", (event) => { focused = event.target.closest("[data-cell]")?.dataset.cell ?? ""; });
    element.addEventListener("focusout", (event) => { if (event.relatedTarget) focused = ""; });
    element.addEventListener("click", (event) => {
      const button = event.target.closest("[data-cell]");
      if (!button) return;
      cell(chosen)?.removeAttribute("aria-current");
      chosen = button.dataset.cell;
      button.setAttribute("aria-current", "true");
      trigger("select", { value: chosen });
      // the result that it shows stands above, often off the screen
      element.closest(".vt-right")?.scrollIntoView({ block: "start", behavior: calm.matches ? "auto" : "smooth" });
    });
    new MutationObserver(restore).observe(element, { childList: true, subtree: true });
  };
  window.vitrine = { ...window.vitrine, grid };
})();
