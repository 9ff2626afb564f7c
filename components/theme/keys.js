// Ctrl+Enter (or Cmd+Enter) runs, Escape stops. The buttons stay the one place where that is done.
(() => {
  const press = (id) => {
    const button = [...document.querySelectorAll(`#${id}`)].find((one) => one.offsetParent !== null && !one.disabled);
    button?.click();
    return Boolean(button);
  };
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      if (press("vt-run")) event.preventDefault();
    } else if (event.key === "Escape") {
      press("vt-stop");
    }
  });
})();
