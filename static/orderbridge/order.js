/* The order page: copy buttons, countdowns, the timeline's filter, the live comparison, keys h, r and c.
   Everything works without it, only less comfortably. */
(() => {
    "use strict";
    const page = document.querySelector(".ob-order");
    if (!page) {
        return;
    }

    for (const button of page.querySelectorAll(".ob-copy")) {
        const text = button.textContent;
        button.hidden = !navigator.clipboard;
        button.addEventListener("click", async () => {
            await navigator.clipboard.writeText(button.dataset.copy);
            button.textContent = page.dataset.copied;
            setTimeout(() => { button.textContent = text; }, 1500);
        });
    }

    const two = (number) => String(number).padStart(2, "0");
    const countdowns = [...page.querySelectorAll(".ob-countdown")];
    const tick = () => {
        for (const element of countdowns) {
            const left = Math.floor((new Date(element.dateTime) - Date.now()) / 1000);
            const clock = `${two(Math.floor(left / 3600))}:${two(Math.floor(left / 60) % 60)}:${two(left % 60)}`;
            element.textContent = left > 0 ? clock : element.dataset.now;
        }
    };
    if (countdowns.length) {
        tick();
        setInterval(tick, 1000);
    }

    const chips = [...page.querySelectorAll(".ob-chip")];
    for (const chip of chips) {
        chip.addEventListener("click", (event) => {
            event.preventDefault();
            for (const other of chips) {
                other.toggleAttribute("aria-current", false);
            }
            chip.setAttribute("aria-current", "true");
            for (const entry of page.querySelectorAll(".ob-entry")) {
                entry.hidden = Boolean(chip.dataset.show) && entry.dataset.group !== chip.dataset.show;
            }
            history.replaceState(null, "", chip.href);
        });
    }

    const form = page.querySelector(".ob-compare-form");
    form.addEventListener("submit", async (event) => {
        event.preventDefault();
        const button = form.querySelector("button");
        const result = page.querySelector(".ob-compare-result");
        const text = button.textContent;
        button.disabled = true;
        button.textContent = button.dataset.busy;
        try {
            const answer = await fetch(form.action, {
                method: "POST", body: new FormData(form), headers: { "X-Requested-With": "fetch" },
            });
            if (!answer.ok || answer.redirected) {
                throw new Error(String(answer.status));
            }
            result.innerHTML = await answer.text();
        } catch {
            result.textContent = form.dataset.failed;
        } finally {
            button.disabled = false;
            button.textContent = text;
        }
    });

    document.addEventListener("keydown", (event) => {
        const busy = event.target.closest("input, textarea, select, [contenteditable]");
        if (busy || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || event.defaultPrevented) {
            return;
        }
        if (event.key === "c") {
            const comment = document.getElementById("ob-comment-text");
            if (comment) {
                event.preventDefault();
                comment.focus();
            }
            return;
        }
        const target = /^[hr]$/.test(event.key) && page.querySelector(`[data-key="${event.key}"]`);
        if (target) {
            event.preventDefault();
            target.click();
        }
    });
})();
