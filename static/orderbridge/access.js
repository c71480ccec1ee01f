// The theme's icons are words to a screen reader, and some of its controls are texts that only a mouse reaches.
"use strict";

document.addEventListener("DOMContentLoaded", function () {
    const words = document.querySelector("meta[name=ob-words]").dataset;
    const ICON_NAMES = {
        close: words.close, dock_to_right: words.menu, more_horiz: words.tools, more_vert: words.tools, search: words.search, sync_alt: words.home,
        light_mode: words.theme, dark_mode: words.theme, computer: words.theme,
    };
    const ICON = ".material-symbols-outlined";
    const NATIVE = "a[href], button, input, select, textarea, summary";

    function nameByIcon(control) {
        const icon = control.matches(ICON) ? control : control.querySelector(ICON);
        if (!icon || control.title || control.ariaLabel) return;
        const rest = control.cloneNode(true);
        rest.querySelectorAll(ICON).forEach((each) => each.remove());
        const name = ICON_NAMES[icon.textContent.trim()];
        if (name && (icon === control || !rest.textContent.trim())) control.setAttribute("aria-label", name);
    }

    function makeReachable(control) {
        let button = control;
        if (control.matches("h2, h3")) { // stays a heading, with a button inside
            button = document.createElement("span");
            button.className = "ob-heading-button";
            button.append(...control.childNodes);
            control.append(button);
        }
        button.tabIndex = 0;
        button.setAttribute("role", "button");
        button.addEventListener("keydown", (event) => {
            if ((event.key !== "Enter" && event.key !== " ") || event.target !== button) return;
            event.preventDefault();
            event.stopPropagation();
            button.click();
        });
    }

    document.querySelectorAll(`${NATIVE}, [x-on\\:click]`).forEach(nameByIcon);
    document.querySelectorAll(ICON).forEach((icon) => {
        if (!icon.hasAttribute("x-on:click")) icon.setAttribute("aria-hidden", "true");
    });
    const backdrop = document.getElementById("changelist-filter-close");
    document.querySelectorAll("[x-on\\:click]").forEach((control) => {
        if (control !== backdrop && !control.matches(NATIVE)) makeReachable(control);
    });
    document.addEventListener("keydown", (event) => {
        if (event.key === "Escape" && backdrop && backdrop.offsetParent) backdrop.click();
    });

    const title = document.querySelector("h1");
    const search = document.getElementById("searchbar");
    if (search) search.setAttribute("aria-label", search.placeholder);
    document.querySelectorAll("[data-simplebar]").forEach((box) => {
        box.dataset.simplebarAriaLabel = box.closest("nav") ? words.menu : title ? title.innerText.trim() : "";
    });
});
