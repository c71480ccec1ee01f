// Inputs with data-ob-suggest: entries of LingXing's lists by id and name while somebody types.
"use strict";
(() => {
    const WAIT = 200;
    let number = 0;

    const prepare = (input) => {
        const list = document.createElement("datalist");
        list.id = `ob-suggestions-${++number}`;
        const name = document.createElement("span");
        name.className = "ob-quiet ob-suggested";
        input.after(list, name);
        input.setAttribute("list", list.id);
        let timer = 0;
        let asked = null;
        const labels = new Map();

        const show = () => { name.textContent = labels.get(input.value.trim()) || ""; };
        const fetchEntries = async () => {
            const text = input.value.trim();
            if (text === asked) return;
            asked = text;
            const response = await fetch(`${input.dataset.obSuggest}&q=${encodeURIComponent(text)}`, {
                headers: { Accept: "application/json" }, credentials: "same-origin",
            });
            if (!response.ok || text !== asked) return;
            const { entries } = await response.json();
            list.replaceChildren(...entries.map(({ value, label }) => {
                labels.set(value, label);
                const option = document.createElement("option");
                option.value = value;
                option.label = label ? `${value} · ${label}` : value;
                return option;
            }));
            show();
        };
        input.addEventListener("input", () => {
            show();
            clearTimeout(timer);
            timer = setTimeout(fetchEntries, WAIT);
        });
        input.addEventListener("focus", fetchEntries);
        if (input.value && !input.dataset.obQuiet) fetchEntries();
    };

    // A new mapping begins at its first empty field, also when it came filled in (Django's page begins at its first one).
    const beginAtWhatIsMissing = () => {
        const name = document.getElementById("django-admin-form-add-constants")?.dataset.modelName;
        if (!name) return;
        const form = document.getElementById(`${name}_form`);
        const fields = [...form.elements].filter((field) => field.matches("input[type=text], select, textarea")
            && !field.disabled && field.offsetParent);
        const begun = form.contains(document.activeElement) && document.activeElement !== fields[0];
        if (!begun) fields.find((field) => !field.value)?.focus();
    };
    window.addEventListener("load", beginAtWhatIsMissing);

    const start = () => document.querySelectorAll("input[data-ob-suggest]").forEach(prepare);
    if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
    else start();
})();
