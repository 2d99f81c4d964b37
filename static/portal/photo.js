// A photo on its way: shown before it is sent, with the real progress, and still here when the sending fails.
// Markup: form[data-photo] with one input[type=file]; templates/portal/photo_form.html has it all. Without JavaScript
// the form is an ordinary upload.

/** Words come from the page, so that they are translated: data-sending, data-failed, data-refused, data-unseen. */
class PhotoForm {
  constructor(form) {
    this.form = form;
    this.input = form.querySelector("input[type=file]");
    this.preview = form.querySelector("[data-preview]");
    this.image = this.preview?.querySelector("img");
    this.bar = form.querySelector("progress");
    this.status = form.querySelector("[data-status]");
    this.input.addEventListener("change", () => this.chosen());
    form.addEventListener("submit", (event) => this.send(event));
    this.image?.addEventListener("error", () => this.unseen());
  }

  chosen() {
    this.say("");
    const file = this.input.files[0];
    if (this.address) URL.revokeObjectURL(this.address);
    this.address = file ? URL.createObjectURL(file) : "";
    if (!this.preview) return;
    this.preview.hidden = !file;
    if (file) this.image.src = this.address;
  }

  /** Some phones save in a form that this browser cannot show. That does not harm: the server can read it. */
  unseen() {
    if (!this.address) return;
    this.preview.hidden = true;
    this.say(this.form.dataset.unseen);
  }

  send(event) {
    if (!this.input.files.length) return; // the server says what is missing
    event.preventDefault();
    if (this.request) return;
    this.request = new XMLHttpRequest(); // fetch cannot tell how far an upload is
    this.request.open("POST", this.form.action);
    this.request.timeout = 300_000;
    this.request.upload.addEventListener("progress", (step) => this.progress(step));
    this.request.addEventListener("load", () => this.arrived());
    for (const trouble of ["error", "timeout", "abort"]) this.request.addEventListener(trouble, () => this.failed());
    const data = new FormData(this.form, event.submitter ?? undefined);
    this.busy(true);
    this.say(this.form.dataset.sending);
    this.request.send(data);
  }

  progress(step) {
    if (step.lengthComputable) this.bar.value = (100 * step.loaded) / step.total;
  }

  arrived() {
    const { status, responseURL, response } = this.request;
    if (status >= 200 && status < 400 && new URL(responseURL).pathname !== new URL(this.form.action).pathname) {
      location.assign(responseURL); // where the server sent us: the step is done
      return;
    }
    const page = new DOMParser().parseFromString(response, "text/html");
    const said = page.querySelector(".errorlist li, [data-error]")?.textContent.trim();
    this.stop(said || (status >= 500 || !status ? this.form.dataset.failed : this.form.dataset.refused));
  }

  failed() {
    this.stop(this.form.dataset.failed);
  }

  stop(words) {
    this.request = null;
    this.busy(false);
    this.say(words, true);
  }

  busy(yes) {
    this.bar.hidden = !yes;
    this.bar.value = 0;
    for (const button of this.form.querySelectorAll("button")) {
      if (yes) button.setAttribute("aria-disabled", "true");
      else button.removeAttribute("aria-disabled");
    }
  }

  say(words, trouble = false) {
    this.status.textContent = words;
    this.status.className = trouble ? "errorlist" : "hint";
  }
}

for (const form of document.querySelectorAll("form[data-photo]")) new PhotoForm(form);
