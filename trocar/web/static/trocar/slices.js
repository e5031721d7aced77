// Goes through the slices without loading the page again. Without this script the sliders' forms and links do it.

const WHEEL_PER_SLICE = 60;

class View {
  constructor(figure) {
    this.figure = figure;
    this.image = figure.querySelector("img");
    this.slider = figure.querySelector("input[type=range]");
    this.labels = figure.dataset.labels.split("|");
    this.title = figure.querySelector("h3").textContent;
    this.path = this.image.alt.split(", ").at(-1);
    this.shown = Number(this.slider.value);
    this.wanted = this.shown;
    this.loading = false;
    this.wheel = 0;

    figure.querySelector("button").hidden = true;
    this.slider.addEventListener("input", () => this.show(Number(this.slider.value)));
    for (const link of figure.querySelectorAll("[data-step]")) {
      link.addEventListener("click", (event) => {
        event.preventDefault();
        this.show(this.wanted + Number(link.dataset.step));
      });
    }
    // The wheel goes through the slices of the picture that was clicked; over the others it moves the page.
    this.image.tabIndex = -1;
    this.image.addEventListener("click", () => this.image.focus({ preventScroll: true }));
    this.image.addEventListener("wheel", (event) => this.turn(event), { passive: false });
    this.image.addEventListener("keydown", (event) => {
      const step = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 10, PageDown: -10 }[event.key];
      if (step === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      this.show(this.wanted + step);
    });
  }

  turn(event) {
    if (event.ctrlKey || (!event.shiftKey && document.activeElement !== this.image)) return;
    event.preventDefault();
    this.wheel += event.deltaY || event.deltaX;
    const steps = Math.trunc(this.wheel / WHEEL_PER_SLICE);
    this.wheel -= steps * WHEEL_PER_SLICE;
    if (steps) this.show(this.wanted + steps);
  }

  address(index) {
    return this.figure.dataset.pattern.replace("/999999.png", `/${index}.png`);
  }

  show(index) {
    this.wanted = Math.min(Math.max(index, 0), this.labels.length - 1);
    this.slider.value = String(this.wanted);
    const label = this.labels[this.wanted];
    this.slider.setAttribute("aria-valuetext", label);
    this.load();
  }

  // One picture at a time; of those asked for while it loads, only the last.
  load() {
    if (this.loading || this.shown === this.wanted) return;
    const index = this.wanted;
    const address = this.address(index);
    const next = new Image();
    this.loading = true;
    this.figure.classList.add("view-loading");
    const done = () => {
      this.loading = false;
      this.shown = index;
      if (this.shown !== this.wanted) this.load();
      else this.figure.classList.remove("view-loading");
    };
    next.onload = () => {
      const label = this.labels[index];
      this.image.src = address;
      this.image.alt = `${this.title}, ${label}, ${this.path}`;
      this.figure.querySelector(".view-label").textContent = label;
      done();
    };
    next.onerror = () => {
      this.figure.querySelector(".view-label").textContent = "This slice could not be loaded.";
      done();
    };
    next.src = address;
  }
}

for (const figure of document.querySelectorAll("figure.view")) new View(figure);

// A new grey scale keeps the slices that the sliders show.
for (const form of document.querySelectorAll("form.look")) {
  form.addEventListener("formdata", (event) => {
    for (const slider of document.querySelectorAll("figure.view input[type=range]")) {
      event.formData.set(slider.name, slider.value);
    }
  });
}
