// First sight (components/first_sight.py) stays until the app beneath shows the same, then goes, exactly once. Without
// this script it simply stays.
(() => {
  const LONGEST_MS = 60000; // an app that shows nothing by then has something else to say
  const PICTURES_MS = 1500;
  const first = document.getElementById("vt-first");
  const root = () => document.getElementById("root");
  const inSight = (one) => one.getBoundingClientRect().top < window.innerHeight;
  let leaving = false;

  const take = () => {
    if (!first.isConnected) return;
    watcher.disconnect();
    clearTimeout(timer);
    window.removeEventListener("popstate", take);
    if (root()) root().inert = false;
    const page = document.querySelector("[data-testid=stMain]");
    if (page) page.scrollTop = first.scrollTop; // whoever has read on finds their place again
    first.remove();
  };

  // Called by components/embed.js when the playground has opened what its address names.
  const leave = async () => {
    if (leaving) return;
    leaving = true;
    const pictures = [...root().querySelectorAll("img")].filter(inSight).map((picture) => picture.decode());
    await Promise.race([Promise.allSettled(pictures), new Promise((resolve) => setTimeout(resolve, PICTURES_MS))]);
    requestAnimationFrame(() => requestAnimationFrame(take)); // the first draws the page, the second comes after
  };
  window.vtFirst = { leave };

  const watcher = new MutationObserver(() => document.querySelector(".vt-end") && leave());
  const timer = setTimeout(take, LONGEST_MS);
  window.addEventListener("popstate", take);
  // A picture that does not come (a browser that keeps no cookie has no right to it): the app says what is wrong.
  first.addEventListener("error", take, true);

  // What lies beneath is there twice until then: it is not read out, and neither key nor pointer reaches what cannot be
  // seen. Nothing in it can have the focus yet, so none is lost.
  document.addEventListener("DOMContentLoaded", () => {
    if (!first.isConnected) return;
    root().inert = true;
    watcher.observe(root(), { childList: true, subtree: true });
    if ([...first.querySelectorAll("img")].some((picture) => picture.complete && !picture.naturalWidth)) take();
  });
})();
