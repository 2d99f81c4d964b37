// Tells how long a page was looked at, in coarse steps, when it is left. Loaded only after a yes, or where the
// question is asked; a browser that says no by itself (Global Privacy Control) is neither asked nor counted.

const saysNo = navigator.globalPrivacyControl === true;

/** The question goes away, and the page about cookies says why. */
function followSignal() {
  for (const part of document.querySelectorAll("[data-ask], [data-choose]")) part.hidden = true;
  for (const part of document.querySelectorAll("[data-gpc]")) part.hidden = false;
}

/** Seconds while the page was in sight; the step goes out once, when the page is left. */
function countVisit({ visit, page, stays }) {
  const steps = stays.split(" ").map(Number);
  let seen = 0, since = null;
  const look = () => {
    if (since !== null) seen += (performance.now() - since) / 1000;
    since = document.visibilityState === "visible" ? performance.now() : null;
  };
  addEventListener("visibilitychange", look);
  addEventListener("pagehide", () => {
    look();
    if (seen > 0) navigator.sendBeacon(visit, new URLSearchParams({ page, stay: String(steps.findLast((step) => step <= seen)) }));
    seen = 0;
    since = null;
  });
  // Coming back with the Back button is another visit of the kept page.
  addEventListener("pageshow", (event) => { if (event.persisted) look(); });
  look();
}

const script = document.querySelector("script[data-visit]");
if (saysNo) followSignal();
else if (script) countVisit(script.dataset);
