// Live progress: asks an element's address once a second (or every data-every milliseconds) and writes the figures
// into it, or into the element that data-progress-for names. Nothing is reloaded.
"use strict";

(function () {
    const EVERY_MS = 1000;
    const SLOWER_MS = 5000;

    function show(box, figures) {
        box.querySelectorAll("[data-show]").forEach((part) => {
            const value = figures[part.dataset.show];
            if (value !== undefined && part.textContent !== String(value)) part.textContent = value;
            const tone = figures[part.dataset.tone || "tone"];
            if ("tone" in part.dataset && tone) part.className = "ob-label ob-" + tone;
        });
        box.querySelectorAll("[data-percent]").forEach((bar) => { bar.value = figures.percent; });
        box.querySelectorAll("[data-while]").forEach((part) => {
            const wanted = part.dataset.while === "open" ? figures.open : !figures.open;
            const missing = part.dataset.needs && !figures[part.dataset.needs];
            part.hidden = !wanted || Boolean(missing);
        });
        box.querySelectorAll("[data-link]").forEach((link) => {
            const address = figures[link.dataset.link];
            link.hidden = !address;
            if (address) link.href = address;
        });
    }

    function follow(source) {
        const box = source.dataset.progressFor ? document.querySelector(source.dataset.progressFor) : source;
        const every = Number(source.dataset.every) || EVERY_MS;
        let failures = 0;
        if (!box) return;
        async function look() {
            if (document.hidden) { setTimeout(look, SLOWER_MS); return; }
            try {
                const answer = await fetch(source.dataset.progress, { credentials: "same-origin", headers: { Accept: "application/json" } });
                if (answer.status === 403 || answer.status === 404 || answer.redirected) return;
                const figures = await answer.json();
                failures = 0;
                show(box, figures);
                if (!figures.open) return;
            } catch (error) {
                failures += 1;
            }
            setTimeout(look, failures ? SLOWER_MS : every);
        }
        setTimeout(look, 300);
    }

    document.querySelectorAll("[data-progress]").forEach(follow);
})();
