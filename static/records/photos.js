// Photos of the record: one seen large, and two laid over each other. Without this script the links open the pictures,
// and the two stand side by side. Markup: templates/records/_larger.html and _compare.html; the desk may use both.

/** Links with data-large show their picture in one window; arrow keys and buttons go on to the next. */
class Larger {
  constructor(dialog) {
    this.dialog = dialog;
    this.image = dialog.querySelector("img");
    this.words = dialog.querySelector("[id]");
    this.pane = dialog.querySelector(".pane");
    this.full = dialog.querySelector("[data-full]");
    document.addEventListener("click", (event) => {
      const link = event.target.closest("a[data-large]");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      this.show(link);
      dialog.showModal();
    });
    for (const button of dialog.querySelectorAll("[data-step]")) {
      button.addEventListener("click", () => this.step(Number(button.dataset.step)));
    }
    this.full.addEventListener("click", () => this.grow(!this.grown));
    this.image.addEventListener("click", (event) => this.grow(!this.grown, event));
    dialog.addEventListener("keydown", (event) => this.pressed(event));
    dialog.addEventListener("close", () => {
      this.image.removeAttribute("src"); // nothing of it stays behind the page
      this.link?.focus();
    });
  }

  get links() {
    return [...document.querySelectorAll("a[data-large]")];
  }

  get grown() {
    return this.pane.classList.contains("full");
  }

  show(link) {
    this.link = link;
    this.grow(false);
    this.image.src = link.href;
    this.image.alt = link.dataset.large;
    this.words.textContent = link.dataset.large;
    const at = this.links.indexOf(link);
    for (const button of this.dialog.querySelectorAll("[data-step]")) {
      button.disabled = !this.links[at + Number(button.dataset.step)];
    }
  }

  step(by) {
    const next = this.links[this.links.indexOf(this.link) + by];
    if (!next) return;
    this.show(next);
    if (document.activeElement.disabled || document.activeElement === document.body) this.pane.focus();
  }

  /** Full size scrolls in its own box, to the place that was pressed. */
  grow(yes, event) {
    const x = event ? event.offsetX / this.image.clientWidth : 0.5;
    const y = event ? event.offsetY / this.image.clientHeight : 0.5;
    this.pane.classList.toggle("full", yes);
    this.full.setAttribute("aria-pressed", String(yes));
    this.pane.scrollTo(
      x * this.pane.scrollWidth - this.pane.clientWidth / 2, y * this.pane.scrollHeight - this.pane.clientHeight / 2,
    );
  }

  pressed(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by || this.grown || event.altKey || event.ctrlKey || event.metaKey) return; // grown: the keys scroll
    event.preventDefault();
    this.step(by);
  }
}

/** Two pictures, one over the other: a line between them that is dragged, tapped to, stepped or jumped. */
class Slider {
  constructor(part) {
    this.part = part;
    this.box = part.querySelector(".compare");
    this.figures = [...this.box.querySelectorAll("figure")];
    this.range = part.querySelector("input[type=range]");
    this.selects = [...part.querySelectorAll("select")];
    this.box.classList.add("sliding");
    this.box.querySelector(".divide").hidden = false;
    part.querySelector("[data-controls]").hidden = false;
    part.querySelector("[data-show]").hidden = true;
    this.range.addEventListener("input", () => this.draw());
    for (const button of part.querySelectorAll("[data-to]")) {
      button.addEventListener("click", () => this.move(Number(button.dataset.to)));
    }
    this.selects.forEach((select, side) => select.addEventListener("change", () => this.choose(side)));
    this.box.addEventListener("pointerdown", (event) => this.grab(event));
    this.box.addEventListener("pointermove", (event) => { if (this.held === event.pointerId) this.follow(event); });
    for (const kind of ["pointerup", "pointercancel"]) this.box.addEventListener(kind, () => { this.held = null; });
    this.draw();
  }

  move(to) {
    this.range.value = to;
    this.draw();
  }

  grab(event) {
    if (event.button) return;
    this.held = event.pointerId;
    this.box.setPointerCapture(event.pointerId);
    this.follow(event);
  }

  follow(event) {
    const { left, width } = this.box.getBoundingClientRect();
    this.move(Math.round((100 * (event.clientX - left)) / width));
  }

  /** The line's place is a style property set by script: the page's policy forbids style in the markup only. */
  draw() {
    this.box.style.setProperty("--at", `${this.range.value}%`);
    const day = this.figures[0].querySelector("figcaption").textContent;
    this.range.setAttribute("aria-valuetext", this.range.dataset.says.replace("{n}", this.range.value).replace("{day}", day));
  }

  /** Another photo on one side, in place; the address follows, so that a reload shows the same two. */
  choose(side) {
    const option = this.selects[side].selectedOptions[0];
    const image = this.figures[side].querySelector("img");
    image.src = option.dataset.src;
    image.alt = option.dataset.alt;
    this.figures[side].querySelector("figcaption").textContent = option.textContent;
    for (const other of this.part.querySelectorAll(`[data-side="${side}"]`)) {
      if (other.href) Object.assign(other, { href: option.dataset.src }).dataset.large = option.dataset.alt;
      else other.textContent = option.textContent;
    }
    this.part.querySelector("[data-apart]")?.remove();
    history.replaceState(null, "", `?${new URLSearchParams(new FormData(this.selects[side].form))}`);
    this.draw();
  }
}

const larger = document.querySelector("dialog[data-larger]");
if (larger) new Larger(larger);
for (const part of document.querySelectorAll("[data-slider]")) new Slider(part);
