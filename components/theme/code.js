// The program under a result: asks for it while it is seen and the controls move, and copies it.
(() => {
  const WAIT_MS = 350;
  const COPIED_MS = 1600;

  // Called by each action's place for the program. `trigger('select')` makes the server write it.
  const code = (element, trigger) => {
    const home = element.closest('[role="tabpanel"]') ?? document;
    let timer = 0;
    const seen = () => element.getClientRects().length > 0;
    const ask = () => {
      clearTimeout(timer);
      timer = setTimeout(() => seen() && trigger("select", { value: "" }), WAIT_MS);
    };
    let width = 0; // 0 while the section is folded
    new ResizeObserver(() => {
      if (width === 0) ask();
      width = element.offsetWidth;
    }).observe(element);
    const line = home.querySelector("#vt-status");
    if (line) new MutationObserver(ask).observe(line, { childList: true, subtree: true, characterData: true });
    home.addEventListener("input", ask, true);
    home.addEventListener("change", ask, true);
  };
  window.vitrine = { ...window.vitrine, code };

  const select = (program) => {
    const range = document.createRange();
    range.selectNodeContents(program);
    const chosen = window.getSelection();
    chosen.removeAllRanges();
    chosen.addRange(range);
  };
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-copy-program]");
    if (!button) return;
    const program = button.closest(".vt-program-place").querySelector(".vt-program");
    let told = "Copied";
    try {
      await navigator.clipboard.writeText(program.textContent);
    } catch {
      select(program); // the clipboard is closed to pages without HTTPS: one key is left to press
      told = "Press Ctrl+C";
    }
    button.textContent = told;
    window.vitrine.toast?.(told === "Copied" ? "The program is copied." : "The program is selected: press Ctrl+C.");
    setTimeout(() => { button.textContent = "Copy"; }, COPIED_MS);
  });
})();
