/* Keys for the daily moves: g d / g o / g e / g f / g w, j and k, x, Enter, /, ?. Listed in the dialog #ob-keys.

   A key counts only by itself: never with Ctrl, Alt or ⌘, never while somebody types or an input method composes,
   never over an open dialog, and never what another script has handled already. Rows get the focus on the link that
   Enter opens, so Tab and screen readers are where the eye is. Whoever needs single keys for something else (a
   screen reader, speech input) switches them off in the dialog. */
(function () {
  "use strict";

  const SEQUENCE_MS = 1200;
  const OFF = "orderbridge.keysOff";
  const ROWS = "#result_list tr.data-row, [data-ob-rows] > tr, [data-ob-rows] > li, .ob-causes > li";
  let afterG = 0;
  let current = null;

  function remembered() {
    try {
      return window.localStorage.getItem(OFF) === "1";
    } catch (error) {
      return false; // storage is switched off: keys stay on
    }
  }

  function remember(off) {
    try {
      window.localStorage.setItem(OFF, off ? "1" : "0");
    } catch (error) {
      return; // only for this page then
    }
  }

  let off = remembered();

  function typing(element) {
    if (!element || element === document.body) {
      return false;
    }
    if (element.isContentEditable || element.closest("[role=textbox], [role=combobox], [role=listbox], [role=menu]")) {
      return true;
    }
    const name = element.tagName;
    if (name === "INPUT") {
      return !["button", "submit", "reset", "checkbox", "radio", "image", "file"].includes(element.type);
    }
    return name === "TEXTAREA" || name === "SELECT";
  }

  function dialog() {
    return document.getElementById("ob-keys");
  }

  function showHelp() {
    const box = dialog();
    if (box && !box.open) {
      box.showModal();
    }
  }

  function search() {
    const field = document.getElementById("searchbar") || document.getElementById("ob-find");
    if (field) {
      field.focus();
      field.select();
    }
    return Boolean(field);
  }

  function rows() {
    return Array.from(document.querySelectorAll(ROWS)).filter((row) => row.offsetParent !== null);
  }

  function linkOf(row) {
    return row.querySelector("th a[href], a.ob-row-link, a[href]");
  }

  function boxOf(row) {
    return row.querySelector("input.action-select, input[type=checkbox]");
  }

  function move(step) {
    const all = rows();
    if (!all.length) {
      return false;
    }
    const focused = all.findIndex((row) => row.contains(document.activeElement));
    const from = focused >= 0 ? focused : all.indexOf(current);
    const next = all[from < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(from + step, 0), all.length - 1)];
    mark(next);
    return true;
  }

  function mark(row) {
    if (current) {
      current.classList.remove("ob-current-row");
    }
    current = row;
    row.classList.add("ob-current-row");
    const target = linkOf(row) || boxOf(row);
    if (target) {
      target.focus({ preventScroll: true });
    }
    row.scrollIntoView({ block: "nearest" });
  }

  function select() {
    const box = current && current.isConnected && boxOf(current);
    if (!box) {
      return false;
    }
    box.click();
    return true;
  }

  function open() {
    const link = current && current.isConnected && linkOf(current);
    const active = document.activeElement;
    if (!link || (active && active !== document.body && !current.contains(active))) {
      return false;
    }
    if (active && active !== document.body && active.matches("a[href], button, summary")) {
      return false; // the browser opens what has the focus
    }
    link.click();
    return true;
  }

  function go(key) {
    const box = dialog();
    const address = box && box.getAttribute("data-go-" + key);
    if (address) {
      window.location.assign(address);
    }
    return Boolean(address);
  }

  function handle(key) {
    if (Date.now() - afterG < SEQUENCE_MS) {
      afterG = 0;
      return /^[a-z]$/.test(key) && go(key);
    }
    switch (key) {
      case "g":
        afterG = Date.now();
        return true;
      case "j":
        return move(1);
      case "k":
        return move(-1);
      case "x":
        return select();
      case "Enter":
        return open();
      case "/":
        return search();
      case "?":
        showHelp();
        return true;
      default:
        return false;
    }
  }

  document.addEventListener("keydown", function (event) {
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.isComposing || event.repeat && event.key !== "j" && event.key !== "k") {
      return;
    }
    if (event.key === "Escape" && document.activeElement && document.activeElement.id === "ob-find") {
      document.activeElement.blur();
      return;
    }
    if (off || typing(document.activeElement) || document.querySelector("dialog[open]")) {
      return;
    }
    if (handle(event.key)) {
      event.preventDefault();
    }
  });

  document.addEventListener("click", function (event) {
    if (event.target.closest("[data-ob-keys]")) {
      showHelp();
      return;
    }
    const box = dialog();
    if (box && event.target === box) {
      box.close(); // a click beside the dialog's content
    }
  });

  document.addEventListener("change", function (event) {
    if (event.target.matches("[data-ob-keys-off]")) {
      off = event.target.checked;
      remember(off);
    }
  });

  document.addEventListener("DOMContentLoaded", function () {
    const box = document.querySelector("[data-ob-keys-off]");
    if (box) {
      box.checked = off;
    }
  });
})();
