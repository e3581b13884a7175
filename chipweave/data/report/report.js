"use strict";
// Colours the picture of the system and draws the charts. All numbers come from the page's own JSON: `result` is result.json.
const BELOW = { orientation: "h", yref: "container", y: 0, yanchor: "bottom" }; // a legend under the axis title
const read = (id) => JSON.parse(document.getElementById(id).textContent);
const result = read("result"), data = read("data");
const find = (id) => document.getElementById(id);
const PLACES = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]]; // viridis
const NAMES = { busy: "use", stalled: "waiting", bytes: "bytes" };
const state = { run: 0, network: 0, quantity: "busy", dies: "links", when: -1, chosen: null };

function colour(share) {
  const at = Math.min(1, Math.max(0, share)) * (PLACES.length - 1), low = Math.min(PLACES.length - 2, Math.floor(at));
  const mixed = PLACES[low].map((v, i) => Math.round(v + (PLACES[low + 1][i] - v) * (at - low)));
  return `rgb(${mixed.join(",")})`;
}
const inkOn = (share) => (share > 0.6 ? "#111" : "#fff");

function amount(value, quantity) {
  if (quantity !== "bytes") return `${(100 * value).toFixed(1)} %`;
  for (const [unit, size] of [["TB", 1e12], ["GB", 1e9], ["MB", 1e6], ["kB", 1e3]]) if (value >= size) return `${(value / size).toPrecision(3)} ${unit}`;
  return `${value} B`;
}
const seconds = (ps) => (ps >= 1e9 ? `${(ps / 1e9).toFixed(3)} ms` : `${(ps / 1e6).toFixed(1)} us`);

const series = () => data.series[state.run][data.networks[state.network].name];

// Values of the links: of one bin, or of the whole run.
function linkValues(quantity, when) {
  const own = series();
  if (!own) return [];
  if (when >= 0) return own[quantity][when];
  return own.whole[quantity].map((v) => (quantity === "bytes" ? v : v / Math.max(1, own.total_ps)));
}

function most(quantity) {
  const own = series();
  if (!own) return 1;
  if (quantity !== "bytes") return 1;
  return Math.max(1, ...(state.when < 0 ? own.whole.bytes : own.bytes.flat()));
}

function dieValue(die, values, quantity) {
  if (state.dies !== "links") return partShare(die.name, state.dies);
  const own = die.links.map((i) => values[i] || 0), sum = own.reduce((a, b) => a + b, 0);
  return quantity === "bytes" ? sum : own.length ? sum / own.length : 0;
}

const entry = () => (result.breakdown || []).find((b) => data.labels[state.run] === `${b.strategy} (${b.link_model}, ${b.admission})`);

// Share of the run in which the busiest resource of a class was held, of the parts of a die.
function partShare(die, cause) {
  const found = entry();
  if (!found) return 0;
  const own = found.parts.filter((p) => p.class === cause && (p.part === die || p.part.startsWith(`${die}.`)));
  return Math.max(0, ...own.map((p) => p.busy_ps / found.run_ps));
}

function paint() {
  const network = data.networks[state.network], values = linkValues(state.quantity, state.when), top = most(state.quantity);
  const shown = document.querySelector(".network.on");
  shown.querySelectorAll(".link").forEach((line) => {
    line.style.stroke = colour((values[line.dataset.link] || 0) / top);
    line.classList.toggle("chosen", state.chosen === network.links[line.dataset.link]);
  });
  const dies = network.dies.map((die) => dieValue(die, values, state.quantity));
  const highest = state.dies !== "links" || state.quantity !== "bytes" ? 1 : Math.max(1, ...dies);
  shown.querySelectorAll(".die").forEach((box) => {
    const share = dies[box.dataset.die] / highest;
    box.querySelector("rect").style.fill = colour(share);
    const words = box.querySelector("text");
    if (words) words.style.fill = inkOn(share);
  });
  find("high").textContent = amount(top, state.quantity);
  const own = series();
  find("at").textContent = state.when < 0 || !own ? "whole run" : `${seconds(own.begin_ps[state.when])} to ${seconds(Math.min(own.total_ps, own.begin_ps[state.when] + own.bin_ps))}`;
  find("when").setAttribute("aria-valuetext", find("at").textContent);
}

function tell(name, isDie) {
  const network = data.networks[state.network], lines = [name, find("at").textContent];
  for (const quantity of ["busy", "stalled", "bytes"]) {
    const values = linkValues(quantity, state.when);
    const die = network.dies.find((d) => d.name === name);
    const dies = state.dies;
    state.dies = "links";
    lines.push(`${NAMES[quantity]}: ${amount(isDie ? dieValue(die, values, quantity) : values[network.links.indexOf(name)] || 0, quantity)}`);
    state.dies = dies;
  }
  const found = entry();
  if (isDie && found) {
    for (const p of found.parts.filter((each) => each.part === name || each.part.startsWith(`${name}.`)))
      lines.push(`${p.part.slice(name.length + 1) || p.part}: busy ${amount(p.busy_ps / found.run_ps, "busy")}, mean queue ${p.queue.toFixed(2)}`);
  }
  if (!isDie && found) {
    const link = found.links.find((l) => l.link === name && l.network === network.name);
    for (const f of link ? link.flows : [])
      lines.push(`${amount(f.bytes, "bytes")}: ${f.expert === null ? "no expert" : `expert ${f.expert} of layer ${f.layer}`}, ${f.from} to ${f.to}`);
  }
  const box = find("pointed");
  box.replaceChildren(...lines.map((text, i) => { const p = document.createElement(i ? "div" : "strong"); p.textContent = text; return p; }));
}

function choose() {
  const own = series();
  document.querySelectorAll(".network").forEach((n) => n.classList.toggle("on", n.dataset.network === data.networks[state.network].name));
  document.querySelectorAll(".of-run").forEach((n) => n.classList.toggle("on", Number(n.dataset.run) === state.run));
  find("when").max = own ? own.begin_ps.length - 1 : -1;
  state.when = Math.min(state.when, Number(find("when").max));
  find("when").value = state.when;
  const classes = [...new Set((entry() || { parts: [] }).parts.map((p) => p.class))], menu = find("dies");
  const wanted = classes.includes(state.dies) ? state.dies : "links";
  menu.replaceChildren(new Option("their links", "links"), ...classes.map((c) => new Option(`${c} held, whole run`, c)));
  menu.value = state.dies = wanted;
  paint();
  drawOfRun();
}

// Charts, once the library has been unpacked.
let plots = null;
const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
function layout(more) {
  const ink = printing ? "#000" : style("--ink"), line = printing ? "#bbb" : style("--line");
  return { paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: ink, size: 13 }, margin: { l: 60, r: 20, t: 36, b: 48 },
    xaxis: { gridcolor: line, automargin: true, ...more.xaxis }, yaxis: { gridcolor: line, automargin: true, ...more.yaxis }, ...more.rest };
}
const CONFIG = { displaylogo: false, responsive: true, displayModeBar: false };
let printing = false;

function chart(id, traces, more) {
  const box = find(id);
  box.classList.toggle("empty", !traces.length);
  if (plots && traces.length) plots.react(box, traces, layout(more), CONFIG);
}

function drawAll() {
  const rows = result.rows, ms = (row) => (row.decode_time_ns || row.prefill_time_ns) / 1e6;
  chart("chart-times", [{ type: "bar", orientation: "h", y: data.labels, x: rows.map(ms), text: rows.map((r) => `${ms(r).toFixed(3)} ms${r.speedup ? `, ${r.speedup.toFixed(2)} x` : ""}`),
    textposition: "auto", hovertemplate: "%{y}: %{x:.4f} ms<extra></extra>", marker: { color: "#3b82c4" } }],
    { xaxis: { title: { text: "decode time [ms]" }, rangemode: "tozero" }, yaxis: { autorange: "reversed" }, rest: { height: 90 + 44 * rows.length } });
  const entries = result.breakdown || [], classes = [...new Set(entries.flatMap((e) => Object.keys(e.critical)))];
  chart("chart-breakdown", classes.map((name) => ({ type: "bar", orientation: "h", name, y: data.breakdown, x: entries.map((e) => (e.critical[name] || 0) / 1e9),
    hovertemplate: `${name}: %{x:.4f} ms<extra>%{y}</extra>` })),
    { xaxis: { title: { text: "critical path of all decode steps [ms]" } }, yaxis: { autorange: "reversed" }, rest: { barmode: "stack", height: 190 + 40 * entries.length, margin: { l: 60, r: 20, t: 20, b: 110 }, legend: BELOW } });
  drawRouting();
  drawOfRun();
}

function drawOfRun() {
  if (!plots) return;
  const found = entry(), classes = found ? Object.keys(found.critical) : [];
  chart("chart-layers", classes.map((name) => ({ type: "bar", name, x: found.layers.map((l) => l.layer), y: found.layers.map((l) => (l.critical[name] || 0) / 1e6) })),
    { xaxis: { title: { text: "layer" } }, yaxis: { title: { text: "critical path [us]" } }, rest: { barmode: "stack", bargap: 0.1, height: 380, margin: { l: 60, r: 20, t: 36, b: 110 }, title: { text: data.labels[state.run], font: { size: 14 } }, legend: BELOW } });
  const own = series(), network = data.networks[state.network];
  if (!own || !own.begin_ps.length) return chart("chart-links", [], {});
  const hot = own.whole[state.quantity].map((v, i) => [v, i]).filter(([v]) => v > 0).sort((a, b) => b[0] - a[0]).slice(0, 20).map(([, i]) => i);
  chart("chart-links", hot.length ? [{ type: "heatmap", x: own.begin_ps.map((ps) => ps / 1e9), y: hot.map((i) => network.links[i]), z: hot.map((i) => own[state.quantity].map((bin) => bin[i])),
    colorscale: "Viridis", zmin: 0, zmax: state.quantity === "bytes" ? undefined : 1, hovertemplate: "%{y}<br>from %{x:.3f} ms: %{z}<extra></extra>" }] : [],
    { xaxis: { title: { text: "simulated time [ms]" } }, yaxis: { autorange: "reversed", tickfont: { size: 10 } }, rest: { height: 120 + 18 * hot.length, title: { text: `${NAMES[state.quantity]} of the hottest links, ${data.labels[state.run]}`, font: { size: 14 } } } });
}

function drawRouting() {
  const routing = data.routing, words = find("routing-words");
  if (!routing.counts) { chart("chart-routing", [], {}); words.textContent = `The trace cannot be read here: ${routing.why}`; return; }
  let best = [-1, 0, 0];
  const shares = routing.counts.map((row, l) => {
    const mean = row.reduce((a, b) => a + b, 0) / row.length || 1;
    return row.map((c, e) => { if (c / mean > best[0]) best = [c / mean, l, e]; return Math.round((1000 * c) / mean) / 1000; });
  });
  words.textContent = `Times the mean of its layer, counted in decode steps ${routing.steps.join(", ")}. The busiest is expert ${best[2]} of layer ${routing.layers[best[1]]}: ${best[0].toFixed(1)} times the mean.`;
  chart("chart-routing", [{ type: "heatmap", z: shares, y: routing.layers, colorscale: "Viridis", zmin: 0, zmax: Math.min(best[0], 6), hovertemplate: "layer %{y}, expert %{x}: %{z:.2f} times the mean<extra></extra>" }],
    { xaxis: { title: { text: "expert" } }, yaxis: { title: { text: "layer" } }, rest: { height: 440 } });
}

async function unpack() {
  const packed = Uint8Array.from(atob(find("library").textContent), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  script.textContent = await new Response(stream).text();
  document.head.append(script);
  find("library").remove();
  plots = window.Plotly;
  drawAll();
  document.body.dataset.drawn = "yes";
}

let playing = null;
function play() {
  const on = playing === null;
  find("play").textContent = on ? "Stop" : "Play";
  if (!on) { clearInterval(playing); playing = null; return; }
  playing = setInterval(() => {
    const last = Number(find("when").max);
    state.when = state.when >= last ? -1 : state.when + 1;
    find("when").value = state.when;
    paint();
    if (state.when < 0) play();
  }, 250);
}

function begin() {
  document.querySelector(".ramp").style.background = `linear-gradient(to right, ${[0, 0.25, 0.5, 0.75, 1].map(colour).join(",")})`;
  for (const id of ["run", "network"]) find(id).addEventListener("change", (e) => { state[id] = e.target.selectedIndex; choose(); });
  find("quantity").addEventListener("change", (e) => { state.quantity = e.target.value; paint(); drawOfRun(); });
  find("dies").addEventListener("change", (e) => { state.dies = e.target.value; paint(); });
  find("when").addEventListener("input", (e) => { state.when = Number(e.target.value); paint(); });
  find("play").addEventListener("click", play);
  document.querySelectorAll(".network").forEach((box) => box.addEventListener("pointerover", (e) => {
    const link = e.target.closest(".link"), die = e.target.closest(".die"), network = data.networks[state.network];
    if (link) tell(network.links[link.dataset.link], false);
    else if (die) tell(network.dies[die.dataset.die].name, true);
  }));
  document.querySelectorAll("button.show").forEach((button) => button.addEventListener("click", () => {
    state.network = Math.max(0, data.networks.findIndex((n) => n.name === button.dataset.network));
    find("network").selectedIndex = state.network;
    state.chosen = button.dataset.name;
    choose();
    tell(state.chosen, false);
    find("system").scrollIntoView();
  }));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  addEventListener("beforeprint", () => { printing = true; drawAll(); });
  addEventListener("afterprint", () => { printing = false; drawAll(); });
  choose();
  requestAnimationFrame(() => setTimeout(unpack, 0)); // the page is seen first
}
begin();
