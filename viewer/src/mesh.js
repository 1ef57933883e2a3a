// Meshes: glTF, drawn as its materials say.
import { AmbientLight, DirectionalLight, Group } from "three";
import { GLTFLoader } from "three/examples/jsm/loaders/GLTFLoader.js";

/** The scene in a GLB, with light for materials that need it. */
export async function meshOf(bytes) {
  const data = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const gltf = await new GLTFLoader().parseAsync(data, "");
  const light = new DirectionalLight(0xffffff, 1.5);
  light.position.set(1, 2, 3);
  const group = new Group();
  group.add(gltf.scene, light, new AmbientLight(0xffffff, 1.5));
  return group;
}

/** Frees what a mesh holds on the graphics card. */
export function disposeMesh(group) {
  group.traverse((object) => {
    object.geometry?.dispose();
    for (const material of [object.material ?? []].flat()) {
      for (const value of Object.values(material)) if (value?.isTexture) value.dispose();
      material.dispose();
    }
  });
}
