// Replays a sitting from the files of this export. It asks no network: the record's lines come from replay-data.js, and
// recordings, pictures and clips lie beside it. One clock (`now`) rules; pictures and sound follow it, never the reverse.
(function () {
  "use strict";
  var data = window.PALMCOURT;
  if (!data) return;
  var language = (navigator.language || "zh").toLowerCase().indexOf("zh") === 0 ? "zh" : "en";
  if (location.hash === "#en" || location.hash === "#zh") language = location.hash.slice(1);
  var now = data.start, playing = false, speed = 1, last = 0, current = -1, follow = true;
  var $ = function (id) { return document.getElementById(id); };
  var words = function () { return data.words[language]; };
  var make = function (tag, name, text) {
    var node = document.createElement(tag);
    if (name) node.className = name;
    if (text !== undefined) node.textContent = text;
    return node;
  };
  var two = function (n) { return (n < 10 ? "0" : "") + n; };
  var clock = function (ms) {
    var d = new Date(ms + data.zone * 60000);
    return two(d.getUTCHours()) + ":" + two(d.getUTCMinutes()) + ":" + two(d.getUTCSeconds());
  };
  var who = function (slot) { return (data.people[slot] || {})[language] || slot; };

  // --- the stage: a tile for each seat that was recorded
  var tiles = Object.keys(data.tracks).map(function (slot) {
    var tile = make("div", "tile"), picture = document.createElement("video"), sound = document.createElement("audio");
    var plate = make("p", "plate"), state = make("p", "state");
    picture.muted = true; picture.playsInline = true; picture.preload = "auto"; sound.preload = "auto";
    [picture, sound, state, plate].forEach(function (node) { tile.appendChild(node); });
    $("stage").appendChild(tile);
    var run = function (element, segments) {
      var one = { element: element, segments: segments || [], at: -1 };
      element.addEventListener("loadedmetadata", function () { if (one.at >= 0) align(one); });
      element.addEventListener("error", function () { element.hidden = true; });
      return one;
    };
    var tracks = data.tracks[slot];
    return { slot: slot, tile: tile, plate: plate, state: state, picture: picture,
      runs: [run(picture, tracks.video), run(sound, tracks.audio)] };
  });
  $("stage").hidden = tiles.length === 0;

  function find(segments, t) { // the last segment that begins at or before t, if it still runs
    var low = 0, high = segments.length;
    while (low < high) { var mid = (low + high) >> 1; if (segments[mid][0] <= t) low = mid + 1; else high = mid; }
    return low > 0 && t < segments[low - 1][1] && segments[low - 1][2] ? low - 1 : -1;
  }
  function align(run) {
    var at = find(run.segments, now), element = run.element;
    if (at !== run.at) {
      run.at = at;
      element.hidden = at < 0;
      if (at < 0) { element.pause(); element.removeAttribute("src"); element.load(); return at; }
      element.src = run.segments[at][2];
    }
    if (at < 0) return at;
    var wanted = (now - run.segments[at][0]) / 1000;
    if (element.readyState > 0 && Math.abs(element.currentTime - wanted) > (playing ? 0.4 * speed : 0.05)) {
      element.currentTime = wanted;
    }
    element.playbackRate = speed;
    if (playing && element.paused) { var p = element.play(); if (p) p.catch(function () { /* shown as still */ }); }
    if (!playing && !element.paused) element.pause();
    return at;
  }
  function reason(slot) {
    for (var i = 0; i < data.gaps.length; i++) {
      var gap = data.gaps[i];
      if (gap[0] === slot && gap[1] <= now && now < gap[2]) return gap[3][language];
    }
    return words().no_track_now;
  }

  // --- the lines
  var rows = data.lines.map(function (line) {
    var row = make("li", line.kind + (line.absent ? " absent" : ""));
    row.addEventListener("click", function (event) {
      if (!event.target.closest("a,audio,video")) { follow = true; go(line.ts); }
    });
    $("lines").appendChild(row);
    return row;
  });
  function beside(line) {
    var a = line.attachment, box = make("figure"), shown, link = make("a", "file", a.label[language]);
    if (!a.path) { box.appendChild(make("span", "gone", a.label[language] + " " + words().not_in_export)); return box; }
    link.href = a.path; link.target = "_blank"; link.rel = "noopener";
    if (a.inline === "image") { shown = make("img"); shown.loading = "lazy"; shown.alt = ""; }
    if (a.inline === "voice") { shown = make("audio"); shown.controls = true; shown.preload = "none"; }
    if (a.inline === "video") { shown = make("video"); shown.controls = true; shown.preload = "none"; shown.playsInline = true; }
    if (shown) { shown.src = a.path; box.appendChild(shown); }
    box.appendChild(link);
    return box;
  }
  function write() {
    var w = words(), head = data.heads[language];
    document.documentElement.lang = w.html_lang;
    document.title = head.case_number + " " + w.replay;
    $("court").textContent = head.court;
    $("title").textContent = head.case_number + " · " + head.kind;
    $("transcript").textContent = w.transcript; $("transcript").href = "../transcript." + language + ".html";
    $("language").textContent = w.other_language;
    $("note").textContent = w.replay_note;
    $("root").textContent = w.root + w.colon + data.root;
    $("speed").firstElementChild.textContent = w.speed;
    $("seek").setAttribute("aria-label", w.time);
    tiles.forEach(function (t) { t.plate.textContent = who(t.slot); });
    data.lines.forEach(function (line, i) {
      var row = rows[i], top = make("p", "top"), number = make("a", "no", "#" + line.seq);
      number.href = "../transcript." + language + ".html#e" + line.seq;
      top.appendChild(number); top.appendChild(make("time", "", clock(line.ts)));
      top.appendChild(make("bdi", "name", who(line.slot)));
      row.textContent = ""; row.appendChild(top);
      if (line.text[language]) row.appendChild(make("bdi", "text", line.text[language]));
      if (line.attachment) row.appendChild(beside(line));
    });
    show(true);
  }

  // --- time
  function show(force) {
    var w = words();
    $("clock").textContent = clock(now);
    $("play").textContent = playing ? w.pause : now >= data.end ? w.start_over : w.play;
    $("seek").value = String(now - data.start);
    $("seek").setAttribute("aria-valuetext", clock(now));
    tiles.forEach(function (t) {
      var seen = align(t.runs[0]) >= 0;
      align(t.runs[1]);
      var text = seen ? "" : reason(t.slot);
      if (t.state.textContent !== text) t.state.textContent = text;
    });
    var low = 0, high = rows.length;
    while (low < high) { var mid = (low + high) >> 1; if (data.lines[mid].ts <= now) low = mid + 1; else high = mid; }
    if (now >= data.end) low = rows.length; // what was written after the closing belongs to the end
    if (low - 1 === current && !force) return;
    if (rows[current]) rows[current].classList.remove("now");
    for (var i = 0; i < rows.length; i++) rows[i].classList.toggle("later", i >= low);
    current = low - 1;
    var row = rows[current];
    if (!row) return;
    row.classList.add("now");
    if (follow) { var list = $("said"); list.scrollTop = row.offsetTop - list.clientHeight / 3; }
  }
  function go(ms) { now = Math.max(data.start, Math.min(data.end, ms)); show(false); }
  function step(stamp) {
    if (!playing) return;
    now += (stamp - last) * speed; last = stamp;
    if (now >= data.end) { now = data.end; playing = false; }
    show(false);
    requestAnimationFrame(step);
  }
  function turn() {
    if (!playing && now >= data.end) now = data.start;
    playing = !playing; follow = true;
    show(false);
    if (playing) requestAnimationFrame(function (stamp) { last = stamp; step(stamp); });
  }
  $("play").addEventListener("click", turn);
  $("seek").max = String(Math.max(0, data.end - data.start));
  $("seek").addEventListener("input", function () { follow = true; go(data.start + Number($("seek").value)); });
  $("said").addEventListener("wheel", function () { follow = false; }, { passive: true });
  $("said").addEventListener("touchmove", function () { follow = false; }, { passive: true });
  var choice = $("speed").lastElementChild;
  [1, 1.5, 2, 4, 8].forEach(function (n) {
    var option = make("option", "", n + "×"); option.value = String(n); choice.appendChild(option);
  });
  choice.addEventListener("change", function () { speed = Number(choice.value); });
  $("language").addEventListener("click", function () { language = language === "zh" ? "en" : "zh"; write(); });
  document.addEventListener("keydown", function (event) {
    if (event.key === " " && event.target === document.body) { event.preventDefault(); turn(); }
  });
  var span = Math.max(1, data.end - data.start);
  data.gaps.forEach(function (gap) {
    var mark = make("i");
    mark.style.left = 100 * (gap[1] - data.start) / span + "%";
    mark.style.width = 100 * Math.max(0, gap[2] - gap[1]) / span + "%";
    $("gaps").appendChild(mark);
  });
  write();
})();
