// Speed for the clinician's desk: pictures without leaving the page, keys, lines. Everything works without it.

const typing = (target) => target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
const cases = () => [...document.querySelectorAll(".queue a")];

/** The two large pictures: chosen by select or arrow keys, one or two at a time, larger on a press. */
class Pictures {
  constructor(part, dialog) {
    this.part = part;
    this.dialog = dialog;
    this.figures = [...part.querySelectorAll("[data-compare] figure")];
    this.selects = [...part.querySelectorAll(".choose select")];
    part.querySelector("[data-show]")?.setAttribute("hidden", "");
    this.selects.forEach((select, side) => select.addEventListener("change", () => this.show(side, select.selectedOptions[0])));
    part.addEventListener("click", (event) => {
      const link = event.target.closest("[data-zoom]");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      this.zoom(link.closest("figure"));
    });
  }

  show(side, option) {
    const figure = this.figures[side];
    if (!figure || !option) return;
    this.selects[side].value = option.value;
    figure.querySelector("img").src = option.dataset.src;
    figure.querySelector("img").alt = option.dataset.words;
    figure.querySelector("a").href = option.dataset.src;
    figure.querySelector("figcaption").textContent = option.dataset.words;
  }

  /** The next view on both sides: the same view where that side's consult has it. */
  turn(step) {
    const select = this.selects[0];
    if (!select) return;
    const group = [...select.selectedOptions[0].parentElement.children];
    const next = group[(group.indexOf(select.selectedOptions[0]) + step + group.length) % group.length];
    this.show(0, next);
    const other = this.selects[1];
    const twins = other ? [...other.selectedOptions[0].parentElement.children] : [];
    const twin = twins.find((option) => option.dataset.view === next.dataset.view && option.value !== next.value);
    if (twin) this.show(1, twin);
  }

  one() {
    this.part.querySelector("[data-compare]")?.classList.toggle("single");
  }

  zoom(figure = this.figures[0]) {
    if (!figure || !this.dialog) return;
    const image = figure.querySelector("img");
    const large = this.dialog.querySelector("[data-image]");
    large.src = image.src;
    large.alt = image.alt;
    this.dialog.querySelector("[data-words]").textContent = figure.querySelector("figcaption").textContent;
    this.dialog.showModal();
  }
}

/** Single keys, only where nobody is typing; one press turns them off for this device (WCAG 2.1.4). */
class Keys {
  constructor(pictures) {
    this.pictures = pictures;
    this.button = document.querySelector("[data-keys]");
    this.on = localStorage.getItem("desk-keys") !== "off";
    this.button?.removeAttribute("hidden");
    this.button?.addEventListener("click", () => {
      this.on = !this.on;
      localStorage.setItem("desk-keys", this.on ? "on" : "off");
      this.tell();
    });
    this.tell();
    document.addEventListener("keydown", (event) => this.pressed(event));
  }

  tell() {
    if (this.button) this.button.textContent = this.on ? this.button.dataset.on : this.button.dataset.off;
    for (const hint of document.querySelectorAll("[data-keys-hint]")) hint.hidden = !this.on;
  }

  pressed(event) {
    if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) {
      // In the message box the chord sends the message: nobody signs by mistake.
      const button = document.querySelector(event.target.name === "body" ? "[data-send]" : "[data-sign]");
      if (button) {
        event.preventDefault();
        button.form.requestSubmit(button);
      }
      return;
    }
    if (!this.on || event.metaKey || event.ctrlKey || event.altKey || typing(event.target)) return;
    if (document.querySelector("dialog[open]") && event.key.toLowerCase() !== "z") return;
    const deed = {
      ArrowLeft: () => this.pictures?.turn(-1), ArrowRight: () => this.pictures?.turn(1),
      c: () => this.pictures?.one(), z: () => this.larger(), n: () => this.next(),
      j: () => this.move(1), k: () => this.move(-1),
    }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!deed) return;
    event.preventDefault();
    deed();
  }

  larger() {
    const open = document.querySelector("dialog.lightbox[open]");
    if (open) open.close();
    else this.pictures?.zoom();
  }

  move(step) {
    const links = cases();
    if (!links.length) return;
    const at = links.indexOf(document.activeElement);
    const start = at < 0 ? links.findIndex((link) => link.ariaCurrent === "page") : at;
    links[(start + step + links.length) % links.length].focus();
  }

  next() {
    const links = cases();
    const at = links.findIndex((link) => link.ariaCurrent === "page");
    const link = links[at + 1] ?? document.querySelector("[data-queue]");
    link?.click();
  }
}

/** "Add a line" copies the last line of a part of the day. */
function addLines() {
  for (const part of document.querySelectorAll("[data-lines]")) {
    const button = part.querySelector("[data-add-line]");
    const total = part.querySelector(`[name="${part.dataset.lines}-TOTAL_FORMS"]`);
    const most = Number(part.querySelector(`[name="${part.dataset.lines}-MAX_NUM_FORMS"]`).value);
    button.hidden = Number(total.value) >= most;
    button.addEventListener("click", () => {
      const lines = part.querySelectorAll("[data-line]");
      const number = Number(total.value);
      const line = lines[lines.length - 1].cloneNode(true);
      line.querySelector(".errorlist")?.remove();
      for (const element of line.querySelectorAll("[id], [for], [name]")) {
        for (const name of ["id", "for", "name"]) {
          const value = element.getAttribute(name);
          if (value) element.setAttribute(name, value.replace(/-\d+-/, `-${number}-`));
        }
        if (element.matches("input")) {
          element.removeAttribute("aria-invalid");
          if (element.type === "checkbox") element.checked = false;
          else element.value = "";
        }
      }
      lines[lines.length - 1].after(line);
      total.value = number + 1;
      button.hidden = number + 1 >= most;
      line.querySelector("input").focus();
    });
  }
}

/** Leaving with words that are not saved asks first. */
function guardWords() {
  const form = document.querySelector("form[data-guard]");
  if (!form) return;
  let typed = false;
  const mark = (event) => { typed ||= event.target.form === form && !event.target.closest(".choose"); };
  document.addEventListener("input", mark);
  form.addEventListener("submit", () => { typed = false; });
  addEventListener("beforeunload", (event) => { if (typed) event.preventDefault(); });
}

const part = document.querySelector("[data-photos]");
new Keys(part && new Pictures(part, document.getElementById("zoom")));
addLines();
guardWords();
