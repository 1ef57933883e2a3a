// The controls around the picture.

const HALF_DECADE = 10; // steps of the slider for a factor of 10 ** 0.5

export class Panel {
  /** @param {Document} page with the elements of page.html */
  constructor(page) {
    this.page = page;
    this.byDepth = false;
    for (const name of ["colored", "depth", "removed", "home", "help"]) {
      this.#at(name).addEventListener("click", () => this.#clicked(name));
    }
    this.#at("size").addEventListener("input", () => this.#sized());
    this.#at("up").addEventListener("change", () => this.turned(this.#at("up").value));
    this.#at("files").addEventListener("change", () => this.chosen(this.#at("files").selectedIndex));
    page.addEventListener("keydown", (event) => this.#key(event));
  }

  #at(name) {
    return this.page.getElementById(name);
  }

  /** Names of files to choose from. */
  list(names) {
    const options = names.map((name) => new Option(name));
    this.#at("files").replaceChildren(...options);
    this.#at("files").hidden = names.length < 2;
    this.#at("title").classList.toggle("unseen", names.length > 1);
  }

  /** What is stated of a cloud or a mesh, in words and as controls. */
  show(scene, cloud, stage) {
    Object.assign(this, { scene, cloud, stage });
    this.#at("title").textContent = scene.title;
    this.page.title = scene.title;
    this.#at("about").textContent = scene.about;
    this.#at("notes").replaceChildren(
      ...scene.notes.map((line) => {
        const item = this.page.createElement("li");
        item.textContent = line;
        return item;
      }),
    );
    this.#at("unit").textContent = scene.unit;
    this.#at("up").parentElement.hidden = !scene.up;
    if (scene.up) this.#at("up").value = scene.up;
    this.#at("home").textContent = scene.frame ? "Camera view" : "Start view";
    for (const name of ["colors", "sizes"]) this.#at(name).hidden = !cloud;
    this.#at("removed").hidden = !cloud || !scene.removed;
    this.#at("count").textContent = ` (${(scene.flying ?? 0).toLocaleString("en")})`;
    this.#press("removed", false);
    if (cloud) {
      this.#at("colored").textContent = scene.frame ? "Photo" : "Colour";
      this.#at("depth").textContent = scene.frame ? "Depth" : "Height";
      this.ends(...cloud.ends);
      this.#at("colored").disabled = !scene.colors;
      this.#color(!scene.colors);
      this.#sized();
    }
  }

  /** The values that have the first and the last colour. */
  ends(low, high) {
    const metres = this.scene.metric ? " m" : "";
    this.#at("low").textContent = Number(low.toPrecision(3)) + metres;
    this.#at("high").textContent = Number(high.toPrecision(3)) + metres;
  }

  /** A line in place of the picture, or none. */
  say(line, wrong = false) {
    this.#at("message").textContent = line;
    this.#at("message").hidden = !line;
    this.#at("message").classList.toggle("wrong", wrong);
  }

  #clicked(name) {
    if (name === "colored") this.#color(false);
    if (name === "depth") this.#color(true);
    if (name === "home") this.stage?.home();
    if (name === "help") this.#help(this.#at("keys").hidden);
    if (name === "removed") {
      this.cloud.removed.visible = !this.cloud.removed.visible;
      this.#press("removed", this.cloud.removed.visible);
    }
    this.stage?.draw();
  }

  #help(open) {
    this.#at("keys").hidden = !open;
    this.#at("help").setAttribute("aria-expanded", String(open));
  }

  #color(byDepth) {
    this.cloud.byDepth = byDepth;
    this.#press("colored", !byDepth);
    this.#press("depth", byDepth);
    this.#at("legend").hidden = !byDepth;
  }

  #press(name, on) {
    this.#at(name).setAttribute("aria-pressed", String(on));
  }

  #sized() {
    if (!this.cloud) return;
    this.cloud.scale = 10 ** (this.#at("size").valueAsNumber / (2 * HALF_DECADE));
    this.stage.draw();
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (["SELECT", "INPUT"].includes(event.target.tagName)) return;
    const size = this.#at("size");
    if (event.key === "[" || event.key === "]") {
      size.valueAsNumber += event.key === "]" ? 1 : -1;
      this.#sized();
    }
    if (event.key === "Escape") this.#help(false);
    const name = { r: "home", c: this.#colored() ? "depth" : "colored", f: "removed", "?": "help" };
    const button = name[event.key] && this.#at(name[event.key]);
    if (button && !button.hidden && !button.disabled) button.click();
  }

  #colored() {
    return this.#at("colored").getAttribute("aria-pressed") === "true";
  }
}
