// Stands last in the page: uses its controls and writes down what it sees.
const rest = (ms) => new Promise((done) => setTimeout(done, ms));
const fills = () => [...document.querySelectorAll(".network.on .link")].map((l) => l.style.stroke).join();
const set = (id, value, event) => { find(id).value = value; find(id).dispatchEvent(new Event(event, { bubbles: true })); };
(async () => {
  while (!document.body.dataset.drawn) await rest(50);
  const out = { charts: [...document.querySelectorAll(".chart")].filter((c) => c.querySelector("svg")).map((c) => c.id) };
  out.whole = fills();
  set("when", "0", "input"); out.first = fills(); out.at = find("at").textContent;
  set("when", "-1", "input"); set("quantity", "bytes", "change"); out.bytes = fills(); out.high = find("high").textContent;
  set("run", "1", "change"); out.other = fills(); out.shown = [...document.querySelectorAll(".of-run.on")].map((e) => e.dataset.run);
  set("run", "0", "change"); set("quantity", "busy", "change");
  out.dies = [...find("dies").options].map((o) => o.value);
  set("dies", "hbm", "change"); out.hbm = [...document.querySelectorAll(".network.on .die rect")].map((r) => r.style.fill);
  const button = document.querySelector(".of-run.on button.show");
  button.focus(); out.focus = document.activeElement === button; button.click();
  out.pointed = find("pointed").innerText; out.chosen = document.querySelectorAll(".link.chosen").length; out.name = button.dataset.name;
  find("play").click(); out.playing = find("play").textContent; await rest(600); out.when = Number(find("when").value); find("play").click();
  out.cells = [...document.querySelectorAll("#figures tbody tr")].map((r) => [r.querySelector("th").innerText, [...r.querySelectorAll("td")].map((c) => JSON.parse(c.dataset.value))]);
  out.bars = [...document.getElementById("chart-times").data[0].x];
  out.unnamed = [...document.querySelectorAll("select, input, button, [role=img]")].filter((e) => !(e.labels && e.labels.length) && !e.getAttribute("aria-label") && !e.textContent.trim()).length;
  out.requests = performance.getEntriesByType("resource").map((e) => e.name);
  out.paint = Math.max(...performance.getEntriesByType("paint").map((e) => e.startTime));
  out.seen = seen;
  document.body.innerHTML = ""; const box = document.createElement("pre"); box.id = "out"; box.textContent = JSON.stringify(out); document.body.append(box);
})();
