// A camera whose picture holds a given frame, such as the photo's, in the free part of the window.
import { MathUtils, PerspectiveCamera } from "three";

export class FramedCamera extends PerspectiveCamera {
  /** @param {object} frame left, right, top, bottom: x/z and y/z of its borders, y up */
  constructor(frame) {
    super();
    this.frame = frame;
    this.window = { width: 1, height: 1, left: 0, right: 0, top: 0, bottom: 0 };
  }

  /**
   * @param {number} width, height of the window
   * @param {object} margins left, right, top, bottom of it that are covered
   */
  fit(width, height, margins) {
    this.window = { width, height, ...margins };
    this.updateProjectionMatrix();
  }

  /** Pixels of the window that a length of 1 has at a distance of 1. */
  get pixels() {
    const { width, height, left, right, top, bottom } = this.window;
    const { frame } = this;
    const across = Math.max(width - left - right, width / 4) / (frame.right - frame.left);
    const down = Math.max(height - top - bottom, height / 4) / (frame.top - frame.bottom);
    return Math.min(across, down);
  }

  updateProjectionMatrix() {
    if (!this.frame) return; // called by the constructor of the class above
    const { width, height, left, right, top, bottom } = this.window;
    const { frame, near, far, pixels } = this;
    const x = (left + width - right) / 2;
    const y = (top + height - bottom) / 2;
    const leftmost = (frame.left + frame.right) / 2 - x / pixels;
    const topmost = (frame.top + frame.bottom) / 2 + y / pixels;
    const [l, r] = [leftmost, leftmost + width / pixels];
    const [t, b] = [topmost, topmost - height / pixels];
    this.projectionMatrix.makePerspective(l * near, r * near, t * near, b * near, near, far);
    this.projectionMatrixInverse.copy(this.projectionMatrix).invert();
    this.aspect = width / height; // which the controls ask for
    this.fov = MathUtils.radToDeg(2 * Math.atan((t - b) / 2));
  }
}
