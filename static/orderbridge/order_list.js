// Many numbers pasted into the search box do not fit into an address: they go the way of "Paste numbers".
"use strict";

(function () {
    const LONGEST_ADDRESS = 1200;
    const search = document.getElementById("changelist-search");
    const pasted = document.getElementById("ob-pasted-numbers");
    if (!search || !pasted) return;
    search.addEventListener("submit", (event) => {
        const box = search.querySelector("#searchbar");
        if (!box || box.value.length <= LONGEST_ADDRESS) return;
        event.preventDefault();
        pasted.value = box.value;
        pasted.form.submit();
    });
})();
