(function () {
  "use strict";
  var codes = Array.prototype.slice.call(document.querySelectorAll("details.code"));
  var fold = document.getElementById("fold");
  if (fold && codes.length) {
    fold.hidden = false;
    fold.addEventListener("click", function () {
      var open = fold.getAttribute("aria-pressed") !== "true";
      codes.forEach(function (code) { code.open = open; });
      fold.setAttribute("aria-pressed", String(open));
      fold.textContent = open ? "Hide all code" : "Show all code";
    });
  }
  var menus = Array.prototype.slice.call(document.querySelectorAll("details.menu"));
  document.addEventListener("click", function (event) {
    menus.forEach(function (menu) { if (!menu.contains(event.target)) { menu.open = false; } });
  });
  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") { return; }
    menus.forEach(function (menu) {
      if (menu.open) { menu.open = false; menu.querySelector("summary").focus(); }
    });
  });
  // a figure is embedded as SVG: whoever wants pixels has them drawn here, at the resolution of print
  var DPI = 300, CSS_DPI = 96;
  // chunk pHYs: 11811 pixels per meter both ways, and its checksum; it goes behind the 33 bytes of signature and header
  var DENSITY = new Uint8Array([0, 0, 0, 9, 112, 72, 89, 115, 0, 0, 46, 35, 0, 0, 46, 35, 1, 120, 165, 63, 118]);
  function save(blob, name) {
    var link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    window.setTimeout(function () { URL.revokeObjectURL(link.href); }, 10000);
  }
  function savePng(image, name) {
    var canvas = document.createElement("canvas"), pencil = canvas.getContext("2d");
    canvas.width = Math.round(image.naturalWidth * DPI / CSS_DPI);
    canvas.height = Math.round(image.naturalHeight * DPI / CSS_DPI);
    pencil.fillStyle = "#ffffff";
    pencil.fillRect(0, 0, canvas.width, canvas.height);
    pencil.drawImage(image, 0, 0, canvas.width, canvas.height);
    canvas.toBlob(function (blob) {
      save(new Blob([blob.slice(0, 33), DENSITY, blob.slice(33)], { type: "image/png" }), name);
    });
  }
  Array.prototype.forEach.call(document.querySelectorAll("figure .downloads"), function (files) {
    var image = files.closest("figure").querySelector('img[src^="data:image/svg"]');
    var svg = files.querySelector('a[href$=".svg"]');
    if (!image || !svg || files.querySelector('a[href$=".png"]')) { return; }
    var link = document.createElement("a");
    link.href = svg.href;
    link.setAttribute("role", "button");
    link.textContent = "PNG, " + DPI + " dpi";
    link.addEventListener("click", function (event) {
      event.preventDefault();
      savePng(image, svg.href.split("/").pop().replace(/svg$/, "png"));
    });
    link.addEventListener("keydown", function (event) { if (event.key === " ") { event.preventDefault(); link.click(); } });
    svg.insertAdjacentElement("afterend", link);
    svg.insertAdjacentText("afterend", " · ");
  });
  var main = document.getElementById("main");
  var tip = document.createElement("div");
  var shown = null, leaving = 0;
  tip.className = "tip";
  tip.setAttribute("role", "tooltip");
  tip.hidden = true;
  if (main) { main.appendChild(tip); }
  function hideTip() { window.clearTimeout(leaving); tip.hidden = true; shown = null; }
  function leaveTip() { window.clearTimeout(leaving); leaving = window.setTimeout(hideTip, 250); }
  function showTip(term) {
    var text = document.getElementById(term.getAttribute("aria-describedby"));
    if (!text) { return; }
    window.clearTimeout(leaving);
    shown = term;
    tip.textContent = text.textContent;
    tip.hidden = false;
    var place = term.getClientRects()[0], width = document.documentElement.clientWidth;
    var left = Math.max(8, Math.min(place.left, width - tip.offsetWidth - 8));
    var fits = place.bottom + tip.offsetHeight + 8 < window.innerHeight || place.top < tip.offsetHeight + 8;
    var top = fits ? place.bottom + 3 : place.top - tip.offsetHeight - 3;
    tip.style.left = left + window.scrollX + "px";
    tip.style.top = top + window.scrollY + "px";
  }
  Array.prototype.forEach.call(document.querySelectorAll(".term"), function (term) {
    term.addEventListener("mouseenter", function () { showTip(term); });
    term.addEventListener("mouseleave", function () { if (document.activeElement !== term) { leaveTip(); } });
    term.addEventListener("focus", function () { showTip(term); });
    term.addEventListener("blur", hideTip);
    term.addEventListener("click", function () { showTip(term); });
    term.addEventListener("keydown", function (event) {
      if (event.key !== "Enter" && event.key !== " ") { return; }
      event.preventDefault();
      if (shown === term) { hideTip(); } else { showTip(term); }
    });
  });
  tip.addEventListener("mouseenter", function () { window.clearTimeout(leaving); });
  tip.addEventListener("mouseleave", function () { if (document.activeElement !== shown) { leaveTip(); } });
  document.addEventListener("keydown", function (event) { if (event.key === "Escape") { hideTip(); } });
  var contents = document.querySelector(".contents details");
  if (contents && window.matchMedia("(max-width: 63.99rem)").matches) { contents.open = false; }
  var links = Array.prototype.slice.call(document.querySelectorAll(".contents a"));
  var targets = links.map(function (link) { return document.getElementById(link.hash.slice(1)); });
  function follow() {
    var current = -1;
    targets.forEach(function (target, index) {
      if (target && target.getBoundingClientRect().top < 140) { current = index; }
    });
    links.forEach(function (link, index) {
      if (index === current) { link.setAttribute("aria-current", "true"); } else { link.removeAttribute("aria-current"); }
    });
  }
  var waiting = false;
  window.addEventListener("scroll", function () {
    if (waiting) { return; }
    waiting = true;
    window.requestAnimationFrame(function () { waiting = false; follow(); });
  }, { passive: true });
  follow();
})();
