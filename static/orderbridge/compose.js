// Packages by hand: live remaining counts; the draft is kept while one types, and the editor's mark renewed.
"use strict";

(function () {
    const form = document.getElementById("compose");
    if (!form) return;
    const saved = form.querySelector("[data-saved]");
    const version = form.querySelector("[name=version]");
    const PAUSE_MS = 1500;
    let kept = content();
    let timer = null;
    let stopped = false;
    let saving = false;
    let waiting = null;

    function count() {
        const included = {};
        form.querySelectorAll("[data-include]").forEach((box) => { included[box.dataset.include] = box.checked; });
        form.querySelectorAll("tr[data-line]").forEach((row) => {
            let left = Number(row.dataset.open);
            row.querySelectorAll("[data-package]").forEach((input) => {
                const units = Number(input.value);
                if (included[input.dataset.package] && Number.isInteger(units)) left -= units;
                input.classList.toggle("ob-left-out", !included[input.dataset.package]);
            });
            const words = left > 0 ? form.dataset.left : left < 0 ? form.dataset.over : form.dataset.complete;
            const output = row.querySelector("[data-left]");
            const text = words.replace("{n}", String(Math.abs(left)));
            if (output.textContent !== text) output.textContent = text;
            output.className = "ob-label " + (left > 0 ? "ob-warning" : left < 0 ? "ob-danger" : "ob-success");
        });
    }

    function content() {
        const data = new FormData(form);
        ["version", "seen", "csrfmiddlewaretoken"].forEach((name) => data.delete(name));
        return new URLSearchParams(data).toString();
    }

    async function keep() {
        if (stopped || saving) return;
        saving = true;
        const now = content();
        const data = new FormData(form);
        if (now === kept) data.append("renew", "1");
        try {
            const answer = await fetch(form.dataset.draft, { method: "POST", body: data, credentials: "same-origin" });
            if (answer.redirected || (!answer.ok && answer.status !== 409)) { say(form.dataset.offline, true); return; }
            const reply = await answer.json();
            if (answer.status === 409) { stopped = true; say(reply.message, true); return; }
            version.value = String(reply.version);
            if (now !== kept) say(reply.message, false);
            kept = now;
        } catch (error) {
            say(form.dataset.offline, true);
        } finally {
            saving = false;
            if (waiting) { const button = waiting; waiting = null; form.requestSubmit(button); }
        }
    }

    function say(text, bad) {
        saved.textContent = text;
        saved.className = bad ? "ob-label ob-danger ob-wrap" : "ob-quiet";
    }

    function later() {
        clearTimeout(timer);
        timer = setTimeout(() => { if (content() !== kept) keep(); }, PAUSE_MS);
    }

    form.addEventListener("input", () => { count(); later(); });
    form.addEventListener("change", () => { count(); later(); });
    // A draft that is on its way must arrive first, or the page would look out of date to the server.
    form.addEventListener("submit", (event) => {
        clearTimeout(timer);
        if (saving) { event.preventDefault(); waiting = event.submitter; return; }
        stopped = true;
    });
    // Coming back by the browser's history: the version in the page may be an old one.
    window.addEventListener("pageshow", (event) => { if (event.persisted) window.location.reload(); });
    setInterval(keep, Number(form.dataset.every) * 1000);
    count();
    const problems = document.getElementById("problems");
    if (problems) problems.focus();
})();
