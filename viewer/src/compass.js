// The axes of the file, in a corner.
import { Matrix4 } from "three";

const COLORS = { x: "#ff6b6b", y: "#7bd88f", z: "#6cb6ff" };
const NAMES = ["x", "y", "z"];
const LENGTH = 24;
const MIDDLE = 36;

export class Compass {
  /**
   * @param {SVGElement} svg of 72 by 72
   * @param {object} axes x, y, z: directions, each [right, up, towards the viewer]
   */
  constructor(svg, axes) {
    this.axes = axes;
    svg.replaceChildren();
    this.parts = NAMES.map((name) => {
      const line = element("line", { x1: MIDDLE, y1: MIDDLE, stroke: COLORS[name] });
      const text = element("text", { fill: COLORS[name] });
      text.textContent = name;
      const group = element("g", {});
      group.append(line, text);
      return { name, group, line, text };
    });
    this.svg = svg;
  }

  /** Turns the axes as a camera sees them, which are those of an object. */
  turn(camera, object) {
    const seen = new Matrix4().multiplyMatrices(camera.matrixWorldInverse, object.matrixWorld);
    const m = seen.elements;
    for (const part of this.parts) {
      const [a, b, c] = this.axes[part.name];
      const x = m[0] * a + m[4] * b + m[8] * c;
      const y = m[1] * a + m[5] * b + m[9] * c;
      part.depth = m[2] * a + m[6] * b + m[10] * c;
      set(part.line, { x2: MIDDLE + LENGTH * x, y2: MIDDLE - LENGTH * y });
      set(part.text, { x: MIDDLE + (LENGTH + 9) * x, y: MIDDLE - (LENGTH + 9) * y });
    }
    const order = [...this.parts].sort((one, other) => one.depth - other.depth);
    this.svg.append(...order.map((part) => part.group)); // the nearest last, on top
  }
}

function element(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  set(made, attributes);
  return made;
}

function set(target, attributes) {
  for (const [name, value] of Object.entries(attributes)) target.setAttribute(name, value);
}
