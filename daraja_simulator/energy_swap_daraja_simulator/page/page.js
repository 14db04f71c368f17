// Keeps the parts of the page that are marked data-live as they are at the simulator, without touching what is typed.
history.replaceState(null, "", location.pathname); // a notice is told once
const known = new Map();
for (const part of document.querySelectorAll("[data-live]")) known.set(part.id, part.outerHTML);

async function refresh() {
  const offline = document.getElementById("offline");
  try {
    const response = await fetch(location.href, { headers: { accept: "text/html" } });
    if (!response.ok) throw new Error(response.statusText);
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const part of fresh.querySelectorAll("[data-live]")) {
      if (known.get(part.id) === part.outerHTML) continue;
      known.set(part.id, part.outerHTML);
      document.getElementById(part.id)?.replaceWith(document.importNode(part, true));
      if (part.id === "prompt") document.querySelector("#prompt .pin")?.focus();
    }
    if (offline) offline.hidden = true;
  } catch {
    if (offline) offline.hidden = false;
  }
  setTimeout(refresh, 700);
}

setTimeout(refresh, 700);
document.querySelector("#prompt .pin")?.focus();
