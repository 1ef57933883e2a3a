// Turns what Python wrote (src/ppdcli/viewer/cloud_scene.py) into arrays.

const RAY_BYTES = 6; // three 16-bit numbers a point
const FLOAT_BYTES = 12;
const STEPS = 65535;

/** Bytes from base64 text. */
export function fromBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let k = 0; k < bytes.length; k++) bytes[k] = binary.charCodeAt(k);
  return bytes;
}

/**
 * Positions and colours of a cloud.
 *
 * @param {object} scene what is stated of the cloud
 * @param {Uint8Array} bytes positions of kept points, of removed ones, then colours of the kept
 * @returns of kept and of removed points: positions (x right, y up, z towards the viewer), three
 *   numbers each, and colours, four bytes each of which three count, or null
 */
export function decodePoints(scene, bytes) {
  const total = scene.points + scene.removed;
  const size = scene.encoding === "rays" ? RAY_BYTES : FLOAT_BYTES;
  const positions =
    scene.encoding === "rays"
      ? fromRays(scene, new Uint16Array(bytes.buffer, bytes.byteOffset, 3 * total), total)
      : new Float32Array(bytes.buffer, bytes.byteOffset, 3 * total);
  const end = size * total;
  return {
    kept: {
      positions: positions.subarray(0, 3 * scene.points),
      colors: scene.colors ? inFours(bytes.subarray(end), scene.points) : null,
    },
    removed: { positions: positions.subarray(3 * scene.points), colors: null },
  };
}

/** Three bytes a point, each followed by one that graphics cards want for alignment. */
function inFours(bytes, count) {
  const padded = new Uint8Array(4 * count);
  for (let k = 0; k < count; k++) {
    padded[4 * k] = bytes[3 * k];
    padded[4 * k + 1] = bytes[3 * k + 1];
    padded[4 * k + 2] = bytes[3 * k + 2];
  }
  return padded;
}

/** From x/z, y/z and log z of the photo's camera, each in 16-bit steps of its range. */
function fromRays(scene, steps, total) {
  const positions = new Float32Array(3 * total);
  const [x, y, z] = scene.ranges.map(([low, high]) => [low, (high - low) / STEPS]);
  for (let k = 0; k < total; k++) {
    const depth = Math.exp(z[0] + z[1] * steps[2 * total + k]);
    positions[3 * k] = depth * (x[0] + x[1] * steps[k]);
    positions[3 * k + 1] = -depth * (y[0] + y[1] * steps[total + k]);
    positions[3 * k + 2] = -depth;
  }
  return positions;
}
