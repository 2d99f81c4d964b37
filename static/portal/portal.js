// What every page shares. All pages work without it; it saves people from double clicks, lost places and surprises.

/** One press, one deed: a form marked data-once is sent once, until the page is shown anew. */
function sendOnce() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("form[data-once]") || event.defaultPrevented) return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    event.submitter?.setAttribute("aria-disabled", "true");
  });
  // Coming back with the Back button shows the kept page: its buttons must work again.
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
    for (const button of document.querySelectorAll("button[aria-disabled]")) button.removeAttribute("aria-disabled");
  });
}

/** After a refusal, the summary of errors takes the focus, so that nobody has to search. */
function focusErrors() {
  document.querySelector("[data-focus]")?.focus();
}

/** data-opens="id" opens a dialog instead of following the link or sending the form. */
function openDialogs() {
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-opens]");
    const dialog = opener && document.getElementById(opener.dataset.opens);
    if (dialog) {
      event.preventDefault();
      dialog.showModal();
    } else if (event.target.matches("dialog.light")) {
      event.target.close();
    }
  });
}

/** A button beside each password that shows what was typed. */
function showPasswords() {
  for (const input of document.querySelectorAll("input[type=password]")) {
    const words = document.querySelector("template[data-show]")?.dataset ?? { show: "Show", hide: "Hide", named: "Show password" };
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button quiet small";
    button.textContent = words.show;
    button.setAttribute("aria-label", words.named);
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => {
      const shown = input.type === "password";
      input.type = shown ? "text" : "password";
      button.textContent = shown ? words.hide : words.show;
      button.setAttribute("aria-pressed", String(shown));
    });
    const pair = document.createElement("div");
    pair.className = "secret";
    input.replaceWith(pair);
    pair.append(input, button);
    // A shown password must not be remembered by the browser as ordinary text.
    input.form?.addEventListener("submit", () => { input.type = "password"; });
  }
}

/** Prints where a button says so. */
function printPages() {
  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => print());
  }
}

/** A passkey that was refused or cancelled says so on the page, not only in the console. */
function tellPasskeyTrouble() {
  document.addEventListener("allauth.error", (event) => {
    event.preventDefault();
    const note = document.querySelector("[data-passkey-trouble]");
    if (note) note.hidden = false;
  });
}

/** Warns before the idle sign-out and lets the person stay with one press (WCAG 2.2.1). */
class SessionEnd {
  static PING_SECONDS = 300; // typing counts as being there, and is told to the server this often at most

  constructor(dialog) {
    this.dialog = dialog;
    this.form = dialog.querySelector("form");
    this.idle = Number(dialog.dataset.idle) * 1000;
    this.warn = Math.max(20, Number(dialog.dataset.warn)) * 1000;
    this.words = dialog.querySelector("template[data-words]").dataset.words;
    this.tabs = new BroadcastChannel("session");
    this.tabs.onmessage = () => this.seen();
    this.typed = null;
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.stay();
    });
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      if (!this.over) this.stay();
    });
    // Browsers let a second Escape through: the cover goes up again.
    dialog.addEventListener("close", () => { if (this.over) dialog.showModal(); });
    for (const kind of ["keydown", "pointerdown"]) addEventListener(kind, () => this.active(), { passive: true });
    addEventListener("input", (event) => { this.typed = event.target.form ?? this.typed; });
    addEventListener("visibilitychange", () => this.tick());
    this.seen();
    this.tabs.postMessage("here");
    setInterval(() => this.tick(), 1000);
  }

  seen() {
    this.contact = Date.now();
    if (this.dialog.open && !this.over) this.dialog.close();
  }

  active() {
    const quiet = Date.now() - this.contact;
    if (!this.dialog.open && quiet > SessionEnd.PING_SECONDS * 1000 && quiet < this.idle) this.stay();
  }

  async stay() {
    try {
      const answer = await fetch(this.form.action, { method: "POST", body: new FormData(this.form), redirect: "manual" });
      if (answer.status !== 204) return this.end();
      this.seen();
      this.tabs.postMessage("here");
    } catch {
      // No connection: the clock goes on, and the next press tries again.
    }
  }

  tick() {
    if (this.over) return;
    const left = this.contact + this.idle - Date.now();
    if (left <= 0) return this.end();
    if (left > this.warn) return;
    if (!this.dialog.open) this.dialog.showModal();
    this.dialog.querySelector("[data-left]").textContent = this.words.replace("%s", Math.ceil(left / 1000));
  }

  /** The record must not stay readable on an open screen: the window covers the whole page. */
  end() {
    this.over = true;
    this.form.hidden = true;
    const part = this.dialog.querySelector("[data-over]");
    part.hidden = false;
    const link = part.querySelector("[data-again]");
    link.href = `${this.dialog.dataset.signin}?next=${encodeURIComponent(location.pathname + location.search)}`;
    if (this.typed?.method === "post" && this.typed.isConnected) {
      const keep = part.querySelector("[data-keep]");
      keep.hidden = false;
      keep.addEventListener("click", () => this.typed.requestSubmit());
    }
    this.dialog.dataset.closed = "yes";
    if (!this.dialog.open) this.dialog.showModal();
  }
}

sendOnce();
focusErrors();
openDialogs();
showPasswords();
printPages();
tellPasskeyTrouble();
const dialog = document.querySelector("dialog[data-idle]");
if (dialog) new SessionEnd(dialog);
