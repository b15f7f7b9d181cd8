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
