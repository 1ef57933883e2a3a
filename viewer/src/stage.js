// What is drawn: one cloud or mesh, its camera, and how mouse, touch and keys move it.
import {
  Box3,
  BufferAttribute,
  BufferGeometry,
  Group,
  LineBasicMaterial,
  LineSegments,
  Matrix4,
  Quaternion,
  Scene,
  Sphere,
  Vector3,
  WebGLRenderer,
} from "three";
import { OrbitControls } from "three/examples/jsm/controls/OrbitControls.js";
import { FramedCamera } from "./camera.js";
import { pick } from "./points.js";

const PLAIN_FRAME = { left: -0.5, right: 0.5, top: 0.5, bottom: -0.5 };
const OBLIQUE = new Vector3(0.5, 0.4, 1).normalize(); // the view of what states no camera
const TAP = 10; // pixels around a place that a point may be picked from
const TURN = Math.PI / 36; // a key's
const STRIDE = 0.9; // a key's, of the distance
const CLOSEST = 1e-3; // the nearest thing that is drawn, relative to the size of the scene

export const UPS = {
  y: new Quaternion(),
  "-y": new Quaternion(1, 0, 0, 0),
  z: new Quaternion(-Math.SQRT1_2, 0, 0, Math.SQRT1_2),
};

export class Stage {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {() => object} margins left, right, top, bottom of the window that are covered
   * @param {string} line colour of the photo's frame
   * @param {boolean} smooth whether edges are smoothed, which meshes need and points do not
   */
  constructor(canvas, margins, line, smooth) {
    this.canvas = canvas;
    this.margins = margins;
    this.line = line;
    this.renderer = new WebGLRenderer({ canvas, antialias: smooth, alpha: true });
    this.scene = new Scene();
    this.holder = new Group(); // turns what is drawn upright
    this.scene.add(this.holder);
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    this.drawn = () => {};
    this.waiting = false;
    new ResizeObserver(() => this.resize()).observe(canvas);
    canvas.addEventListener("webglcontextrestored", () => this.draw());
    document.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("dblclick", (event) => this.#center(event));
  }

  /**
   * Shows something else.
   *
   * @param {Object3D} object
   * @param {object} stated `frame` of the photo if it is known; `pivot`, the distance of what is in
   *   the middle of it; `box` of points; `up`; `cameras`, fifteen numbers each: where it is, and
   *   four corners of what it sees
   * @param {Cloud | null} cloud
   */
  show(object, stated, cloud) {
    this.#clear();
    this.object = object;
    this.cloud = cloud;
    this.stated = stated;
    this.holder.add(object);
    this.camera = new FramedCamera(stated.frame ?? PLAIN_FRAME);
    this.controls = new OrbitControls(this.camera, this.canvas);
    this.controls.enableDamping = !this.still.matches;
    this.controls.dampingFactor = 0.12;
    this.controls.addEventListener("change", () => this.draw());
    if (stated.frame) this.holder.add(frameLines(stated.frame, stated.near / 2, this.line));
    if (stated.cameras) this.holder.add(cameraLines(stated.cameras, this.line));
    this.up = stated.up ?? "y";
  }

  #clear() {
    this.controls?.dispose();
    this.holder.children.filter((c) => c.isLineSegments).forEach((c) => c.geometry.dispose());
    this.holder.clear();
  }

  /** Which way of the file is up; back to the start. */
  set up(name) {
    this.holder.quaternion.copy(UPS[name]);
    this.holder.updateMatrixWorld(true);
    const { box } = this.stated;
    const around = box
      ? new Box3(new Vector3(...box[0]), new Vector3(...box[1])).applyMatrix4(this.holder.matrixWorld)
      : new Box3().setFromObject(this.object);
    this.around = around.getBoundingSphere(new Sphere());
    this.around.radius = Math.max(this.around.radius, 1e-6);
    this.home();
  }

  /** Back to where the photo was taken; without a photo, to a view of everything. */
  home() {
    const { camera, controls, around, stated } = this;
    const damped = controls.enableDamping;
    controls.enableDamping = false;
    controls.update(); // ends a movement that goes on
    controls.maxDistance = 20 * (around.radius + around.center.length());
    if (stated.frame) {
      camera.position.set(0, 0, 0);
      controls.target.set(0, 0, -stated.pivot);
    } else {
      camera.position.copy(OBLIQUE).multiplyScalar(2 * around.radius).add(around.center);
      controls.target.copy(around.center);
    }
    controls.update();
    controls.enableDamping = damped;
    this.resize();
  }

  resize() {
    if (!this.camera) return;
    const { clientWidth: width, clientHeight: height } = this.canvas;
    this.ratio = Math.min(devicePixelRatio, 2);
    this.renderer.setPixelRatio(this.ratio);
    this.renderer.setSize(width, height, false);
    this.camera.fit(width, height, this.margins());
    this.draw();
  }

  /** Draws once, with the next picture of the screen. */
  draw() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      const moving = this.controls.update();
      this.#clip();
      if (this.cloud) this.cloud.pixels = this.camera.pixels * this.ratio;
      this.renderer.render(this.scene, this.camera);
      this.drawn();
      if (moving) this.draw();
    });
  }

  #clip() {
    const { camera, around, stated } = this;
    const distance = camera.position.distanceTo(around.center);
    const closest = Math.min(around.radius * CLOSEST, (stated.near ?? Infinity) / 4);
    camera.near = Math.max(distance - 2 * around.radius, closest);
    camera.far = distance + 20 * around.radius + camera.near;
    camera.updateProjectionMatrix();
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.controls) return;
    if (["SELECT", "INPUT"].includes(event.target.tagName)) return;
    const { controls } = this;
    const step = this.canvas.clientHeight / 20;
    const move = {
      ArrowLeft: [() => controls.rotateLeft(TURN), () => controls.pan(step, 0)],
      ArrowRight: [() => controls.rotateLeft(-TURN), () => controls.pan(-step, 0)],
      ArrowUp: [() => controls.rotateUp(TURN), () => controls.pan(0, step)],
      ArrowDown: [() => controls.rotateUp(-TURN), () => controls.pan(0, -step)],
      "+": [() => controls.dollyIn(STRIDE)],
      "-": [() => controls.dollyOut(STRIDE)],
    }[event.key === "=" ? "+" : event.key];
    if (!move) return;
    event.preventDefault();
    move[event.shiftKey ? move.length - 1 : 0]();
  }

  /** Makes a point that was tapped twice the one to turn around. */
  #center(event) {
    const place = this.pick(event.clientX, event.clientY);
    if (!place) return;
    this.controls.target.copy(place);
    this.draw();
  }

  /**
   * The point of the cloud that is drawn at a place of the window.
   *
   * @returns {Vector3 | null} in the coordinates that it is drawn in
   */
  pick(clientX, clientY) {
    if (!this.cloud) return null;
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    const [x, y] = [clientX - left, clientY - top];
    const matrix = new Matrix4()
      .multiplyMatrices(this.camera.projectionMatrix, this.camera.matrixWorldInverse)
      .multiply(this.holder.matrixWorld);
    const found = pick(
      this.cloud.kept,
      matrix,
      (2 * x) / width - 1,
      1 - (2 * y) / height,
      (2 * TAP) / width,
      (2 * TAP) / height,
    );
    return found && found.applyMatrix4(this.holder.matrixWorld);
  }
}

/** The photo's frame at a distance, with lines to where its camera was. */
function frameLines({ left, right, top, bottom }, distance, color) {
  const corners = [[left, top], [right, top], [right, bottom], [left, bottom]];
  const places = corners.flatMap(([x, y], k) => {
    const here = [x * distance, y * distance, -distance];
    const [nx, ny] = corners[(k + 1) % 4];
    return [0, 0, 0, ...here, ...here, nx * distance, ny * distance, -distance];
  });
  return lines(places, color);
}

/** Cameras as pyramids. */
function cameraLines(cameras, color) {
  const places = cameras.flatMap((numbers) => {
    const at = (k) => numbers.slice(3 * k, 3 * k + 3);
    return [1, 2, 3, 4].flatMap((k) => [...at(0), ...at(k), ...at(k), ...at((k % 4) + 1)]);
  });
  return lines(places, color);
}

function lines(places, color) {
  const geometry = new BufferGeometry();
  geometry.setAttribute("position", new BufferAttribute(new Float32Array(places), 3));
  return new LineSegments(geometry, new LineBasicMaterial({ color }));
}
