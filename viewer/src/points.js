// Clouds: points that cover the surface as seen from the camera, and grow as it comes closer.
import {
  BufferAttribute,
  BufferGeometry,
  Color,
  DataTexture,
  LinearFilter,
  Points,
  ShaderMaterial,
  Vector3,
} from "three";

const VERTEX = `
  attribute vec3 rgb;
  uniform float size, rays, pixels, largest;
  uniform vec3 along;
  uniform vec2 range;
  uniform float logarithmic, coloured;
  uniform sampler2D ramp;
  uniform vec3 signal;
  uniform float removed;
  varying vec3 shade;
  void main() {
    vec4 seen = modelViewMatrix * vec4(position, 1.0);
    gl_Position = projectionMatrix * seen;
    float width = size * (rays > 0.5 ? max(-position.z, 0.0) : 1.0);
    gl_PointSize = clamp(width * pixels / max(-seen.z, 1e-9), 1.0, largest);
    if (removed > 0.5) {
      shade = signal;
    } else if (coloured > 0.5) {
      shade = rgb;
    } else {
      float value = dot(position, along);
      if (logarithmic > 0.5) value = log(1.0 + max(value, 0.0));
      float t = clamp((value - range.x) / (range.y - range.x), 0.0, 1.0);
      shade = texture2D(ramp, vec2((t * 255.0 + 0.5) / 256.0, 0.5)).rgb;
    }
  }
`;
const FRAGMENT = `
  varying vec3 shade;
  void main() {
    gl_FragColor = vec4(shade, 1.0);
  }
`;
const LARGEST = 48; // pixels

/** Kept points and removed ones, which share their settings. */
export class Cloud {
  /**
   * @param {object} scene what is stated of the cloud
   * @param {object} parts of `decodePoints`
   * @param {Uint8Array} ramp (256, 3) colours, near to far
   * @param {string} signal colour of removed points
   */
  constructor(scene, parts, ramp, signal) {
    const { low, high } = scene.depth;
    const inside = Boolean(scene.frame); // of the photo's view, where near things count most
    const range = inside ? [Math.log1p(low), Math.log1p(high)] : [low, high];
    this.ends = [low, high];
    this.shared = {
      size: { value: scene.spacing },
      pixels: { value: 1 },
      largest: { value: LARGEST },
      rays: { value: inside ? 1 : 0 },
      along: { value: inside ? new Vector3(0, 0, -1) : new Vector3(0, 0, 1) },
      range: { value: distinct(range) },
      logarithmic: { value: inside ? 1 : 0 },
      coloured: { value: scene.colors ? 1 : 0 },
      ramp: { value: rampTexture(ramp) },
      // As a screen shows it: the shader writes colours as they are stored.
      signal: { value: new Color(signal).convertLinearToSRGB() },
    };
    this.spacing = scene.spacing;
    this.kept = this.#points(parts.kept, 0);
    this.removed = this.#points(parts.removed, 1);
    this.removed.visible = false;
  }

  #points({ positions, colors }, removed) {
    const geometry = new BufferGeometry();
    geometry.setAttribute("position", new BufferAttribute(positions, 3));
    if (colors) geometry.setAttribute("rgb", new BufferAttribute(colors, 4, true));
    const material = new ShaderMaterial({
      vertexShader: VERTEX,
      fragmentShader: FRAGMENT,
      uniforms: { ...this.shared, removed: { value: removed } },
    });
    const points = new Points(geometry, material);
    points.frustumCulled = false;
    return points;
  }

  set scale(factor) {
    this.shared.size.value = this.spacing * factor;
  }

  set byDepth(on) {
    this.shared.coloured.value = on ? 0 : 1;
  }

  /** Colours by height instead of depth: which axis is up, and the box of the points. */
  set height({ up, box }) {
    const axis = up === "z" ? 2 : 1;
    const sign = up === "-y" ? -1 : 1;
    this.ends = [sign * box[0][axis], sign * box[1][axis]].sort((one, other) => one - other);
    this.shared.along.value.set(0, 0, 0).setComponent(axis, sign);
    this.shared.range.value = distinct(this.ends);
  }

  /** Pixels of the screen that a length of 1 has at a distance of 1. */
  set pixels(count) {
    this.shared.pixels.value = count;
  }

  dispose() {
    for (const points of [this.kept, this.removed]) {
      points.geometry.dispose();
      points.material.dispose();
    }
    this.shared.ramp.value.dispose();
  }
}

function distinct([low, high]) {
  return low < high ? [low, high] : [low - 1, low + 1];
}

function rampTexture(rgb) {
  const rgba = new Uint8Array(4 * 256).fill(255);
  for (let k = 0; k < 256; k++) rgba.set(rgb.subarray(3 * k, 3 * k + 3), 4 * k);
  const texture = new DataTexture(rgba, 256, 1);
  texture.minFilter = texture.magFilter = LinearFilter;
  texture.needsUpdate = true;
  return texture;
}

/**
 * The point nearest to the viewer of those within a few pixels of a place.
 *
 * @param {Points} points
 * @param {Matrix4} matrix from their positions to clip space
 * @param {number} x, y the place, in [-1, 1]
 * @param {number} dx, dy how far a point may be from it
 * @returns {Vector3 | null}
 */
export function pick(points, matrix, x, y, dx, dy) {
  const positions = points.geometry.attributes.position.array;
  const m = matrix.elements;
  let best = -1;
  let nearest = Infinity;
  for (let k = 0; k < positions.length; k += 3) {
    const [a, b, c] = [positions[k], positions[k + 1], positions[k + 2]];
    const w = m[3] * a + m[7] * b + m[11] * c + m[15];
    if (w <= 0 || w >= nearest) continue;
    if (Math.abs((m[0] * a + m[4] * b + m[8] * c + m[12]) / w - x) > dx) continue;
    if (Math.abs((m[1] * a + m[5] * b + m[9] * c + m[13]) / w - y) > dy) continue;
    nearest = w;
    best = k;
  }
  return best < 0 ? null : new Vector3(...positions.subarray(best, best + 3));
}
