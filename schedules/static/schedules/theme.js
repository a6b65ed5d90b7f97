// Sets the theme before anything is painted. The choice is the one of Django's admin: the same key,
// the same values (light, dark, auto).
(() => {
  "use strict";
  const root = document.documentElement;
  let chosen = "auto";
  try {
    chosen = localStorage.getItem("theme") || "auto";
  } catch {
    // Without storage the system's theme is followed.
  }
  root.dataset.theme = ["light", "dark"].includes(chosen) ? chosen : "auto";
  root.classList.add("js");
})();
