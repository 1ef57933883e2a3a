// Writes the viewer and the licence of three.js, which it contains, into a folder:
// node build.mjs [FOLDER]
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const folder = process.argv[2] ?? here("../src/ppdcli/viewer/assets");
const licence = await readFile(here("node_modules/three/LICENSE"), "utf8");
await build({
  entryPoints: [here("src/main.js")],
  outfile: `${folder}/viewer.js`,
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  charset: "ascii",
  legalComments: "none",
  banner: { js: `/*! Contains three.js, https://threejs.org\n\n${licence.trim()}\n*/` },
});
await writeFile(`${folder}/three-LICENSE.txt`, licence);
