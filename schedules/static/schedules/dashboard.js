// What a page can do more where there is JavaScript; without it every link and form works as well.
(() => {
  "use strict";
  const REFRESH_MS = 10_000;
  const SOON_MS = 2_000; // what says so, such as a run while it works
  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // Theme: the switch of Django's admin, light -> dark -> auto.
  const THEMES = ["auto", "light", "dark"];
  const showTheme = () => {
    for (const button of all("[data-theme-switch]")) {
      const current = root.dataset.theme;
      for (const label of all("[data-theme-label]", button)) {
        label.hidden = label.dataset.themeLabel !== current;
      }
    }
  };
  const nextTheme = () => {
    const next = THEMES[(THEMES.indexOf(root.dataset.theme) + 1) % THEMES.length];
    root.dataset.theme = next;
    try {
      localStorage.setItem("theme", next);
    } catch {
      // It lasts as long as the page.
    }
    showTheme();
  };

  // The reader's own zone travels with the form that switches the clock.
  const sayZone = () => {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
    for (const field of all("[data-own-zone]")) field.value = zone;
  };

  // Refreshing: only what the server drew, only while somebody looks, never under someone's hands.
  let paused = false;
  let unanswered = false;
  const isBusy = (live) =>
    document.hidden ||
    paused ||
    document.querySelector("dialog[open]") !== null ||
    (live.contains(document.activeElement) && document.activeElement !== live) ||
    String(document.getSelection() ?? "") !== "" ||
    all("input:checked[data-pick]", live).length > 0;
  const refresh = (force = false, which = "[data-live]") => {
    for (const live of all(which)) {
      if (force || !isBusy(live)) htmx.trigger(live, "refresh");
    }
  };
  setInterval(() => refresh(false, '[data-live=""]'), REFRESH_MS);
  setInterval(() => refresh(false, '[data-live="soon"]'), SOON_MS);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) refresh();
  });
  const showLive = () => {
    const current = paused ? "paused" : unanswered ? "unanswered" : "on";
    for (const button of all("[data-live-switch]")) {
      button.setAttribute("aria-pressed", String(paused));
      for (const label of all("[data-live-label]", button)) {
        label.hidden = label.dataset.liveLabel !== current;
      }
    }
  };
  const setUnanswered = (is) => {
    if (unanswered === is) return;
    unanswered = is;
    showLive();
    const label = document.querySelector("[data-live-label=unanswered]");
    if (is && label) document.getElementById("announcer").textContent = label.textContent;
  };

  // What is not answered in its place is asked for as a page, which says why: the login has ended,
  // the row or the right is gone. A server that is away keeps what is shown, which says so.
  const pathOf = (address) => new URL(address, location.href).pathname;
  const isLive = (event) => event.detail.elt.matches("[data-live]");
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, pathInfo, requestConfig } = event.detail;
    const isElsewhere = pathOf(xhr.responseURL) !== pathOf(pathInfo.finalRequestPath);
    if (isLive(event)) setUnanswered(xhr.status >= 500);
    if (!isElsewhere && xhr.status < 400) return;
    event.detail.shouldSwap = false;
    if (isLive(event) && xhr.status >= 500) return;
    if (requestConfig.verb === "get") location.assign(pathInfo.finalRequestPath);
  });
  const unreached = (event) => {
    if (isLive(event)) setUnanswered(true);
    else if (event.detail.requestConfig.verb === "get") {
      location.assign(event.detail.pathInfo.finalRequestPath);
    }
  };
  document.addEventListener("htmx:sendError", unreached);
  document.addEventListener("htmx:timeout", unreached);

  // Said aloud at most once in ten seconds, and only when it has changed.
  let said = "";
  let saidAt = -REFRESH_MS;
  let waiting = 0;
  const announce = () => {
    const source = document.querySelector("[data-summary]");
    const target = document.getElementById("announcer");
    if (!source || !target || source.textContent === said) return;
    const wait = saidAt + REFRESH_MS - performance.now();
    clearTimeout(waiting);
    if (wait > 0) {
      waiting = setTimeout(announce, wait);
      return;
    }
    saidAt = performance.now();
    said = source.textContent;
    target.textContent = said;
  };

  // A question comes as a page of its own; with JavaScript it is asked in a dialog.
  const dialog = document.getElementById("dialog");
  let asker = null;
  const close = () => {
    if (dialog.open) dialog.close();
  };
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id === "dialog-body") {
      asker = document.activeElement;
      if (!dialog.open) dialog.showModal();
      const first = dialog.querySelector("[autofocus], input:not([type=hidden]), select, textarea, button");
      if (first) first.focus();
      sayZone();
    }
    prepare();
  });
  document.addEventListener("htmx:afterSettle", announce);
  dialog?.addEventListener("close", () => {
    if (asker?.isConnected) asker.focus();
  });
  document.addEventListener("click", (event) => {
    const target = event.target.closest("[data-close], [data-theme-switch], [data-live-switch], [data-help]");
    if (event.target === dialog) close();
    if (!target) return;
    if (target.hasAttribute("data-theme-switch")) nextTheme();
    if (target.hasAttribute("data-live-switch")) {
      paused = !paused;
      showLive();
      if (!paused) refresh(true);
    }
    if (target.hasAttribute("data-help")) {
      event.preventDefault();
      document.getElementById("keys")?.showModal();
    }
    if (target.hasAttribute("data-close")) {
      event.preventDefault();
      target.closest("dialog")?.close();
    }
  });

  // Bulk choice: "all" follows its rows, and the rows follow it.
  const prepare = () => {
    for (const master of all("[data-pick-all]")) {
      const rows = all("[data-pick]", master.closest("form"));
      const show = () => {
        const chosen = rows.filter((row) => row.checked).length;
        master.checked = chosen > 0 && chosen === rows.length;
        master.indeterminate = chosen > 0 && chosen < rows.length;
        for (const bar of all("[data-picked]")) bar.hidden = chosen === 0;
        for (const count of all("[data-picked-count]")) count.textContent = String(chosen);
      };
      if (!master.dataset.ready) {
        master.dataset.ready = "yes";
        master.addEventListener("change", () => {
          for (const row of rows) row.checked = master.checked;
          show();
        });
        for (const row of rows) row.addEventListener("change", show);
      }
      show();
    }
    sayZone();
    showTheme();
    showLive();
  };

  // Keys. A page is `g` and a letter; none of them works while something is typed.
  let waitingForPage = false;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, select, textarea, [contenteditable]")) return;
    if (document.querySelector("dialog[open]")) return;
    if (waitingForPage) {
      waitingForPage = false;
      const link = document.querySelector(`[data-key="g ${CSS.escape(event.key)}"]`);
      if (link) {
        event.preventDefault();
        link.click();
      }
      return;
    }
    const acts = {
      g: () => { waitingForPage = true; setTimeout(() => { waitingForPage = false; }, 1500); },
      "/": () => document.querySelector("[data-search]")?.focus(),
      r: () => refresh(true),
      t: nextTheme,
      n: () => document.querySelector('[data-key="n"]')?.click(),
      "?": () => document.getElementById("keys")?.showModal(),
    };
    if (acts[event.key]) {
      event.preventDefault();
      acts[event.key]();
    }
  });

  document.addEventListener("DOMContentLoaded", prepare);
  if (document.readyState !== "loading") prepare();
})();
