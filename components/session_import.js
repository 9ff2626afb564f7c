// Sends an archive to the server as it is: no form and no token, so it works inside other sites' frames as well.
// The page is told the address of what came of it; a refusal is said beside the control, and the file can be sent again.
export default function ({ data, parentElement, setTriggerValue }) {
  const box = parentElement.querySelector(".vt-import");
  const file = box.querySelector("input");
  const button = box.querySelector("button");
  const said = box.querySelector("p");
  const bar = box.querySelector("progress");

  const say = (words, refused) => {
    said.textContent = words;
    said.classList.toggle("vt-care", Boolean(refused));
    said.hidden = !words;
  };
  const finished = (request) => {
    button.disabled = false;
    bar.hidden = true;
    let answer = {};
    try { answer = JSON.parse(request.responseText); } catch { /* not ours: told below */ }
    if (request.status >= 200 && request.status < 300 && (answer.link || answer.id)) {
      say("", false);
      setTriggerValue("imported", answer.link || answer.id);
    } else {
      const { message, hint } = answer.error ?? { message: "The server did not take the file.", hint: "Try again." };
      say(`${message} ${hint}`.trim(), true);
    }
  };
  const send = (chosen) => {
    if (!chosen || button.disabled) return;
    const request = new XMLHttpRequest(); // fetch tells nothing of how far an upload is
    request.open("POST", data.address);
    request.setRequestHeader("Content-Type", "application/zip");
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) bar.value = event.loaded / event.total;
    };
    request.upload.onload = () => { bar.removeAttribute("value"); say("Checking every file in it", false); };
    request.onload = () => finished(request);
    request.onerror = () => finished({ status: 0, responseText: "" });
    button.disabled = true;
    bar.hidden = false;
    bar.value = 0;
    say(`Sending ${chosen.name}`, false);
    request.send(chosen);
  };

  button.onclick = () => file.click();
  file.onchange = () => { send(file.files[0]); file.value = ""; };
  box.ondragover = (event) => { event.preventDefault(); box.classList.add("vt-over"); };
  box.ondragleave = () => box.classList.remove("vt-over");
  box.ondrop = (event) => {
    event.preventDefault();
    box.classList.remove("vt-over");
    send(event.dataTransfer.files[0]);
  };
}
