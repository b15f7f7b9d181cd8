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
