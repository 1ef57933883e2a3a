// A page with a cloud inside, or with a list of files that its server holds.
import { Compass } from "./compass.js";
import { disposeMesh, meshOf } from "./mesh.js";
import { Panel } from "./panel.js";
import { Cloud } from "./points.js";
import { decodePoints, fromBase64 } from "./scene.js";
import { Stage } from "./stage.js";

const NO_WEBGL =
  "This page needs WebGL 2, which this browser does not offer: turn on hardware acceleration, " +
  "or open the page in another browser.";
const LONGEST = 160; // characters of a library's message
const NARROW = 640; // pixels: the facts in the corner would cover much of the picture
const AXES = { x: [1, 0, 0], y: [0, 1, 0], z: [0, 0, 1] };

const at = (name) => document.getElementById(name);
const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const panel = new Panel(document);
const page = document.documentElement;
let stage = null;
let shown = null; // what is on the stage, with the function that frees it
let wanted = 0;

start();

function start() {
  page.dataset.state = "loading";
  if (!document.createElement("canvas").getContext("webgl2")) {
    fail(NO_WEBGL);
    return;
  }
  const inside = at("scene");
  stage = new Stage(at("canvas"), margins, style("--line"), !inside);
  if (inside) {
    // The page is drawn before the points are decoded, which takes a moment.
    setTimeout(() => attempt(() => show(JSON.parse(inside.textContent), inlineBytes())));
    return;
  }
  const names = JSON.parse(at("list").textContent);
  panel.list(names);
  panel.chosen = (index) => attempt(() => load(index, names[index]));
  panel.chosen(0);
}

async function attempt(work) {
  const turn = ++wanted;
  page.dataset.state = "loading";
  panel.say("Loading …");
  try {
    await work(turn);
  } catch (error) {
    if (turn === wanted) fail(error.message);
  }
}

function fail(line) {
  page.dataset.state = "failed";
  panel.say(line, true);
}

function inlineBytes() {
  const bytes = fromBase64(at("data").textContent.trim());
  at("data").remove();
  return bytes;
}

/** Shows a file of the server, unless another one has been chosen meanwhile. */
async function load(index, name) {
  const turn = wanted;
  const scene = await (await get(`scene/${index}.json`, name)).json();
  const bytes = new Uint8Array(await (await get(`scene/${index}.bin`, name)).arrayBuffer());
  if (turn === wanted) await show(scene, bytes);
}

async function get(address, name) {
  let answer;
  try {
    answer = await fetch(address);
  } catch {
    throw new Error(`${name}: cannot be loaded; ppd view has ended`);
  }
  if (!answer.ok) throw new Error(await answer.text());
  return answer;
}

async function show(scene, bytes) {
  const made = scene.encoding === "glb" ? await mesh(scene, bytes) : points(scene, bytes);
  shown?.dispose();
  shown = made;
  stage.show(made.object, scene, made.cloud);
  const compass = new Compass(at("compass"), scene.axes ?? AXES);
  stage.drawn = () => {
    compass.turn(stage.camera, stage.holder);
    page.dataset.state = "ready";
  };
  panel.turned = (up) => turn(up, scene, made.cloud);
  panel.show(scene, made.cloud, stage);
  panel.say("");
  stage.resize(); // the title may take more room now
}

function points(scene, bytes) {
  const ramp = fromBase64(at("ramp").textContent);
  const cloud = new Cloud(scene, decodePoints(scene, bytes), ramp, style("--signal"));
  cloud.kept.add(cloud.removed);
  return { object: cloud.kept, cloud, dispose: () => cloud.dispose() };
}

async function mesh(scene, bytes) {
  let object;
  try {
    object = await meshOf(bytes);
  } catch (error) {
    const cause = error.message.slice(0, LONGEST); // may quote the whole file
    throw new Error(`${scene.title}: cannot be drawn (${cause}); export it again as GLB`);
  }
  return { object, cloud: null, dispose: () => disposeMesh(object) };
}

function turn(up, scene, cloud) {
  if (cloud) {
    cloud.height = { up, box: scene.box };
    panel.ends(...cloud.ends);
  }
  stage.up = up;
}

function margins() {
  const bottoms = ["head", "facts"].map((name) => at(name).getBoundingClientRect().bottom);
  const top = innerWidth < NARROW ? Math.max(...bottoms) : bottoms[0];
  const bottom = innerHeight - at("tools").getBoundingClientRect().top;
  return { left: 12, right: 12, top: top + 8, bottom: bottom + 8 };
}
