// Parts of a page that update by themselves: <div data-live="/path of the part">.
// The server says "changed" over one stream; the page fetches its parts again and puts in what differs.
(() => {
  const parts = [...document.querySelectorAll("[data-live]")];
  if (!parts.length) return;
  let busy = false, again = false;

  async function refresh() {
    if (busy) { again = true; return; }
    busy = true;
    try {
      for (const part of parts) {
        const answer = await fetch(part.dataset.live, { headers: { "X-Requested-With": "live" } });
        if (answer.redirected) { location.reload(); return; } // the session has ended
        if (!answer.ok) continue;
        const text = await answer.text();
        if (text !== part.dataset.shown) { part.dataset.shown = text; part.innerHTML = text; }
      }
    } catch { /* the server is away; the stream connects again by itself and then refreshes */ }
    busy = false;
    if (again) { again = false; refresh(); }
  }

  const stream = new EventSource("/events");
  stream.addEventListener("changed", refresh);
  stream.addEventListener("open", () => { document.body.classList.remove("away"); refresh(); });
  stream.addEventListener("error", () => document.body.classList.add("away"));
  addEventListener("pagehide", () => stream.close());
})();
