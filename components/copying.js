// Puts a text on the clipboard, says so on the button, and tells the page, which says it aloud.
export default function ({ data, parentElement, setTriggerValue }) {
  const button = parentElement.querySelector(".vt-copy");
  button.textContent = data.label;
  if (data.name) button.setAttribute("aria-label", data.name);
  button.onclick = async () => {
    try {
      await navigator.clipboard.writeText(data.text);
      button.textContent = "Copied";
      setTriggerValue("copied", true);
    } catch {
      window.prompt("Copy this:", data.text); // the clipboard is closed to pages without HTTPS
    }
    setTimeout(() => { button.textContent = data.label; }, 1600);
  };
}
